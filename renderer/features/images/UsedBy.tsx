import { Box, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { nameOf } from '../../parts/container-state.js';
import { usersOf } from '../../parts/image-names.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { useEngine } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { imageName } from '../../ui/format.js';
import { Empty } from '../../ui/Empty.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Scroller } from '../../ui/Scroller.js';
import type { ImageTabProps } from './tabs.js';

/** The containers that were made of it. */
export function UsedBy({ row }: ImageTabProps) {
  const { t } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  const containers = useEngine((state) => state.containers);
  const users = usersOf(row.id, containers);
  if (users.length === 0)
    return (
      <Empty
        icon={Box}
        title={t('images.unused')}
        actions={
          <Button icon={Play} onClick={() => ask({ kind: 'run', image: row.reference })}>
            {t('action.runDots')}
          </Button>
        }
      />
    );
  return (
    <Scroller label={t('drawer.usedBy')}>
      <ul style={{ padding: '8px 16px' }}>
        {users.map((container) => (
          <li key={container.Id} className="row g8" style={{ minHeight: 36 }}>
            <button
              type="button"
              className="link grow cut"
              style={{ textAlign: 'left' }}
              onClick={() => navigate(pathTo('containers', container.Id))}
            >
              {nameOf(container)}
            </button>
            {container.Image !== row.reference && <span className="mono t3 cut s12">{imageName(container.Image)}</span>}
            <span className="s12">
              <StateBadge container={container} />
            </span>
          </li>
        ))}
      </ul>
    </Scroller>
  );
}
