import type { TFunction } from 'i18next';
import { explain } from '../explain.js';

/** Whether a restart is all that is in the way. */
export const takesRestart = (said: string): boolean => /^a running container takes .+ only with a restart/s.test(said);

/** Why what is mounted does not change while it runs; what is not known is as the engine says it. */
export function explainObstacle(t: TFunction, said: string): string {
  const reason = said.replace(/^a running container takes .+? only with a restart: /s, '');
  const readonly = /^(.+) is not there, and cannot be made/s.exec(reason);
  if (readonly) return t('mounts.reason.readonly', { path: readonly[1] });
  const other = /^something else is mounted on (.+)$/s.exec(reason);
  if (other) return t('mounts.reason.other', { path: other[1] });
  const inside = /^(.+) is mounted inside (.+)$/s.exec(reason);
  if (inside) return t('mounts.reason.inside', { inner: inside[1], path: inside[2] });
  const memory = /is in memory \(tmpfs\)|^what is in memory/.test(reason);
  if (memory) return t('mounts.reason.memory');
  const runtime = /^its runtime (\S+) keeps/.exec(reason);
  if (runtime) return t('mounts.reason.runtime', { name: runtime[1] });
  const kernel = /^this kernel \((.+)\) cannot/.exec(reason);
  if (kernel) return t('mounts.reason.kernel', { version: kernel[1] });
  const shares = /^(.+) shares its mounts with this machine/s.exec(reason);
  if (shares) return t('mounts.reason.shares', { path: shares[1] });
  const replaced = /^what is mounted on (.+) is not what/s.exec(reason);
  if (replaced) return t('mounts.reason.replaced', { path: replaced[1] });
  return reason;
}

/** Why something was not mounted at all. */
export function explainAttach(t: TFunction, message: string): string {
  const missing = /^bind source path does not exist: (.+)$/s.exec(message);
  if (missing) return t('mounts.problem.missing', { path: missing[1] });
  const taken = /has something mounted on (.+) already/s.exec(message);
  if (taken) return t('mounts.problem.taken', { path: taken[1] });
  if (/part of what the system shows/.test(message)) return t('mounts.problem.system');
  if (/destination can't be '\/'|is the container's root/.test(message)) return t('mounts.problem.root');
  const kinds = /is a (file|directory) in the container, and the source is a/.exec(message);
  if (kinds) return t(kinds[1] === 'file' ? 'mounts.problem.folderOnFile' : 'mounts.problem.fileOnFolder');
  if (/is being changed already/.test(message)) return t('change.busy');
  if (/is paused: unpause it before/.test(message)) return t('mounts.problem.paused');
  return takesRestart(message) ? explainObstacle(t, message) : explain(t, message);
}
