import { Check } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { share, sums, type Layer } from '../store/pull-progress.js';
import type { Task } from '../store/tasks-slice.js';
import { bytes, bytesOf, span } from '../ui/format.js';

const fills: Partial<Record<Layer['phase'], string>> = { had: 'var(--text-3)', done: 'var(--run)' };

function LayerLine({ layer }: { layer: Layer }) {
  const { t } = useTranslation();
  const whole = layer.phase === 'had' || layer.phase === 'done';
  const width = whole ? 100 : layer.total > 0 ? (layer.current / layer.total) * 100 : 0;
  const words = {
    had: t('tasks.had'),
    done: layer.total > 0 ? bytes(layer.total) : t('tasks.fetched'),
    extracting: t('tasks.unpacking'),
    downloaded: t('tasks.fetched'),
    waiting: t('tasks.waiting'),
    retrying: t('tasks.retrying'),
    downloading: layer.total > 0 ? bytesOf(layer.current, layer.total) : bytes(layer.current),
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

/** A pull: the whole, its speed, and every layer. */
export function PullProgress({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { current, total, sized } = sums(task.progress);
  const percent = Math.floor(share(task.progress) * 100);
  const left = sized && task.speed > 0 && total > current ? ((total - current) / task.speed) * 1000 : undefined;
  const amount = sized ? bytesOf(current, total) : bytes(current);
  return (
    <div>
      <div
        className="bar"
        style={{ height: 5, margin: '7px 0 8px' }}
        role="progressbar"
        aria-label={task.reference}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <i style={{ width: `${percent}%` }} />
      </div>
      <div className="row s11 t3 num" style={{ marginBottom: 7 }}>
        <span className="grow">
          {task.progress.layers.length === 0
            ? t('pull.pending')
            : task.speed > 0
              ? t('tasks.speed', { amount, speed: bytes(task.speed) })
              : amount}
        </span>
        {left !== undefined && <span>{t('tasks.left', { span: span(t, left) })}</span>}
      </div>
      <ul>
        {task.progress.layers.map((layer) => (
          <LayerLine key={layer.id} layer={layer} />
        ))}
      </ul>
    </div>
  );
}
