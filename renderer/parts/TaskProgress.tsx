import { Check } from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import { sums, type Layer } from '../store/pull-progress.js';
import { shareOfTask, type Task } from '../store/tasks-slice.js';
import { bytes, bytesOf, span } from '../ui/format.js';

const fills: Partial<Record<Layer['phase'], string>> = { had: 'var(--text-3)', done: 'var(--run)' };

function LayerLine({ layer, push }: { layer: Layer; push: boolean }) {
  const { t } = useTranslation();
  const whole = layer.phase === 'had' || layer.phase === 'done';
  const width = whole ? 100 : layer.total > 0 ? Math.min(100, (layer.current / layer.total) * 100) : 0;
  const words = {
    had: push ? t('tasks.hadThere') : t('tasks.had'),
    done: layer.total > 0 ? bytes(layer.total) : push ? t('tasks.sent') : t('tasks.fetched'),
    extracting: t('tasks.unpacking'),
    moved: t('tasks.fetched'),
    waiting: t('tasks.waiting'),
    retrying: t('tasks.retrying'),
    moving: layer.total > 0 ? bytesOf(layer.current, layer.total) : bytes(layer.current),
  }[layer.phase];
  return (
    <li className="layer">
      <span className="mono">{layer.id}</span>
      <span className="bar">
        <i style={{ width: `${width}%`, background: fills[layer.phase] }} />
      </span>
      <span>
        {whole && <Check className="icon s12 c-run" style={{ verticalAlign: -2 }} aria-hidden />} {words}
      </span>
    </li>
  );
}

export const Layers = ({ layers, push }: { layers: Layer[]; push: boolean }) => (
  <ul className="layers-list">
    {layers.map((layer) => (
      <LayerLine key={layer.id} layer={layer} push={push} />
    ))}
  </ul>
);

/** A task on its way: the whole, its speed, the time that is left, and every layer. */
export function TaskProgress({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { moved, kind, progress } = task;
  const layers = sums(progress);
  const current = moved?.bytes ?? layers.current;
  const total = moved ? (moved.total ?? 0) : layers.sized ? layers.total : 0;
  const share = shareOfTask(task);
  const percent = share === undefined ? undefined : Math.floor(share * 100);
  const left = total > current && task.speed > 0 ? ((total - current) / task.speed) * 1000 : undefined;
  const amount = total > 0 ? bytesOf(Math.min(current, total), total) : bytes(current);
  const pending = !moved && progress.layers.length === 0 && task.stage === undefined;
  const unpacking = task.stage === undefined && moved?.total !== undefined && moved.bytes >= moved.total;
  return (
    <div>
      <div
        className={clsx('bar', percent === undefined && 'unsized')}
        style={{ height: 5, margin: '7px 0 8px' }}
        role="progressbar"
        aria-label={task.reference}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <i style={{ width: percent === undefined ? undefined : `${percent}%` }} />
      </div>
      <div className="row s11 t3 num" style={{ marginBottom: 7 }}>
        <span className="grow">
          {pending
            ? t('pull.pending')
            : [
                ...(task.stage ? [t(`tasks.stages.${task.stage}`)] : []),
                ...(moved || layers.current > 0 || !task.stage
                  ? [task.speed > 0 ? t('tasks.speed', { amount, speed: bytes(task.speed) }) : amount]
                  : []),
              ].join(' · ')}
        </span>
        {left !== undefined ? (
          <span>{t('tasks.left', { span: span(t, left) })}</span>
        ) : (
          unpacking && <span>{t('tasks.unpacking')}</span>
        )}
      </div>
      {progress.layers.length > 0 && <Layers layers={progress.layers} push={kind === 'push'} />}
    </div>
  );
}
