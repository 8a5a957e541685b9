import { useEffect, useMemo, useState } from 'react';
import { HardDrive, ShieldCheck } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { DiskUsage } from '../../../main/contract/disk.js';
import { partsOf, type DiskPart } from '../../parts/disk-parts.js';
import { PruneImagesButton } from '../../parts/PruneImages.js';
import { hasDisk } from '../../store/disk-slice.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { Empty } from '../../ui/Empty.js';
import { ago, bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Segments } from '../../ui/Segments.js';
import { DiskMap } from './DiskMap.js';
import { DiskTable } from './DiskTable.js';
import { Reclaim } from './Reclaim.js';
import { nameOfPart, percent } from './words.js';

type View = 'map' | 'table';

/** Where every byte on the disk went, and what can be given back. */
export function DiskPage() {
  const { t } = useTranslation();
  const store = useEngineStore();
  const disk = useEngine((state) => state.disk);
  const offered = useEngine(hasDisk);
  const connection = useEngine((state) => state.connection);
  const known = useEngine((state) => state.version !== undefined);
  const ask = useSurface((surface) => surface.open);
  const [view, setView] = useState<View>('map');
  const ready = connection.state === 'ready';
  useEffect(() => (ready && offered ? store.getState().watchDisk() : undefined), [store, ready, offered]);
  return (
    <>
      <div className="tools">
        <h1>{t('disk.title')}</h1>
        {disk && (
          <Segments<View>
            label={t('disk.view')}
            options={[
              { value: 'map', label: t('disk.asMap') },
              { value: 'table', label: t('disk.asTable') },
            ]}
            value={view}
            onChange={setView}
          />
        )}
        <span className="grow" />
        {offered && (
          <Button icon={ShieldCheck} disabled={!ready} onClick={() => ask({ kind: 'self-check' })}>
            {t('check.open')}
          </Button>
        )}
        <PruneImagesButton />
      </div>
      {disk ? (
        <Usage disk={disk} view={view} />
      ) : ready && (offered || !known) ? (
        <Loading waitingFor={t('common.loading')} />
      ) : (
        <Empty icon={HardDrive} title={ready ? t('disk.foreignTitle') : t('containers.offTitle')}>
          {ready ? t('disk.foreignText') : (connection.problem ?? t('disk.offText'))}
        </Empty>
      )}
    </>
  );
}

function Usage({ disk, view }: { disk: DiskUsage; view: View }) {
  const { t } = useTranslation();
  const [key, setKey] = useState<string>();
  const parts = useMemo(() => partsOf(disk), [disk]);
  const whole = parts.reduce((sum, { size }) => sum + size, 0);
  const chosen = parts.find((part) => part.key === key);
  const open = ({ place }: DiskPart) => place && navigate(pathTo(...place));
  return (
    <div className="disk">
      <Room disk={disk} whole={whole} />
      <div className="disk-main">
        {view === 'map' ? (
          <section className="disk-view" aria-label={t('disk.title')}>
            <DiskMap parts={parts} chosen={key} onChoose={setKey} onOpen={open} />
            <Chosen part={chosen} whole={whole} onOpen={open} />
          </section>
        ) : (
          <section className="disk-view" aria-label={t('disk.title')}>
            <DiskTable parts={parts} onOpen={open} />
          </section>
        )}
        <Reclaim disk={disk} />
      </div>
    </div>
  );
}

/** The whole disk in one bar: ours, everybody else's, and what is free. */
function Room({ disk, whole }: { disk: DiskUsage; whole: number }) {
  const { t, i18n } = useTranslation();
  const number = new Intl.NumberFormat(i18n.language);
  const { Size, Free, MinFree, Path, Inodes } = disk.Disk;
  const others = Math.max(0, Size - Free - whole);
  const words = t('disk.room', { ours: bytes(whole), free: bytes(Free), total: bytes(Size) });
  const low = Free <= 4 * MinFree || (Inodes !== null && Inodes.Free * 50 <= Inodes.Total);
  return (
    <div className="disk-room">
      <div className="disk-bar" role="img" aria-label={words}>
        <span className="ours" style={{ flexGrow: whole }} />
        <span className="others" style={{ flexGrow: others }} />
        <span className="free" style={{ flexGrow: Free }} />
      </div>
      <p className="s12 t2 num">
        <b className="b6">{words}</b> <span className="mono t3 select">{Path}</span>
      </p>
      <p className={low ? 's12 num c-bad' : 's12 num t3'}>
        {low && `${t('disk.low')} `}
        {t('disk.minFree', { size: bytes(MinFree) })}
        {Inodes && ` ${t('disk.inodes', { count: Inodes.Free, shown: number.format(Inodes.Free) })}`}
      </p>
    </div>
  );
}

/** What the chosen tile is, in words. */
function Chosen({ part, whole, onOpen }: { part: DiskPart | undefined; whole: number; onOpen(part: DiskPart): void }) {
  const { t } = useTranslation();
  const now = useNow(30_000);
  return (
    <div className="disk-chosen s12" role="status">
      {part ? (
        <>
          <span className="grow">
            <b className="b6">{nameOfPart(t, part)}</b>{' '}
            <span className="num">
              {bytes(part.size)} · {percent(part.size, whole)}
            </span>
            <span className="t3 disk-about">
              {t(`disk.about.${part.kind}`)}
              {part.sharers && ` ${part.sharers.join(', ')}`}
              {part.at !== undefined && ` ${t('disk.countedAgo', { ago: ago(t, now - Date.parse(part.at)) })}`}
            </span>
          </span>
          {part.place && (
            <Button size="small" onClick={() => onOpen(part)}>
              {t('disk.open')}
            </Button>
          )}
        </>
      ) : (
        <span className="t3">{t('disk.chooseHint')}</span>
      )}
    </div>
  );
}
