import { Ellipsis, Pause, Play, RotateCw, Skull, Square, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { useBulk } from '../../parts/bulk.js';
import { fits, type ContainerActions } from '../../parts/container-actions.js';
import { shapeOf, type Shape } from '../../parts/container-state.js';
import { ShapeIcon } from '../../parts/Shape.js';
import { Button } from '../../ui/Button.js';
import { Menu } from '../../ui/Menu.js';

const counted = ['failed', 'unhealthy', 'run', 'paused', 'created', 'exited', 'moving'] as const;
type Counted = (typeof counted)[number];
const groupOf = (shape: Shape): Counted =>
  shape === 'healthy' || shape === 'starting' ? 'run' : shape === 'restarting' ? 'moving' : shape;

/** Takes the toolbar's place while something is selected. */
export function BulkBar({
  chosen,
  actions,
  onClear,
}: {
  chosen: ContainerSummary[];
  actions: ContainerActions;
  onClear(): void;
}) {
  const { t } = useTranslation();
  const bulk = useBulk();
  const fitting = (verb: Parameters<typeof fits>[0]) => chosen.filter((container) => fits(verb, container)).length;
  const verbs = [
    { verb: 'start', icon: Play, key: 'containers.bulkStart' },
    { verb: 'stop', icon: Square, key: 'containers.bulkStop' },
    { verb: 'restart', icon: RotateCw, key: 'containers.bulkRestart' },
  ] as const;
  const further = [
    { verb: 'pause', icon: Pause, key: 'containers.bulkPause' },
    { verb: 'unpause', icon: Play, key: 'containers.bulkUnpause' },
    { verb: 'kill', icon: Skull, key: 'containers.bulkKill' },
  ] as const;
  return (
    <div
      className="tools bulk"
      role="toolbar"
      aria-label={t('containers.selected', { count: chosen.length })}
      onKeyDown={(event) => event.key === 'Escape' && onClear()}
      data-bulk
    >
      <b className="b6" role="status" style={{ whiteSpace: 'nowrap' }}>
        {t('containers.selected', { count: chosen.length })}
      </b>
      <span className="row g12 s12 t2 bulk-states">
        {counted.map((group) => {
          const count = chosen.filter((container) => groupOf(shapeOf(container)) === group).length;
          return count === 0 ? null : (
            <span className="state" style={{ fontWeight: 400 }} key={group}>
              <ShapeIcon shape={group} />
              {t(`containers.byState.${group}`, { count })}
            </span>
          );
        })}
      </span>
      {verbs.map(({ verb, icon, key }) => {
        const count = fitting(verb);
        return (
          <Button key={verb} icon={icon} disabled={count === 0} onClick={() => void bulk(verb, chosen)}>
            {t(key, { count })}
          </Button>
        );
      })}
      <Menu
        label={t('containers.bulkMore')}
        entries={() =>
          further.map(({ verb, icon, key }) => ({
            label: t(key, { count: fitting(verb) }),
            icon,
            disabled: fitting(verb) === 0,
            onSelect: () => void bulk(verb, chosen),
          }))
        }
      >
        <button type="button" className="icon-btn" aria-label={t('containers.bulkMore')}>
          <Ellipsis className="icon s14" aria-hidden />
        </button>
      </Menu>
      <span className="grow" />
      <Button variant="danger" icon={Trash2} shortcut="Del" onClick={() => actions.remove(chosen)}>
        {t('containers.bulkRemove', { count: chosen.length })}
      </Button>
      <Button variant="ghost" shortcut="Esc" onClick={onClear} data-clear>
        {t('common.clear')}
      </Button>
    </div>
  );
}
