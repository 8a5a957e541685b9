import { useState } from 'react';
import { FolderOpen, Link, RotateCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { MountWish } from '../../../main/contract/mounts.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { Button } from '../../ui/Button.js';
import { fileDesk } from '../../ui/desktop.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field, Problem } from '../../ui/Field.js';
import { Segments } from '../../ui/Segments.js';
import { isRunning, nameOf } from '../container-state.js';
import { useAnswer } from '../use-answer.js';
import { useFailure } from '../use-failure.js';
import { Warnings } from './fields.js';
import { cleanPath, pathProblem, placesIn } from './inside.js';
import { MountFields } from './MountFields.js';
import { explainAttach } from './reasons.js';
import { useInside } from './use-inside.js';
import { useMounts } from './use-mounts.js';
import { appliesOf, usePreviews } from './use-previews.js';

/** A folder of this machine or a volume for a container that is there: at once where it runs. */
export function AttachDialog({ id, onClose }: { id: string; onClose(): void }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const container = useEngine((state) => state.containers?.find(({ Id }) => Id === id));
  const name = container ? nameOf(container) : '';
  const choosable = useEngine(can('folders'));
  const { attach } = useMounts(container ?? { Id: id, Names: [] });
  const inside = useInside({ container: id });
  const { value: volumes } = useAnswer(
    async () => ((await client.volumes.list()).Volumes ?? []).map(({ Name }) => Name).toSorted(),
    id,
  );
  const [type, setType] = useState<MountWish['Type']>('bind');
  const [sources, setSources] = useState({ bind: '', volume: '' });
  const [said, setSaid] = useState({ path: '', readOnly: false, sameIds: false });
  const { failure, fail, forget } = useFailure(t('mounts.attachTitle', { name }));
  const [busy, setBusy] = useState(false);
  const source = sources[type].trim();
  const { path, readOnly, sameIds } = said;
  const whole = source !== '' && pathProblem(path) === undefined;
  const wishes: MountWish[] = whole
    ? [
        {
          ...{ Type: type, Source: source, Target: cleanPath(path.trim()) ?? '' },
          ...(readOnly && { ReadOnly: true }),
          ...(sameIds && type === 'bind' && { IdMap: true }),
        },
      ]
    : [];
  const foreseen = usePreviews(id, container?.State, wishes);
  const restart = appliesOf(foreseen) === 'restart';
  const say = (part: Partial<typeof said>) => {
    setSaid((before) => ({ ...before, ...part }));
    forget();
  };
  const nameSource = (text: string) => {
    setSources((before) => ({ ...before, [type]: text }));
    forget();
  };
  const choose = async () => {
    const [picked] = await fileDesk().pick('folders');
    if (picked !== undefined) nameSource(picked);
  };
  const submit = async () => {
    if (!whole || busy) return;
    setBusy(true);
    forget();
    try {
      await attach(wishes, restart);
      onClose();
    } catch (error) {
      fail(explainAttach(t, messageOf(error)));
      setBusy(false);
    }
  };
  return (
    <Dialog
      width="wide"
      title={t('mounts.attachTitle', { name })}
      description={t(container && isRunning(container) ? 'mounts.attachText' : 'mounts.attachTextStopped')}
      focus="input[name=folder]"
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            variant="primary"
            type="submit"
            icon={restart ? RotateCw : Link}
            shortcut="↵"
            aria-disabled={!whole || busy}
          >
            {busy && restart ? t('mounts.restarting') : t(restart ? 'mounts.attachRestart' : 'mounts.attach')}
          </Button>
        </>
      }
    >
      <div className="attach">
        <Segments
          label={t('mounts.what')}
          value={type}
          onChange={(next: MountWish['Type']) => setType(next)}
          options={[
            { value: 'bind', label: t('mounts.folder') },
            { value: 'volume', label: t('mounts.volume') },
          ]}
        />
        {type === 'bind' ? (
          <div className="attach-folder">
            <Field label={t('mounts.folderLabel')} hint={t('mounts.folderHint')}>
              <SourceInput name="folder" value={sources.bind} onChange={nameSource} />
            </Field>
            {choosable && (
              <Button icon={FolderOpen} onClick={() => void choose()}>
                {t('mounts.choose')}
              </Button>
            )}
          </div>
        ) : (
          <Field label={t('mounts.volumeLabel')} hint={t('mounts.volumeHint')}>
            <SourceInput name="volume" value={sources.volume} list="attach-volumes" onChange={nameSource} />
          </Field>
        )}
        <datalist id="attach-volumes">
          {volumes?.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <Warnings warnings={foreseen.flatMap(({ preview }) => preview?.Warnings ?? [])} />
        <MountFields
          mounting={{ ...said, wishes, foreseen, say, places: inside ? placesIn(inside) : [] }}
          name={name}
        />
        {failure !== undefined && <Problem>{failure}</Problem>}
      </div>
    </Dialog>
  );
}

/** Inside a Field, which gives it the rest. */
function SourceInput({
  onChange,
  ...rest
}: {
  name: string;
  value: string;
  list?: string;
  onChange(text: string): void;
}) {
  return (
    <input
      className="input mono"
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => onChange(event.target.value)}
      {...rest}
    />
  );
}
