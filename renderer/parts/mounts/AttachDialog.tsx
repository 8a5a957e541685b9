import { useEffect, useState } from 'react';
import { EyeOff, FolderOpen, Link, RotateCw, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { MountPreview, MountWish } from '../../../main/contract/mounts.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { Button } from '../../ui/Button.js';
import { fileDesk } from '../../ui/desktop.js';
import { Dialog } from '../../ui/Dialog.js';
import { CheckLine, Field, Problem } from '../../ui/Field.js';
import { Segments } from '../../ui/Segments.js';
import { isRunning, nameOf } from '../container-state.js';
import { useAnswer } from '../use-answer.js';
import { Owner } from './Owner.js';
import { explainAttach, explainObstacle } from './reasons.js';
import { useMounts } from './use-mounts.js';

/** Typing rests this long before the engine is asked what it would come to. */
const REST_MS = 250;
const NOBODY = 65534;

type Preview = { answer?: MountPreview; problem?: string };

/** A folder of this machine or a volume for a container that is there: at once where it runs. */
export function AttachDialog({ id, onClose }: { id: string; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const container = useEngine((state) => state.containers?.find(({ Id }) => Id === id)) ?? { Id: id, Names: [] };
  const running = useEngine((state) => state.containers?.some((one) => one.Id === id && isRunning(one)) ?? false);
  const name = nameOf(container);
  const choosable = useEngine(can('folders'));
  const { attach } = useMounts(container);
  const { value: known } = useAnswer(async () => {
    const [inspect, volumes] = await Promise.all([store.client.containers.inspect(id), store.client.volumes.list()]);
    const taken = new Set(inspect.Mounts.map((mount) => (mount as { Destination: string }).Destination));
    const places = [...Object.keys(inspect.Config.Volumes ?? {}), inspect.Config.WorkingDir];
    return {
      volumes: (volumes.Volumes ?? []).map(({ Name }) => Name).toSorted(),
      places: [...new Set(places)].filter((path) => path !== '' && path !== '/' && !taken.has(path)),
    };
  }, id);
  const [type, setType] = useState<MountWish['Type']>('bind');
  const [folder, setFolder] = useState('');
  const [volume, setVolume] = useState('');
  const [target, setTarget] = useState('');
  const [readOnly, setReadOnly] = useState(false);
  const [idMap, setIdMap] = useState(false);
  const [failure, setFailure] = useState<string>();
  const [busy, setBusy] = useState(false);
  const source = (type === 'bind' ? folder : volume).trim();
  const wish: MountWish = {
    ...{ Type: type, Source: source, Target: target.trim() },
    ...(readOnly && { ReadOnly: true }),
    ...(idMap && type === 'bind' && { IdMap: true }),
  };
  const whole = source !== '' && wish.Target.startsWith('/');
  const { answer, problem } = usePreview(id, whole ? wish : undefined);
  const owner = answer?.Owner;
  const foreign = type === 'bind' && (idMap || (owner?.Inside.Uid === NOBODY && owner.Disk.Uid !== NOBODY));
  const restart = answer?.Applies === 'restart';
  const ready = whole && problem === undefined && !busy;
  const choose = async () => {
    const [path] = await fileDesk().pick('folders');
    if (path !== undefined) setFolder(path);
  };
  const submit = async () => {
    if (!ready) return;
    setBusy(true);
    setFailure(undefined);
    try {
      await attach({ ...wish, ...(restart && { Restart: true }) });
      onClose();
    } catch (error) {
      setFailure(explainAttach(t, messageOf(error)));
      setBusy(false);
    }
  };
  const text = (value: string, onChange: (value: string) => void, more: { name: string; list?: string }) => (
    <input
      className="input mono"
      value={value}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => {
        onChange(event.target.value);
        setFailure(undefined);
      }}
      {...more}
    />
  );
  return (
    <Dialog
      width="wide"
      title={t('mounts.attachTitle', { name })}
      description={t(running ? 'mounts.attachText' : 'mounts.attachTextStopped')}
      focus="input[name=folder]"
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <span className="grow s12 t3" role="status">
            {answer && problem === undefined && t(`mounts.applies.${answer.Applies}`)}
          </span>
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={restart ? RotateCw : Link} shortcut="↵" aria-disabled={!ready}>
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
              {text(folder, setFolder, { name: 'folder' })}
            </Field>
            {choosable && (
              <Button icon={FolderOpen} onClick={() => void choose()}>
                {t('mounts.choose')}
              </Button>
            )}
          </div>
        ) : (
          <Field label={t('mounts.volumeLabel')} hint={t('mounts.volumeHint')}>
            {text(volume, setVolume, { name: 'volume', list: 'attach-volumes' })}
          </Field>
        )}
        <datalist id="attach-volumes">
          {known?.volumes.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <Field label={t('mounts.target')} hint={t('mounts.targetHint')}>
          {text(target, setTarget, { name: 'target', list: 'attach-places' })}
        </Field>
        <datalist id="attach-places">
          {known?.places.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <CheckLine label={t('mounts.readOnlySwitch')} checked={readOnly} onChange={setReadOnly} />
        {foreign && (
          <CheckLine label={t('mounts.idMap')} hint={t('mounts.idMapHint')} checked={idMap} onChange={setIdMap} />
        )}
        <PreviewNotes preview={answer} />
        {(failure ?? problem) !== undefined && <Problem>{failure ?? explainAttach(t, problem ?? '')}</Problem>}
      </div>
    </Dialog>
  );
}

/** What it would come to, once typing rests. */
function usePreview(id: string, wish: MountWish | undefined): Preview {
  const { client } = useEngineStore();
  const [preview, setPreview] = useState<Preview & { key?: string }>({});
  const key = JSON.stringify(wish ?? null);
  useEffect(() => {
    const asked = JSON.parse(key) as MountWish | null;
    if (!asked) return;
    const control = new AbortController();
    const timer = setTimeout(() => {
      client.slipway.mounts.preview(id, asked, { signal: control.signal }).then(
        (answer) => !control.signal.aborted && setPreview({ key, answer }),
        (error: unknown) => !control.signal.aborted && setPreview({ key, problem: messageOf(error) }),
      );
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [client, id, key]);
  return preview.key === key ? preview : {};
}

function PreviewNotes({ preview }: { preview: MountPreview | undefined }) {
  const { t } = useTranslation();
  if (!preview) return null;
  const { Reason, Target, Owner: owner, Warnings } = preview;
  return (
    <div className="attach-notes" role="group" aria-label={t('mounts.preview')}>
      {owner && (
        <div className="row g8">
          <span className="s12 t3">{t('mounts.ownerLabel')}</span>
          <Owner owner={owner} />
        </div>
      )}
      {Target.Hidden > 0 && (
        <p className="row g8">
          <EyeOff className="icon s14 t2" aria-hidden />
          <span>
            {t('mounts.hides', { count: Target.Hidden, names: Target.Names.slice(0, 5).join(', ') })}
            {Target.Hidden > Math.min(5, Target.Names.length) && ' …'}
          </span>
        </p>
      )}
      {Reason !== null && (
        <p className="row g8">
          <RotateCw className="icon s14 t2" aria-hidden />
          <span>{t('mounts.needsRestart', { reason: explainObstacle(t, Reason) })}</span>
        </p>
      )}
      {Warnings.map((warning) => (
        <p key={warning} className="row g8">
          <TriangleAlert className="icon s14 c-bad" aria-hidden />
          <span>{t(`mounts.warning.${warning}`)}</span>
        </p>
      ))}
    </div>
  );
}
