import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { DiskUsage } from '../../../main/contract/disk.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { useExplain } from '../../parts/explain.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { bytes } from '../../ui/format.js';
import { notifyDone, notifyFailed } from '../../ui/notify.js';
import { navigate, pathTo } from '../../ui/route.js';

/** What can be given back, and the way to it. */
export function Reclaim({ disk }: { disk: DiskUsage }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const explain = useExplain();
  const ask = useSurface((surface) => surface.open);
  const [busy, setBusy] = useState(false);
  const { Reclaimable, Bin, Blobs } = disk;
  const clear = async () => {
    setBusy(true);
    try {
      const { SpaceReclaimed } = await store.getState().collectDisk();
      notifyDone(SpaceReclaimed > 0 ? t('disk.cleared', { size: bytes(SpaceReclaimed) }) : t('disk.clearedNothing'));
    } catch (error) {
      notifyFailed(t('disk.notCleared'), explain(messageOf(error)));
    }
    setBusy(false);
  };
  return (
    <section className="disk-reclaim" aria-labelledby="disk-reclaim">
      <h2 id="disk-reclaim" className="b6">
        {t('disk.reclaim')}
      </h2>
      <ul>
        <Line
          name={t('disk.free.images')}
          hint={
            Reclaimable.Dangling > 0
              ? t('disk.free.dangling', { size: bytes(Reclaimable.Dangling) })
              : t('disk.free.imagesHint')
          }
          size={Reclaimable.Images}
        >
          <Button
            size="small"
            aria-label={t('disk.free.chooseImages')}
            onClick={() => ask({ kind: 'prune-images', scope: 'unused' })}
          >
            {t('disk.choose')}
          </Button>
        </Line>
        <Line name={t('disk.free.containers')} hint={t('disk.free.containersHint')} size={Reclaimable.Containers}>
          <Button
            size="small"
            aria-label={t('disk.free.showContainers')}
            onClick={() => navigate(pathTo('containers'))}
          >
            {t('disk.show')}
          </Button>
        </Line>
        <Line name={t('disk.free.volumes')} hint={t('disk.free.volumesHint')} size={Reclaimable.Volumes}>
          <Button size="small" aria-label={t('disk.free.chooseVolumes')} onClick={() => ask({ kind: 'prune-volumes' })}>
            {t('disk.choose')}
          </Button>
        </Line>
        <Line
          name={t('disk.free.bin')}
          hint={t('disk.free.binHint', { limit: bytes(Bin.Limit) })}
          size={Reclaimable.Bin}
        >
          <Button size="small" aria-label={t('bin.title')} onClick={() => ask({ kind: 'bin' })}>
            {t('disk.show')}
          </Button>
        </Line>
        <Line name={t('disk.free.leftover')} hint={t('disk.free.leftoverHint')} size={Blobs.Leftover.Size}>
          <Button size="small" aria-label={t('disk.free.clearLeftover')} disabled={busy} onClick={() => void clear()}>
            {t('disk.clear')}
          </Button>
        </Line>
      </ul>
    </section>
  );
}

/** What gives nothing back has no button. */
function Line({ name, hint, size, children }: { name: string; hint: string; size: number; children: ReactNode }) {
  return (
    <li>
      <span className="grow">
        <span>{name}</span>
        <span className="s12 t3">{hint}</span>
      </span>
      <b className={size > 0 ? 'b6 num' : 't3 num'}>{bytes(size)}</b>
      <span className="disk-act">{size > 0 && children}</span>
    </li>
  );
}
