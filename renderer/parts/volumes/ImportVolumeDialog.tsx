import { useState } from 'react';
import { ArrowUpFromLine } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import type { Archive } from '../../store/desk.js';
import { useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { CheckLine, Field, Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { notifyFailed } from '../../ui/notify.js';
import { Segments } from '../../ui/Segments.js';
import { useEngineName } from '../RemoveDialog.js';
import { isReplaceable, isVolumeName, nameOfVolume, volumeNameOfFile } from './names.js';
import { StopUsers, useRunningUsers } from './StopUsers.js';
import { useVolumes, useWatchVolumes } from './use-volumes.js';

const sizeOf = ({ Size }: Pick<VolumeOverview, 'Size'>): string => (Size === null ? '–' : bytes(Size));

/** A tar of this machine becomes a volume, or what is in one: that becomes a backup first, or the volume's name is typed, as nothing would bring it back. */
export function ImportVolumeDialog({
  archive,
  name,
  onClose,
}: {
  archive: Archive;
  name: string | undefined;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  const show = useSurface((surface) => surface.show);
  const volumes = useVolumes();
  const [into, setInto] = useState<'new' | 'replace'>(name === undefined ? 'new' : 'replace');
  const [fresh, setFresh] = useState(() => volumeNameOfFile(archive.name));
  const [target, setTarget] = useState(name ?? '');
  const [typed, setTyped] = useState('');
  const [keep, setKeep] = useState(true);
  const chosen = into === 'replace' ? volumes?.find(({ Name }) => Name === target) : undefined;
  const replaced = chosen && isReplaceable(chosen) ? chosen : undefined;
  useWatchVolumes();
  const running = useRunningUsers(replaced);
  const word = replaced ? nameOfVolume(replaced) : '';
  const taken = volumes?.some(({ Name }) => Name === fresh.trim()) ?? false;
  const problem =
    into === 'replace' || fresh.trim() === ''
      ? undefined
      : taken
        ? t('volumes.name.taken', { name: fresh.trim() })
        : isVolumeName(fresh.trim())
          ? undefined
          : t('volumes.name.invalid');
  const ready =
    into === 'new'
      ? fresh.trim() !== '' && problem === undefined
      : replaced !== undefined && running.length === 0 && (keep || typed === word);
  const submit = () => {
    if (!ready) return;
    const wish = into === 'new' ? { volume: fresh.trim(), replace: false } : { volume: target, replace: true };
    const fill = () => {
      if (store.getState().fillVolume(archive, wish) === undefined)
        notifyFailed(t('volumes.import.failed', { name: archive.name }), t('files.pathless'));
    };
    if (into === 'new' || !keep) fill();
    else {
      const note = t('volumes.import.note', { file: archive.name });
      store.getState().backUpVolume(target, { Pause: true, Note: note }, fill);
    }
    show({ tasks: true });
    onClose();
  };
  return (
    <Dialog
      title={t('volumes.import.title', { name: archive.name })}
      description={t('volumes.import.text', { size: bytes(archive.size) })}
      onClose={onClose}
      onSubmit={submit}
      focus={into === 'new' ? 'input[name=name]' : 'select'}
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            variant={into === 'new' || keep ? 'primary' : 'danger-fill'}
            type="submit"
            icon={ArrowUpFromLine}
            aria-disabled={!ready}
          >
            {into === 'new'
              ? t('volumes.import.submit')
              : keep
                ? t('volumes.import.keepReplace')
                : t('volumes.import.replace')}
          </Button>
        </>
      }
    >
      <div className="volume-form">
        <Segments<'new' | 'replace'>
          label={t('volumes.import.into')}
          options={[
            { value: 'new', label: t('volumes.import.new') },
            { value: 'replace', label: t('volumes.import.replaceOne') },
          ]}
          value={into}
          onChange={setInto}
        />
        {into === 'new' ? (
          <Field label={t('volumes.name.label')} hint={t('volumes.import.newHint')} problem={problem}>
            <input
              className="input mono"
              name="name"
              value={fresh}
              spellCheck={false}
              autoComplete="off"
              onFocus={(event) => event.target.select()}
              onChange={(event) => setFresh(event.target.value)}
            />
          </Field>
        ) : (
          <>
            <Field
              label={t('volumes.import.which')}
              problem={chosen && !replaced ? t('volumes.import.notWhole', { name: nameOfVolume(chosen) }) : undefined}
            >
              <select className="input" value={target} onChange={(event) => setTarget(event.target.value)}>
                {!replaced && <option value={target}>{t('volumes.import.choose')}</option>}
                {volumes?.filter(isReplaceable).map((row) => (
                  <option key={row.Name} value={row.Name}>
                    {nameOfVolume(row)}
                  </option>
                ))}
              </select>
            </Field>
            {replaced && (
              <>
                <StopUsers volume={replaced} />
                <CheckLine
                  label={t('volumes.import.keep')}
                  hint={keep && t('volumes.import.keepHint', { name: word, size: sizeOf(replaced) })}
                  checked={keep}
                  onChange={setKeep}
                />
                {!keep && (
                  <Problem>{t('volumes.import.loses', { name: word, size: sizeOf(replaced), engine })}</Problem>
                )}
                {!keep && (
                  <Field label={t('volumes.import.type', { name: word })}>
                    <input
                      className="input mono"
                      name="typed"
                      value={typed}
                      spellCheck={false}
                      autoComplete="off"
                      onChange={(event) => setTyped(event.target.value)}
                    />
                  </Field>
                )}
              </>
            )}
          </>
        )}
      </div>
    </Dialog>
  );
}
