import { ArchiveRestore, ArrowDownToLine, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeBackup } from '../../../main/contract/volume-data.js';
import { useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { ago, bytes } from '../../ui/format.js';
import { notifyDone } from '../../ui/notify.js';
import { SureDialog } from '../SureDialog.js';
import { backupFileName, momentOf } from './words.js';

/** Asks before one goes for good. */
export function DeleteBackup({
  backup,
  onClose,
  onDeleted,
}: {
  backup: VolumeBackup;
  onClose(): void;
  onDeleted(): void;
}) {
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

/** A backup: when, how it was made, how much it is, and what can be done with it. `of`: names the volume as well. */
export function BackupLine({ backup, of, onDelete }: { backup: VolumeBackup; of?: string; onDelete(): void }) {
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
            {of === undefined ? at : `${of} · ${at}`}
          </span>
          <span className="tag">{t(`volumes.backup.by.${backup.By}`)}</span>
          {!backup.Consistent && (
            <span className="tag" title={t('volumes.backup.liveText')}>
              {t('volumes.backup.live')}
            </span>
          )}
        </div>
        {backup.Note !== '' && backup.By !== 'restore' && <div className="s12 t2 select">{backup.Note}</div>}
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
