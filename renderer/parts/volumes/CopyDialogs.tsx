import { useState } from 'react';
import { Archive, ArrowDownToLine, CopyPlus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeCompression, VolumeOverview } from '../../../main/contract/volume-data.js';
import { useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { CopyButton } from '../../ui/Copy.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Segments } from '../../ui/Segments.js';
import { joinCommand } from '../command-line.js';
import { freeVolumeName, nameOfVolume, newVolumeProblem } from './names.js';
import { PauseLine } from './PauseLine.js';
import { useVolumes, useWatchVolumes } from './use-volumes.js';
import { volumeFileName } from './words.js';

interface CopyDialogProps {
  name: string;
  onClose(): void;
}

/** With who has it now, also where the dialog stands over another page. */
function useVolume(name: string): VolumeOverview | undefined {
  useWatchVolumes();
  return useVolumes()?.find(({ Name }) => Name === name);
}

/** A backup of a volume, now. */
export function BackUpVolumeDialog({ name, onClose }: CopyDialogProps) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const show = useSurface((surface) => surface.show);
  const volume = useVolume(name);
  const [pause, setPause] = useState(true);
  const [note, setNote] = useState('');
  const submit = () => {
    store.getState().backUpVolume(name, { Pause: pause, Note: note.trim() });
    show({ tasks: true });
    onClose();
  };
  return (
    <Dialog
      width="narrow"
      title={t('volumes.backup.title', { name: volume ? nameOfVolume(volume) : name })}
      description={t('volumes.backup.text')}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <CopyButton
            text={joinCommand([
              ...['slipway', 'volume', 'backup', ...(pause ? ['--pause'] : [])],
              ...(note.trim() === '' ? [] : ['--note', note.trim()]),
              name,
            ])}
            label={t('common.copyAsCommand')}
          />
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={Archive} shortcut="↵">
            {t('volumes.backup.submit')}
          </Button>
        </>
      }
    >
      <div className="volume-form">
        <Field label={t('volumes.backup.note')} hint={t('volumes.backup.noteHint')}>
          <input
            className="input"
            name="note"
            value={note}
            maxLength={500}
            autoComplete="off"
            onChange={(event) => setNote(event.target.value)}
          />
        </Field>
        <PauseLine volume={volume} checked={pause} onChange={setPause} />
      </div>
    </Dialog>
  );
}

/** A second volume with the same in it. */
export function CloneVolumeDialog({ name, onClose }: CopyDialogProps) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const show = useSurface((surface) => surface.show);
  const volumes = useVolumes();
  const volume = useVolume(name);
  const [text, setText] = useState(() =>
    freeVolumeName(volume ? nameOfVolume(volume) : name, store.getState().volumes),
  );
  const [pause, setPause] = useState(true);
  const problem = newVolumeProblem(t, text.trim(), volumes);
  const submit = () => {
    if (problem !== undefined) return;
    store.getState().cloneVolume(name, { Name: text.trim(), Pause: pause });
    show({ tasks: true });
    onClose();
  };
  return (
    <Dialog
      width="narrow"
      title={t('volumes.clone.title', { name: volume ? nameOfVolume(volume) : name })}
      description={t('volumes.clone.text', { size: volume?.Size != null ? bytes(volume.Size) : '–' })}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          <CopyButton
            text={joinCommand(['slipway', 'volume', 'clone', ...(pause ? ['--pause'] : []), name, text.trim()])}
            label={t('common.copyAsCommand')}
          />
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={CopyPlus} shortcut="↵" aria-disabled={problem !== undefined}>
            {t('volumes.clone.submit')}
          </Button>
        </>
      }
    >
      <div className="volume-form">
        <Field label={t('volumes.clone.name')} problem={problem}>
          <input
            className="input mono"
            name="name"
            value={text}
            spellCheck={false}
            autoComplete="off"
            onFocus={(event) => event.target.select()}
            onChange={(event) => setText(event.target.value)}
          />
        </Field>
        <PauseLine volume={volume} checked={pause} onChange={setPause} />
      </div>
    </Dialog>
  );
}

const endings: Record<VolumeCompression, string> = { zstd: '.zst', gzip: '.gz', none: '' };

/** A tar of it on this machine; where to is asked by the desktop. */
export function ExportVolumeDialog({ name, onClose }: CopyDialogProps) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const volume = useVolume(name);
  const [compress, setCompress] = useState<VolumeCompression>('gzip');
  const [pause, setPause] = useState(true);
  const file = volumeFileName(volume ?? { Name: name, Anonymous: true }, endings[compress]);
  const submit = () => {
    void store.getState().saveVolume(name, { volume: name, compress, pause, name: file });
    onClose();
  };
  return (
    <Dialog
      width="narrow"
      title={t('volumes.export.title', { name: volume ? nameOfVolume(volume) : name })}
      description={t('volumes.export.text')}
      onClose={onClose}
      onSubmit={submit}
      focus="[role=radio][aria-checked=true]"
      footer={
        <>
          <CopyButton
            text={joinCommand(['slipway', 'volume', 'export', ...(pause ? ['--pause'] : []), '-o', file, name])}
            label={t('common.copyAsCommand')}
          />
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={ArrowDownToLine} shortcut="↵">
            {t('volumes.export.submit')}
          </Button>
        </>
      }
    >
      <div className="volume-form">
        <div className="field">
          <span className="field-label">{t('volumes.export.compression')}</span>
          <Segments<VolumeCompression>
            label={t('volumes.export.compression')}
            options={(['gzip', 'zstd', 'none'] as const).map((value) => ({
              value,
              label: t(`volumes.export.compressions.${value}`),
            }))}
            value={compress}
            onChange={setCompress}
          />
          <span className="hint">{t(`volumes.export.compressionHints.${compress}`)}</span>
        </div>
        <PauseLine volume={volume} checked={pause} onChange={setPause} />
      </div>
    </Dialog>
  );
}
