import { useState } from 'react';
import { Archive, ArchiveRestore, ArrowDownToLine, CalendarClock, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { BackupSchedule, VolumeBackup } from '../../../main/contract/volume-data.js';
import { SureDialog } from '../../parts/files/dialogs.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useVolumeActions } from '../../parts/volumes/actions.js';
import { backupFileName, momentOf } from '../../parts/volumes/words.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { copiesVolumes } from '../../store/volumes-slice.js';
import { Button, IconButton } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { ago, bytes, span } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { notifyDone } from '../../ui/notify.js';
import { Scroller } from '../../ui/Scroller.js';
import type { VolumeTabProps } from './tabs.js';

/** What was kept of it, newest first; when the next is made; and the ways to more. */
export function Backups({ volume }: VolumeTabProps) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const { client } = store;
  const { Name, Schedule } = volume;
  const copies = useEngine(copiesVolumes);
  const read = useEngine((state) => state.version !== undefined);
  const actions = useVolumeActions();
  // A task of ours that ends, or one of the engine's own, makes another list.
  const ended = useEngine(
    (state) => state.tasks.filter(({ kind, endedAt }) => endedAt && /^(?:backup|restore)$/.test(kind)).length,
  );
  const [round, setRound] = useState(0);
  const key = `${Name} ${volume.Backups} ${Schedule?.Next} ${ended} ${round}`;
  const { value: backups, problem } = useAnswer(
    async () => (copies ? client.backups.list(Name) : undefined),
    `${copies} ${key}`,
  );
  const [asking, setAsking] = useState<VolumeBackup>();
  if (read && !copies)
    return (
      <Empty icon={Archive} title={t('volumes.backup.cannot')}>
        {t('volumes.backup.cannotText')}
      </Empty>
    );
  return (
    <Scroller label={t('drawer.backups')}>
      <div className="backups-head">
        <Button icon={Archive} onClick={() => actions.backUp([volume])}>
          {t('volumes.backup.now')}
        </Button>
        <Button variant="ghost" icon={CalendarClock} onClick={() => actions.schedule(volume)}>
          {t('volumes.scheduleDots')}
        </Button>
      </div>
      <ScheduleLine schedule={Schedule} />
      {problem !== undefined && (
        <div style={{ padding: '8px 16px' }}>
          <Problem>{problem}</Problem>
        </div>
      )}
      {!backups && problem === undefined && <Loading waitingFor={t('common.loading')} />}
      {backups?.length === 0 && (
        <Empty icon={Archive} title={t('volumes.backup.noneTitle')}>
          {t('volumes.backup.noneText')}
        </Empty>
      )}
      {backups && backups.length > 0 && (
        <ul className="backups" aria-label={t('drawer.backups')}>
          {backups.map((backup) => (
            <Line key={backup.Id} backup={backup} onDelete={() => setAsking(backup)} />
          ))}
        </ul>
      )}
      {asking && (
        <DeleteBackup backup={asking} onClose={() => setAsking(undefined)} onDeleted={() => setRound(round + 1)} />
      )}
    </Scroller>
  );
}

function DeleteBackup({ backup, onClose, onDeleted }: { backup: VolumeBackup; onClose(): void; onDeleted(): void }) {
  const { t, i18n } = useTranslation();
  const store = useEngineStore();
  const at = momentOf(i18n.language, backup.Created);
  return (
    <SureDialog
      title={t('volumes.backup.deleteTitle', { at })}
      text={t('volumes.backup.deleteText', { name: backup.Volume, size: bytes(backup.Compressed) })}
      submit={t('volumes.backup.delete')}
      onClose={onClose}
      act={async () => {
        await store.client.backups.remove(backup.Id);
        notifyDone(t('volumes.backup.deleted', { at }));
        onDeleted();
        await store
          .getState()
          .loadVolumes()
          .catch(() => undefined);
      }}
    />
  );
}

/** When the next is due, how many are kept, and why the last one failed. */
function ScheduleLine({ schedule }: { schedule: BackupSchedule | null }) {
  const { t } = useTranslation();
  const now = useNow(30_000);
  if (!schedule) return <p className="backups-plan s12 t3">{t('volumes.schedule.none')}</p>;
  const next = schedule.Next === undefined ? undefined : Date.parse(schedule.Next) - now;
  return (
    <div className="backups-plan s12">
      <p className="t2">
        {t('volumes.schedule.line', { every: span(t, schedule.Every * 3600_000), count: schedule.Keep })}{' '}
        {next !== undefined && (
          <span className="t3">
            {next > 0 ? t('volumes.schedule.next', { span: span(t, next) }) : t('volumes.schedule.due')}
          </span>
        )}
      </p>
      {schedule.Problem && <Problem>{t('volumes.schedule.problem', { problem: schedule.Problem })}</Problem>}
    </div>
  );
}

function Line({ backup, onDelete }: { backup: VolumeBackup; onDelete(): void }) {
  const { t, i18n } = useTranslation();
  const store = useEngineStore();
  const ask = useSurface((surface) => surface.open);
  const now = useNow(30_000);
  const at = momentOf(i18n.language, backup.Created);
  return (
    <li>
      <div className="grow">
        <div className="row g8">
          <span className="b6 num cut" title={backup.Created}>
            {at}
          </span>
          <span className="tag">{t(`volumes.backup.by.${backup.By}`)}</span>
          {!backup.Consistent && (
            <span className="tag" title={t('volumes.backup.liveText')}>
              {t('volumes.backup.live')}
            </span>
          )}
        </div>
        {backup.Note !== '' && <div className="s12 t2 select">{backup.Note}</div>}
        <div className="s12 t3 num">
          {[
            ago(t, now - Date.parse(backup.Created)),
            t('volumes.backup.files', { count: backup.Files }),
            t('volumes.backup.sizes', { size: bytes(backup.Size), packed: bytes(backup.Compressed) }),
          ].join(' · ')}
        </div>
      </div>
      <Button
        size="small"
        icon={ArchiveRestore}
        aria-label={t('volumes.backup.restoreOne', { at })}
        onClick={() => ask({ kind: 'restore-backup', backup })}
      >
        {t('volumes.backup.restoreDots')}
      </Button>
      <IconButton
        small
        icon={ArrowDownToLine}
        label={t('volumes.backup.download', { at })}
        onClick={() =>
          void store.getState().saveVolume(backup.Volume, { backup: backup.Id, name: backupFileName(backup) })
        }
      />
      <IconButton small icon={Trash2} label={t('volumes.backup.deleteOne', { at })} onClick={onDelete} />
    </li>
  );
}
