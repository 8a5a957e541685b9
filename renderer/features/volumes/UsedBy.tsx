import { ArchiveRestore, Box, Info, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeUser } from '../../../main/contract/volume-data.js';
import { StateBadge } from '../../parts/StateBadge.js';
import { useVolumeActions } from '../../parts/volumes/actions.js';
import { holdersOf } from '../../parts/volumes/names.js';
import { useEngine } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { Empty } from '../../ui/Empty.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Scroller } from '../../ui/Scroller.js';
import type { VolumeTabProps } from './tabs.js';

/** The containers that have it: where, whether they may write, and from whom they have it. */
export function UsedBy({ volume }: VolumeTabProps) {
  const { t } = useTranslation();
  const actions = useVolumeActions();
  const { Users, CreatedBy } = volume;
  const holders = holdersOf(volume);
  const writers = new Set(Users.filter(({ Binned, ReadOnly }) => !Binned && !ReadOnly).map(({ Id }) => Id)).size;
  if (Users.length === 0)
    return (
      <Empty
        icon={Box}
        title={t('volumes.unusedTitle')}
        actions={
          <Button icon={Play} onClick={() => actions.run(volume)}>
            {t('volumes.runDots')}
          </Button>
        }
      >
        {CreatedBy ? t('volumes.unusedMadeBy', { name: CreatedBy.Name }) : t('volumes.unusedText')}
      </Empty>
    );
  return (
    <Scroller label={t('drawer.usedBy')}>
      {holders.length > 1 && (
        <p className="volume-note s12">
          <Info className="icon s14" aria-hidden />
          <span>
            {t('volumes.sharedText', { count: holders.length })}
            {writers > 1 && ` ${t('volumes.sharedWriters', { count: writers })}`}
          </span>
        </p>
      )}
      <ul className="volume-users" aria-label={t('drawer.usedBy')}>
        {Users.map((user) => (
          <User key={`${user.Id} ${user.Destination}`} user={user} />
        ))}
      </ul>
    </Scroller>
  );
}

function User({ user }: { user: VolumeUser }) {
  const { t } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  const { Id, Name, Binned, Destination, ReadOnly, From } = user;
  const container = useEngine((state) => state.containers?.find((each) => each.Id === Id));
  return (
    <li>
      <div className="row g8">
        {Binned ? (
          <span className="b6 cut">{Name}</span>
        ) : (
          <button
            type="button"
            className="link cut b6"
            onClick={() => navigate(pathTo('containers', Id, 'mounts'))}
            aria-label={t('volumes.openContainer', { name: Name })}
          >
            {Name}
          </button>
        )}
        <span className="grow" />
        {Binned ? (
          <Button size="small" icon={ArchiveRestore} onClick={() => ask({ kind: 'bin' })}>
            {t('volumes.inBin')}
          </Button>
        ) : (
          container && (
            <span className="s12">
              <StateBadge container={container} />
            </span>
          )
        )}
      </div>
      <div className="row g8 s12 t2">
        <span className="mono cut" title={Destination}>
          {Destination}
        </span>
        <span className="tag">{ReadOnly ? t('mounts.readOnly') : t('mounts.readWrite')}</span>
        {From && (
          <span className="row g8">
            {t('volumes.from')}
            <button type="button" className="link" onClick={() => navigate(pathTo('containers', From.Id, 'mounts'))}>
              {From.Name}
            </button>
          </span>
        )}
      </div>
    </li>
  );
}
