import { useCallback } from 'react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { messageOf, useEngine } from '../store/index.js';

/** What people meet most when they run something, in words that say what to do; everything else as `explain` says it. */
export function explainRun(t: TFunction, error: unknown, folder?: string): string {
  const message = messageOf(error);
  const missing = /exec: "([^"]*)": (?:executable file not found|stat .*no such file)/.exec(message);
  if (missing) return t('run.failed.command', { command: missing[1] });
  const refused = /exec: "([^"]*)": permission denied/.exec(message);
  if (refused) return t('run.failed.permission', { command: refused[1] });
  const taken = /container name "\/?([^"]+)" is already in use/i.exec(message);
  if (taken) return t('run.failed.name', { name: taken[1] });
  return explain(t, message, folder);
}

const registryTroubles = [
  [/^the archive cannot be read/, 'archive'],
  [/registry (?<registry>\S+) cut the connection/, 'cut'],
  [/connection ended after|talking to the registry \S+ failed: (?:aborted|terminated|socket hang up)/, 'cutShort'],
  [/does not match its digest .*expected (?:sha256:)?(?<content>[0-9a-f]{12})/, 'digest'],
  [/verification failed for digest (?:sha256:)?(?<content>[0-9a-f]{12})/, 'digest'],
  [/registry (?<registry>\S+) refuses the connection/, 'refused'],
  [/registry (?<registry>\S+) cannot be found/, 'unknown'],
  [/registry (?<registry>\S+) (?:cannot be reached|does not answer|has not answered)/, 'unreachable'],
  [/registry (?<registry>\S+) answered with status (?<status>5\d\d)/, 'unwell'],
  [/registry (?<registry>\S+) wants a client certificate/, 'clientCertificate'],
  [/certificate of the registry (?<registry>\S+) is not trusted/, 'untrusted'],
  [/the proxy (?<registry>\S+) asks for a login/, 'proxyLogin'],
  [/the proxy (?<registry>\S+) lets nobody through to (?<target>\S+)/, 'proxyRefuses'],
  [/the proxy (?<registry>\S+) cannot be used/, 'proxy'],
  [/(?:registry )?(?<registry>\S+) (?:sends|redirects) .*(?:not encrypted|without encryption)/, 'unencrypted'],
  [/credential helper (?<program>\S+) is not installed/, 'helperMissing'],
  [/credential helper (?<program>\S+) has not answered/, 'helperLocked'],
  [/credential helper (?<program>\S+) /, 'helper'],
  [/the login for (?<registry>\S+) is docker's own/, 'dockersLogin'],
  [/nobody is logged in to (?<registry>\S+)/, 'notLoggedIn'],
  [/(?<registry>\S+) offers no search/, 'noSearch'],
  [/log-in service (?<registry>\S+) (?:answered with status|sent no token)/, 'loginService'],
  [/invalid mirror: /, 'mirror'],
  [/the CA certificate (?:is not in PEM|cannot be read)/, 'authority'],
  [/the client key does not belong/, 'keyMismatch'],
  [/the client (?:certificate|key) cannot be read/, 'clientUnreadable'],
  [/a client certificate and its key are set together/, 'clientPair'],
  [/"(?<registry>[^"]*)" is no registry/, 'noRegistry'],
  [/registry (?<registry>\S+) does not speak HTTPS/, 'plain'],
  // What is no registry: a place to import from, or one that an image names for a layer.
  [/^(?<address>\S+) cut the connection/, 'hostCut'],
  [/^(?<address>\S+) refuses the connection/, 'hostRefused'],
  [/^(?<address>\S+) cannot be found: /, 'hostUnknown'],
  [/^(?<address>\S+) (?:cannot be reached: |does not answer \(|has not answered for )/, 'hostUnreachable'],
  [/^(?<address>\S+) wants a client certificate/, 'hostCertificate'],
  [/^the certificate of (?<address>\S+) is not trusted/, 'hostUntrusted'],
  [/^(?<address>\S+) does not speak HTTPS/, 'hostPlain'],
  [/(?:manifest for|repository) (?<image>\S+) not found/, 'missing'],
  [/pull access denied for (?<image>[^\s,]+)/, 'denied'],
  [/push access denied for (?<image>[^\s,]+?):? /, 'pushDenied'],
  [/unauthorized: the login has run out/, 'loginOver'],
  [/unauthorized: incorrect username or password/, 'wrongLogin'],
  [/^toomanyrequests: .* again in (?<count>\d+) (?<unit>hour|minute|second)s?/, 'limitedFor'],
  [/^toomanyrequests: .*Wait up to (?<count>\d+) (?<unit>hour|minute|second)s?/, 'limitedUpTo'],
  [/authentication required|no basic auth credentials|unauthorized/, 'login'],
  [/requested access to the resource is denied|insufficient_scope/, 'notYours'],
  [/toomanyrequests/, 'limited'],
] as const;

/** What can go wrong on this machine itself. */
const ownTroubles = [
  [/^(?:the connection to the engine at .+ broke: |the engine ended the answer before )/, 'engineGone'],
  [/^no engine answers at /, 'engineOff'],
  [/(?:is not here any more as it came|is damaged on this machine's disk)/, 'partLost'],
  [/^a self-check is under way already/, 'checkBusy'],
  [/^the archive (?:has neither a manifest\.json nor an index\.json|holds no image)/, 'archiveNoImage'],
  [/^the archive lacks (?<content>\S+), which/, 'archiveLacks'],
  [/^the archive is empty/, 'archiveEmpty'],
  [/^the archive(?:'s| is| has) .*(?:refused|is no index)/, 'archiveFalse'],
  [/^the image has \d+ layers, but its configuration names \d+/, 'imageFalse'],
  [/^layer (?<content>\S+) does not match the image's configuration/, 'layerFalse'],
  [
    /^the (?:manifest|configuration|index|image)\b.* (?:refused$|is not JSON|is not a JSON object|is not valid|bytes: too many)/,
    'imageFalse',
  ],
  [
    /^the layer(?:'s (?:entry|whiteout) | is not a tar| has .+ as another name of| puts files below| cannot be decompressed| \S+ is longer than)/s,
    'layerDamaged',
  ],
  [/ belongs to user (?<content>\d+), .*more than your subordinate ids cover/s, 'idsTooFew'],
  [/^no matching manifest for (?<content>\S+) in /, 'noPlatform'],
  [/^(?<image>\S+) is no image but an artifact of type (?<content>\S+):/, 'artifact'],
  [/is stored in the old format "schema 1"/, 'oldFormat'],
  [/^the registry (?<registry>\S+) lacks a part of (?<image>\S+)/, 'partMissing'],
  [/^image operating system "(?<content>[^"]*)" cannot be used/, 'otherSystem'],
  [/^(?:the comparison is not kept any more|the layer \S+ is not there any more)/, 'movedOn'],
  [/^No such (?:image|container): (?<image>\S+)$/, 'notHere'],
  [/^(?<image>.+) is a \w+, not a file$/, 'noFile'],
  [/^nothing differs in (?<image>.+)$/, 'nothingDiffers'],
  [/^the volume (?<content>\S+) is in use by (?<target>.+): stop what runs/, 'volumeInUse'],
  [/^there is a volume (?<content>\S+) already/, 'volumeTaken'],
  [/^the volume (?<content>\S+) stands for the folder (?<target>.+) of this machine/, 'volumeFolder'],
  [/^the volume (?<content>\S+) is of type (?<target>\S+): it has no files/, 'volumeElsewhere'],
  [/the volume (?<content>\S+) cannot be used now: /, 'volumeBusy'],
  [/volume (?<content>\S+) is being .+: wait until that is done, or cancel it/, 'volumeBusy'],
  [/^remove (?<content>\S+): volume is in use - \[/, 'volumeUsed'],
  [
    /^remove (?<content>\S+): volume is kept for what is in the bin: (?<target>.+)\. Restore it, or delete it/,
    'volumeKept',
  ],
  [/^(?:\w+ (?=\S+: no such volume$)|No such volume: )(?<content>[^\s:]+)/, 'volumeGone'],
  [/^No such volume in the bin: /, 'binGone'],
  [/^the name "(?<content>[^"]+)" is taken by another volume meanwhile/, 'volumeNameTaken'],
  [/^the files of volume (?<content>\S+) are in memory: /, 'volumeInMemory'],
  [/^(?<content>.+) is there already$/s, 'fileThere'],
  [/^(?<content>.+) was changed by somebody else in the meantime$/s, 'fileChanged'],
  [/^(?<content>.+) was removed in the meantime$/s, 'fileRemoved'],
  [/^Could not find the file (?<content>.+) in (?:container|volume) \S+$/s, 'fileGone'],
  [/^(?<content>\/.+) is not there any more$/s, 'fileGone'],
  [/^(?<content>\/.+) may not be read: permission denied$/s, 'fileDenied'],
  [/^(?<content>.*\.dockerignore) has a pattern that cannot be read: (?<target>.+)$/s, 'ignoreFalse'],
  [/^The history does not tell how (?<content>.+) was mounted\.$/s, 'mountUnknown'],
  [/^(?<content>.+) is mounted (?:there|into the container) and cannot be moved or removed/s, 'fileMounted'],
  [/^(?<content>.+) cannot be moved into itself$/s, 'fileIntoItself'],
  [/^(?<content>.+) and (?<target>.+) are on different mounts: /s, 'fileAcross'],
  [/^backup (?<content>\S+) is damaged/, 'backupDamaged'],
  [/^the archive of backup (?<content>\S+) is not there any more/, 'backupLost'],
  [/^backup (?<content>\S+) is being restored/, 'backupBusy'],
  [/^there is no backup (?<content>\S+)/, 'backupLost'],
  [/^the archive's entry (?<content>.+) leads out of the archive/, 'tarOutside'],
  [
    /^the archive(?: is damaged at| is not a tar file| puts files below| has .+ as another name of|'s (?:entry|root)) /,
    'tarDamaged',
  ],
  [/^(?<address>\S+) is in use: choose another port/, 'addressTaken'],
  [/^(?<address>\S+) is none of this machine's addresses/, 'addressElsewhere'],
  [/^(?<address>\S+) is for root alone/, 'addressRoot'],
] as const;

/** What can go wrong with a registry; the words are below `trouble`. */
export type TroubleKind = (typeof registryTroubles)[number][1];

/** Which trouble with a registry an engine's sentence is about, where it is one. */
export const troubleOf = (message: string): TroubleKind | undefined =>
  registryTroubles.find(([pattern]) => pattern.test(message))?.[1];

/** The registry gave no answer that one could work with: what is here is all there is for now. */
export const isOutOfReach = (kind: TroubleKind | undefined): boolean =>
  kind !== undefined &&
  /^(?:cut|cutShort|refused|unknown|unreachable|unwell|proxy|proxyLogin|proxyRefuses|loginService)$/.test(kind);

const noNumbers = { needed: '', free: '', folder: '', kept: '' };
const nothingNamed = {
  registry: '',
  content: '',
  status: '',
  image: '',
  target: '',
  program: '',
  time: '',
  address: '',
};

/** The engine's English about a registry, a full disk or an address in the window's language; everything else as the engine says it. */
export function explain(t: TFunction, message: string, folder?: string): string {
  const early =
    /needs about (?<needed>[\d.]+ \w+), (?<free>[\d.]+ \w+) free on the disk that holds (?<folder>\S+) \((?<kept>[\d.]+ \w+)/.exec(
      message,
    );
  if (early?.groups) return t('trouble.noRoom', { ...noNumbers, ...early.groups });
  const files =
    /needs about (?<needed>\d+) files, (?<free>\d+) more fit on the disk that holds (?<folder>[^:\s]+)/.exec(message);
  if (files?.groups) return t('trouble.noFiles', { ...noNumbers, ...files.groups });
  const many = /the archive has more than (?<needed>\d+) files and was refused/.exec(message);
  if (many?.groups) return t('trouble.manyFiles', { ...noNumbers, ...many.groups });
  if (/no space left on device/i.test(message))
    return folder === undefined ? t('trouble.fullSomewhere') : t('trouble.full', { folder });
  for (const [pattern, key] of [...ownTroubles, ...registryTroubles]) {
    const found = pattern.exec(message);
    if (!found) continue;
    const { count, unit, ...named } = found.groups ?? {};
    const time = unit && t(`trouble.time.${unit as 'hour' | 'minute' | 'second'}`, { count: Number(count) });
    return t(`trouble.${key}`, { ...nothingNamed, ...named, ...(time && { time }) });
  }
  return message;
}

/** `explain`, knowing where the engine keeps its data. */
export function useExplain(): (message: string) => string {
  const { t } = useTranslation();
  const folder = useEngine((state) => state.info?.DockerRootDir);
  return useCallback((message) => explain(t, message, folder), [t, folder]);
}
