import { Ellipsis, Pause, Play, RotateCw, Skull, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { useBulk } from '../../parts/bulk.js';
import { fits, type ContainerActions } from '../../parts/container-actions.js';
import { shapeOf, type Shape } from '../../parts/container-state.js';
import { BulkBar, BulkTally } from '../../parts/table-page/BulkBar.js';
import { Button } from '../../ui/Button.js';
import { Menu } from '../../ui/Menu.js';

const counted = ['failed', 'unhealthy', 'run', 'paused', 'created', 'exited', 'moving'] as const;
type Counted = (typeof counted)[number];
const groupOf = (shape: Shape): Counted =>
  shape === 'healthy' || shape === 'starting' ? 'run' : shape === 'restarting' ? 'moving' : shape;

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

/** What can be done with the selected containers. */
export function ContainersBulk({
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
  return (
    <BulkBar
      count={chosen.length}
      tally={counted.map((group) => {
        const count = chosen.filter((container) => groupOf(shapeOf(container)) === group).length;
        return count === 0 ? null : (
          <BulkTally key={group} shape={group}>
            {t(`containers.byState.${group}`, { count })}
          </BulkTally>
        );
      })}
      onRemove={() => actions.remove(chosen)}
      onClear={onClear}
    >
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
    </BulkBar>
  );
}
