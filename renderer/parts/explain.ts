import type { TFunction } from 'i18next';
import { messageOf } from '../store/index.js';

/** What people meet most when they run something, in words that say what to do; everything else as the engine says it. */
export function explainRun(t: TFunction, error: unknown): string {
  const message = messageOf(error);
  const missing = /exec: "([^"]*)": (?:executable file not found|stat .*no such file)/.exec(message);
  if (missing) return t('run.failed.command', { command: missing[1] });
  const refused = /exec: "([^"]*)": permission denied/.exec(message);
  if (refused) return t('run.failed.permission', { command: refused[1] });
  const taken = /container name "\/?([^"]+)" is already in use/i.exec(message);
  if (taken) return t('run.failed.name', { name: taken[1] });
  return message;
}
