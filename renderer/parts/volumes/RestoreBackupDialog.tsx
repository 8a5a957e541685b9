import { useState } from 'react';
import { ArchiveRestore } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeBackup } from '../../../main/contract/volume-data.js';
import { useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field, Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Segments } from '../../ui/Segments.js';
import { useEngineName } from '../RemoveDialog.js';
import { freeVolumeName, isReplaceable, nameOfVolume, newVolumeProblem } from './names.js';
import { StopUsers, useRunningUsers } from './StopUsers.js';
import { useVolumes, useWatchVolumes } from './use-volumes.js';
import { momentOf } from './words.js';

/** Into the volume that it was made of, or a new one; what will happen stands there before it does. */
export function RestoreBackupDialog({ backup, onClose }: { backup: VolumeBackup; onClose(): void }) {
  const { t, i18n } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  const show = useSurface((surface) => surface.show);
  const volumes = useVolumes();
  const there = volumes?.find(({ Name }) => Name === backup.Volume);
  const shown = nameOfVolume({ Name: backup.Volume, Anonymous: true });
  const [into, setInto] = useState<'same' | 'new'>('same');
  const [name, setName] = useState(() => freeVolumeName(shown, store.getState().volumes));
  const problem = into === 'new' ? newVolumeProblem(t, name.trim(), volumes) : undefined;
  useWatchVolumes();
  const running = useRunningUsers(there);
  const fixed = there !== undefined && !isReplaceable(there);
  const blocked = into === 'same' && (running.length > 0 || fixed);
  const at = momentOf(i18n.language, backup.Created);
  const submit = () => {
    if (problem !== undefined || blocked) return;
    store.getState().restoreBackup(backup, into === 'new' ? name.trim() : undefined);
    show({ tasks: true });
    onClose();
  };
  const effects =
    into === 'new'
      ? [t('volumes.restore.makes', { name: name.trim(), count: backup.Files, size: bytes(backup.Size) })]
      : [
          there
            ? t('volumes.restore.replaces', {
                name: shown,
                now: there.Size === null ? '–' : bytes(there.Size),
                count: backup.Files,
                size: bytes(backup.Size),
              })
            : t('volumes.restore.makesAgain', { name: shown, count: backup.Files, size: bytes(backup.Size) }),
          ...(there ? [t('volumes.restore.before')] : []),
        ];
  return (
    <Dialog
      title={t('volumes.restore.title', { name: shown, at })}
      {...(backup.Note !== '' && backup.By !== 'restore' && { description: backup.Note })}
      onClose={onClose}
      onSubmit={submit}
      focus="[role=radio][aria-checked=true]"
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
            {t('common.cancel')}
          </Button>
          <Button
            variant="primary"
            type="submit"
            icon={ArchiveRestore}
            shortcut="↵"
            aria-disabled={problem !== undefined || blocked}
          >
            {t('volumes.restore.submit')}
          </Button>
        </>
      }
    >
      <div className="volume-form">
        <Segments<'same' | 'new'>
          label={t('volumes.restore.into')}
          options={[
            { value: 'same', label: t('volumes.restore.same', { name: shown }) },
            { value: 'new', label: t('volumes.restore.new') },
          ]}
          value={into}
          onChange={setInto}
        />
        {into === 'new' && (
          <Field label={t('volumes.name.label')} problem={problem}>
            <input
              className="input mono"
              name="name"
              value={name}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => setName(event.target.value)}
            />
          </Field>
        )}
        {into === 'same' &&
          there &&
          (fixed ? <Problem>{t('volumes.restore.folder', { name: shown })}</Problem> : <StopUsers volume={there} />)}
        <ul className="effects" aria-label={t('volumes.restore.effects')}>
          {effects.map((effect) => (
            <li key={effect}>{effect}</li>
          ))}
        </ul>
        <p className="s12 t3">{t('remove.engine', { name: engine })}</p>
      </div>
    </Dialog>
  );
}
