import type { TFunction } from 'i18next';
import { explainRun } from '../explain.js';

/** Why a change did not stay, in words that say what to do; what is not known is as the engine says it. */
export function explainRollback(t: TFunction, reason: string): string {
  const ended = /^it ended with exit code (\d+)(, for want of memory)?(?:: (.+))?$/s.exec(reason);
  if (ended)
    return [ended[2] ? t('change.reason.oom') : t('change.reason.ended', { code: ended[1] }), ended[3]]
      .filter(Boolean)
      .join(' ');
  const late = /^it did not become healthy within (\d+) seconds$/.exec(reason);
  if (late) return t('change.reason.late', { span: t('time.seconds', { count: Number(late[1]) }) });
  const ill = /^it became unhealthy(?:: (.+))?$/s.exec(reason);
  if (ill) return [t('change.reason.unhealthy'), ill[1]].filter(Boolean).join(' ');
  const start = /^it does not start: (.+)$/s.exec(reason);
  if (start) return t('change.reason.start', { error: explainRun(t, new Error(start[1])) });
  if (reason === 'it was called off before it was known to work') return t('change.reason.cancelled');
  return reason;
}

/** Why a change was not made at all. */
export function explainChange(t: TFunction, message: string): string {
  const taken = /container name "\/?([^"]+)" is already in use/i.exec(message);
  if (taken) return t('change.taken', { name: taken[1] });
  if (/is being changed already/.test(message)) return t('change.busy');
  const paused = /^container (\S+) is paused: unpause it/.exec(message);
  if (paused) return t('change.paused', { name: paused[1] });
  if (/marked for removal/.test(message)) return t('change.removing');
  return message;
}
