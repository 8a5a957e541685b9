import { useState } from 'react';
import { Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { CopyButton } from '../../ui/Copy.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field, Problem } from '../../ui/Field.js';
import { notifyDone } from '../../ui/notify.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Segments } from '../../ui/Segments.js';
import { LabelRows } from '../form/pairs.js';
import type { FormPart } from '../form/rows.js';
import { plainForm } from '../form/value.js';
import { parseMemory } from '../sizes.js';
import { useDiscard } from '../use-discard.js';
import { useFailure } from '../use-failure.js';
import { newVolumeProblem } from './names.js';
import { blankVolume as blank, volumeLine, volumeWish, type VolumeDraft as Draft } from './wish.js';

export function CreateVolumeDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const volumes = useEngine((state) => state.volumes);
  const [draft, setDraft] = useState(blank);
  const [touched, setTouched] = useState(false);
  const [busy, setBusy] = useState(false);
  const { failure, fail, forget, isShown } = useFailure(t('volumes.create.title'));
  const set = (part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    forget();
  };
  const { name, kind, folder, size, labels } = draft;
  const problems = {
    name: name.trim() === '' ? undefined : newVolumeProblem(t, name.trim(), volumes),
    folder:
      kind !== 'folder' || folder.trim().startsWith('/') || (folder === '' && !touched)
        ? undefined
        : t('volumes.create.folderProblem'),
    size: kind === 'tmpfs' && size.trim() !== '' && !parseMemory(size) ? t('volumes.create.sizeProblem') : undefined,
  };
  const wrong =
    Object.values(problems).some((problem) => problem !== undefined) || (kind === 'folder' && folder === '');
  const { close, question } = useDiscard(
    JSON.stringify(draft) !== JSON.stringify(blank) && !busy,
    t('volumes.create.discard'),
    onClose,
  );
  const wish = volumeWish(draft);
  const submit = async () => {
    setTouched(true);
    if (wrong || busy) return;
    setBusy(true);
    try {
      const made = await store.getState().createVolume(wish);
      notifyDone(t('volumes.create.done', { name: made.Name.slice(0, 24) }));
      if (!isShown()) return;
      onClose();
      navigate(pathTo('volumes', made.Name));
    } catch (error) {
      fail(error);
      setBusy(false);
    }
  };
  const part: FormPart = {
    value: { ...plainForm, labels },
    set: (changed) => changed.labels && set({ labels: changed.labels }),
    problemOf: () => undefined,
    facts: {},
  };
  return (
    <>
      {question}
      <Dialog
        title={t('volumes.create.title')}
        onClose={close}
        onSubmit={() => void submit()}
        footer={
          <>
            {!wrong && <CopyButton text={volumeLine(wish)} label={t('common.copyAsCommand')} />}
            <span className="grow" />
            <Button variant="ghost" shortcut="Esc" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button variant="primary" type="submit" icon={Plus} shortcut="↵" aria-disabled={busy}>
              {busy ? t('volumes.create.busy') : t('volumes.create.submit')}
            </Button>
          </>
        }
      >
        <div className="volume-form">
          <Field label={t('volumes.name.label')} hint={t('volumes.name.hint')} problem={problems.name}>
            <input
              className="input mono"
              name="name"
              value={name}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => set({ name: event.target.value })}
            />
          </Field>
          <div className="field">
            <span className="field-label">{t('volumes.create.where')}</span>
            <Segments<Draft['kind']>
              label={t('volumes.create.where')}
              options={(['local', 'folder', 'tmpfs'] as const).map((value) => ({
                value,
                label: t(`volumes.create.kinds.${value}`),
              }))}
              value={kind}
              onChange={(value) => set({ kind: value })}
            />
            <span className="hint">{t(`volumes.create.kindHints.${kind}`)}</span>
          </div>
          {kind === 'folder' && (
            <Field label={t('volumes.create.folder')} hint={t('volumes.create.folderHint')} problem={problems.folder}>
              <input
                className="input mono"
                name="folder"
                value={folder}
                placeholder="/srv/data"
                spellCheck={false}
                autoComplete="off"
                onChange={(event) => set({ folder: event.target.value })}
              />
            </Field>
          )}
          {kind === 'tmpfs' && (
            <Field label={t('volumes.create.size')} hint={t('volumes.create.sizeHint')} problem={problems.size}>
              <input
                className="input mono"
                name="size"
                value={size}
                placeholder="64m"
                spellCheck={false}
                autoComplete="off"
                onChange={(event) => set({ size: event.target.value })}
              />
            </Field>
          )}
          <LabelRows part={part} />
          {failure && <Problem>{failure}</Problem>}
        </div>
      </Dialog>
    </>
  );
}
