import { Archive, Database, Play, Users as SharedIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { Drawer, DrawerTabs, GoneDrawer, useTabAtLast, type TabbedFrame } from '../../parts/Drawer.js';
import { useVolumeActions } from '../../parts/volumes/actions.js';
import { deviceOfVolume, holdersOf, isCopyable, nameOfVolume, usageOf } from '../../parts/volumes/names.js';
import { useEngine } from '../../store/index.js';
import { copiesVolumes } from '../../store/volumes-slice.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { bytes } from '../../ui/format.js';
import { volumeTabs } from './tabs.js';

export function VolumeDrawer({ volume, tab, ...frame }: TabbedFrame & { volume: VolumeOverview | undefined }) {
  const { t } = useTranslation();
  const actions = useVolumeActions();
  const copies = useEngine(copiesVolumes);
  useTabAtLast(['volumes', volume?.Name], tab, { first: 'files' });
  if (!volume)
    return (
      <GoneDrawer icon={Database} title={t('volumes.gone')} {...frame}>
        {t('drawer.goneText')}
      </GoneDrawer>
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
        </>
      }
      menu={() => actions.menu(volume)}
      {...frame}
    >
      <DrawerTabs
        name={name}
        path={['volumes', volume.Name]}
        shown={volumeTabs.find(({ id }) => id === tab)?.id ?? 'files'}
        tabs={volumeTabs.map(({ id, Panel }) => ({
          id,
          label: t(`drawer.${id}`),
          content: <Panel volume={volume} />,
        }))}
      />
    </Drawer>
  );
}
