import { useState } from 'react';
import { Archive, CalendarClock } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { BackupSchedule, VolumeBackup } from '../../../main/contract/volume-data.js';
import { useExplain } from '../../parts/explain.js';
import { BackupLine, DeleteBackup } from '../../parts/volumes/BackupLine.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useVolumeActions } from '../../parts/volumes/actions.js';
import { isCopyable } from '../../parts/volumes/names.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { copiesVolumes } from '../../store/volumes-slice.js';
import { Button } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { span } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
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
  const possible = isCopyable(volume);
  if ((read && !copies) || !possible)
    return (
      <Empty icon={Archive} title={possible ? t('volumes.backup.cannot') : t('volumes.backup.notThis')}>
        {possible ? t('volumes.backup.cannotText') : t('volumes.backup.notThisText')}
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
            <BackupLine key={backup.Id} backup={backup} onDelete={() => setAsking(backup)} />
          ))}
        </ul>
      )}
      {asking && (
        <DeleteBackup backup={asking} onClose={() => setAsking(undefined)} onDeleted={() => setRound(round + 1)} />
      )}
    </Scroller>
  );
}

/** When the next is due, how many are kept, and why the last one failed. */
function ScheduleLine({ schedule }: { schedule: BackupSchedule | null }) {
  const { t } = useTranslation();
  const explain = useExplain();
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
      {schedule.Problem && <Problem>{t('volumes.schedule.problem', { problem: explain(schedule.Problem) })}</Problem>}
    </div>
  );
}
