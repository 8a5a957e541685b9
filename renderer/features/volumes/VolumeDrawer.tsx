import { useEffect } from 'react';
import { Archive, Database, Ellipsis, Play, Users as SharedIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { Drawer } from '../../parts/Drawer.js';
import { useVolumeActions } from '../../parts/volumes/actions.js';
import { deviceOfVolume, holdersOf, isCopyable, nameOfVolume, usageOf } from '../../parts/volumes/names.js';
import { useEngine } from '../../store/index.js';
import { copiesVolumes } from '../../store/volumes-slice.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { bytes } from '../../ui/format.js';
import { Menu } from '../../ui/Menu.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Tabs } from '../../ui/Tabs.js';
import { volumeTabs } from './tabs.js';

/** The tab that was last looked at, while the window lives. */
let lastLooked = 'files';

export function VolumeDrawer({
  volume,
  tab,
  full,
  onFull,
  onClose,
}: {
  volume: VolumeOverview | undefined;
  tab: string | undefined;
  full: boolean;
  onFull(full: boolean): void;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const actions = useVolumeActions();
  const copies = useEngine(copiesVolumes);
  const Name = volume?.Name;
  useEffect(() => {
    if (tab !== undefined) lastLooked = tab;
    else if (Name !== undefined) navigate(pathTo('volumes', Name, lastLooked), { replace: true });
  }, [Name, tab]);
  if (!volume)
    return (
      <Drawer name={t('volumes.gone')} full={full} onFull={onFull} onClose={onClose}>
        <Empty
          icon={Database}
          title={t('volumes.gone')}
          actions={<Button onClick={onClose}>{t('common.close')}</Button>}
        >
          {t('drawer.goneText')}
        </Empty>
      </Drawer>
    );
  const name = nameOfVolume(volume);
  const holders = holdersOf(volume).length;
  const use = usageOf(volume);
  const place = (volume.Kind === 'local' ? undefined : deviceOfVolume(volume)) ?? volume.Mountpoint;
  return (
    <Drawer
      name={name}
      drop={{ kind: 'volume', name: volume.Name }}
      state={
        <span className="row g8">
          {volume.Kind !== 'local' && <span className="tag">{t(`volumes.kinds.${volume.Kind}`)}</span>}
          {holders > 1 ? (
            <span className="tag">
              <SharedIcon className="icon s12" aria-hidden /> {t('volumes.sharedBy', { count: holders })}
            </span>
          ) : (
            use === 'unused' && <span className="tag">{t('volumes.use.unused')}</span>
          )}
        </span>
      }
      ids={
        <>
          {volume.Size !== null && (
            <>
              <span className="num">{bytes(volume.Size)}</span>
              <span>·</span>
            </>
          )}
          <span className="mono select cut" title={place}>
            {place}
          </span>
          <CopyIconButton text={place} label={t('volumes.copyPath')} />
        </>
      }
      actions={
        <>
          <Button icon={Play} onClick={() => actions.run(volume)}>
            {t('action.run')}
          </Button>
          {copies && isCopyable(volume) && (
            <IconButton icon={Archive} label={t('volumes.backUpDots')} onClick={() => actions.backUp([volume])} />
          )}
          <Menu label={t('action.more', { name })} entries={() => actions.menu(volume)}>
            <button type="button" className="icon-btn" aria-label={t('common.more')}>
              <Ellipsis className="icon s14" aria-hidden />
            </button>
          </Menu>
        </>
      }
      full={full}
      onFull={onFull}
      onClose={onClose}
    >
      <Tabs
        label={t('drawer.label', { name })}
        value={volumeTabs.find(({ id }) => id === tab)?.id ?? 'files'}
        onChange={(next) => navigate(pathTo('volumes', volume.Name, next), { replace: true })}
        tabs={volumeTabs.map(({ id, Panel }) => ({
          id,
          label: t(`drawer.${id}`),
          content: <Panel volume={volume} />,
        }))}
      />
    </Drawer>
  );
}
