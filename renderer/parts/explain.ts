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
  [/registry (?<registry>\S+) cut the connection/, 'cut'],
  [/connection ended after|talking to the registry \S+ failed: (?:aborted|terminated|socket hang up)/, 'cutShort'],
  [/does not match its digest .*expected (?:sha256:)?(?<content>[0-9a-f]{12})/, 'digest'],
  [/verification failed for digest (?:sha256:)?(?<content>[0-9a-f]{12})/, 'digest'],
  [/registry (?<registry>\S+) refuses the connection/, 'refused'],
  [/registry (?<registry>\S+) cannot be found/, 'unknown'],
  [/registry (?<registry>\S+) (?:cannot be reached|does not answer|has not answered)/, 'unreachable'],
  [/registry (?<registry>\S+) answered with status (?<status>5\d\d)/, 'unwell'],
  [/certificate of the registry (?<registry>\S+) is not trusted/, 'untrusted'],
  [/registry (?<registry>\S+) does not speak HTTPS/, 'plain'],
  [/(?:manifest for|repository) (?<image>\S+) not found/, 'missing'],
  [/pull access denied for (?<image>[^\s,]+)/, 'denied'],
  [/^toomanyrequests/, 'limited'],
] as const;

const nothingNamed = { registry: '', content: '', status: '', image: '' };

/** The engine's English about a registry or a full disk in the window's language; everything else as the engine says it. */
export function explain(t: TFunction, message: string, folder?: string): string {
  if (/no space left on device/i.test(message))
    return folder === undefined ? t('trouble.fullSomewhere') : t('trouble.full', { folder });
  for (const [pattern, key] of registryTroubles) {
    const found = pattern.exec(message);
    if (found) return t(`trouble.${key}`, { ...nothingNamed, ...found.groups });
  }
  return message;
}

/** `explain`, knowing where the engine keeps its data. */
export function useExplain(): (message: string) => string {
  const { t } = useTranslation();
  const folder = useEngine((state) => state.info?.DockerRootDir);
  return useCallback((message) => explain(t, message, folder), [t, folder]);
}
