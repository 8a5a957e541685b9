import { useTranslation } from 'react-i18next';
import type { Task } from '../store/tasks-slice.js';
import { plain } from '../ui/ansi.js';
import { bytes, bytesOf } from '../ui/format.js';
import { Layers } from './TaskProgress.js';

const TAIL_LINES = 6;

/** More of them are too narrow to be told apart. */
const MOST_SEGMENTS = 200;

/** A line as a terminal would have left it: what came after a carriage return. */
const settled = (line: string): string =>
  plain(line)
    .split('\r')
    .filter((part) => part !== '')
    .at(-1) ?? '';

export const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n').map(settled);

/** A build on its way, or where it ended: a segment for each instruction, and the last that was said. */
export function BuildProgress({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { output, moved, progress, state } = task;
  const step = output?.step;
  const fetching = progress.layers.some(({ phase }) => phase !== 'done' && phase !== 'had');
  return (
    <div className="build">
      {step ? (
        <>
          <div
            className={step.of > MOST_SEGMENTS ? 'bar' : 'segments'}
            role="progressbar"
            aria-label={task.reference}
            aria-valuenow={step.at - 1}
            aria-valuemin={0}
            aria-valuemax={step.of}
            aria-valuetext={t('tasks.stepOf', { at: step.at, of: step.of })}
          >
            {step.of > MOST_SEGMENTS ? (
              <i style={{ width: `${((step.at - 1) / step.of) * 100}%` }} />
            ) : (
              Array.from({ length: step.of }, (_, index) => <i key={index} data-is={segmentOf(index + 1, task)} />)
            )}
          </div>
          <p className="mono s12 cut" title={step.command}>
            {step.command}
          </p>
        </>
      ) : (
        state === 'running' && <Sending moved={moved} name={task.reference} />
      )}
      {state === 'running' && fetching && <Layers layers={progress.layers} push={false} />}
      {output && output.text !== '' && state !== 'cancelled' && (
        <pre className="build-tail mono">{linesOf(output.text).slice(-TAIL_LINES).join('\n')}</pre>
      )}
    </div>
  );
}

function segmentOf(at: number, { output, state }: Task): 'had' | 'done' | 'now' | 'failed' | undefined {
  const now = output?.step?.at ?? 0;
  if (at > now) return undefined;
  if (output?.cached.includes(at)) return 'had';
  if (at < now) return 'done';
  return state === 'running' ? 'now' : state === 'failed' ? 'failed' : undefined;
}

function Sending({ moved, name }: { moved: Task['moved']; name: string }) {
  const { t } = useTranslation();
  const { bytes: sent = 0, total = 0 } = moved ?? {};
  const percent = total > 0 ? Math.min(100, Math.floor((sent / total) * 100)) : 0;
  return (
    <>
      <div
        className="bar"
        role="progressbar"
        aria-label={name}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <i style={{ width: `${percent}%` }} />
      </div>
      <p className="s11 t3 num">
        {t('tasks.sending', { amount: total > 0 ? bytesOf(Math.min(sent, total), total) : bytes(sent) })}
      </p>
    </>
  );
}
