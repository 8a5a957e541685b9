import { useState } from 'react';
import { Archive } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeBackup } from '../../../main/contract/volume-data.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { useAnswer } from '../use-answer.js';
import { BackupLine, DeleteBackup } from './BackupLine.js';
import { nameOfVolume } from './names.js';

/** Every backup that the engine keeps, also of volumes that are gone. */
export function BackupsDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const volumes = useEngine((state) => state.volumes);
  const [round, setRound] = useState(0);
  const [asking, setAsking] = useState<VolumeBackup>();
  const { value: backups, problem } = useAnswer(() => client.backups.list(), round);
  const total = backups?.reduce((sum, { Compressed }) => sum + Compressed, 0) ?? 0;
  const called = ({ Volume }: VolumeBackup) => {
    const name = nameOfVolume({ Name: Volume, Anonymous: true });
    return volumes?.some(({ Name }) => Name === Volume) ? name : t('volumes.backup.ofGone', { name });
  };
  return (
    <>
      {asking && (
        <DeleteBackup backup={asking} onClose={() => setAsking(undefined)} onDeleted={() => setRound(round + 1)} />
      )}
      <Dialog
        width="wide"
        title={t('volumes.backup.allTitle')}
        description={t('volumes.backup.allText')}
        onClose={onClose}
        focus="[data-close]"
        footer={
          <>
            <span className="grow s12 t3 num">
              {backups && t('volumes.backup.total', { count: backups.length, size: bytes(total) })}
            </span>
            <Button shortcut="Esc" onClick={onClose} data-close>
              {t('common.close')}
            </Button>
          </>
        }
      >
        {problem !== undefined && <Problem>{problem}</Problem>}
        {!backups && problem === undefined && <Loading waitingFor={t('common.loading')} />}
        {backups?.length === 0 && (
          <Empty icon={Archive} title={t('volumes.backup.noneTitle')}>
            {t('volumes.backup.noneText')}
          </Empty>
        )}
        {backups && backups.length > 0 && (
          <ul className="victims backups-all" aria-label={t('volumes.backup.allTitle')}>
            {backups.map((backup) => (
              <BackupLine key={backup.Id} backup={backup} of={called(backup)} onDelete={() => setAsking(backup)} />
            ))}
          </ul>
        )}
      </Dialog>
    </>
  );
}
