import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { Download, Save, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../../main/client/index.js';
import { useExplain } from '../explain.js';
import { useAnswer } from '../use-answer.js';
import { messageOf } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { notifyDone, notifyFailed } from '../../ui/notify.js';
import { Scroller } from '../../ui/Scroller.js';
import { useShown } from '../../ui/use-shown.js';
import { collect, contentOf, HEX, hexOf, PREVIEW } from './content.js';
import type { filesIn } from './place.js';
import { nameOfPath } from './tree.js';

const Editor = lazy(() => import('./Editor.js'));

/** A file as text that can be changed, or as bytes that can be looked at. */
export function Preview({
  files,
  path,
  focus,
  onDirty,
  onLost,
  onSaved,
  onDownload,
  onClose,
}: {
  files: ReturnType<typeof filesIn>;
  path: string;
  /** It was opened by keyboard, or otherwise on purpose. */
  focus: boolean;
  onDirty(dirty: boolean): void;
  /** It goes, and with it what was typed. */
  onLost(draft: string): void;
  onSaved(): void;
  onDownload(): void;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const explain = useExplain();
  const [round, setRound] = useState(0);
  const [draft, setDraft] = useState<string>();
  const [saved, setSaved] = useState<{ text: string; version: string; size: number }>();
  const [failure, setFailure] = useState<{ words: string; conflict: boolean }>();
  const [busy, setBusy] = useState(false);
  const isShown = useShown();
  const { value, problem } = useAnswer(async () => {
    const { stat, bytes: stream } = await files.read({ path, length: PREVIEW });
    const read = await collect(stream);
    const cut = stat.Size > read.length;
    return { stat, cut, content: contentOf(read, cut) };
  }, `${path} ${round}`);
  const name = nameOfPath(path);
  const text = value?.content.kind === 'text' ? value.content.text : undefined;
  const base = saved?.text ?? text;
  const dirty = draft !== undefined && draft !== base;
  // What is typed while it is being saved is not saved.
  useEffect(() => onDirty(dirty), [onDirty, dirty]);
  const last = useRef<{ draft: string | undefined; onLost: typeof onLost }>({ draft: undefined, onLost });
  useEffect(() => {
    last.current = { draft: dirty ? draft : undefined, onLost };
  });
  useEffect(
    () => () => {
      const { draft: typed, onLost: tell } = last.current;
      if (typed !== undefined) tell(typed);
    },
    [],
  );
  const save = async (anyway = false) => {
    if (draft === undefined || !value || value.cut || busy) return;
    setBusy(true);
    setFailure(undefined);
    try {
      const version = anyway ? undefined : (saved?.version ?? value.stat.Version);
      const stat = await files.write(path, new TextEncoder().encode(draft), version);
      setSaved({ text: draft, version: stat.Version, size: stat.Size });
      notifyDone(t('files.saved', { name }));
      onSaved();
    } catch (error) {
      const words = explain(messageOf(error));
      if (!isShown()) return notifyFailed(t('files.notSaved', { name }), words);
      setFailure({ words, conflict: error instanceof ApiError && error.kind === 'conflict' });
    }
    setBusy(false);
  };
  const reload = () => {
    setDraft(undefined);
    setSaved(undefined);
    setFailure(undefined);
    setRound(round + 1);
  };
  return (
    <section className="files-preview" aria-label={t('files.preview', { name })}>
      <div className="files-preview-head">
        <span className="mono cut select" title={path}>
          {path}
        </span>
        {dirty && <span className="tag">{t('files.unsaved')}</span>}
        {value && <span className="dim">{bytes(saved?.size ?? value.stat.Size)}</span>}
        <span className="grow" />
        {text !== undefined && !value?.cut && (
          <Button size="small" icon={Save} shortcut="Ctrl S" disabled={!dirty || busy} onClick={() => void save()}>
            {t('files.save')}
          </Button>
        )}
        <IconButton small icon={Download} label={t('files.download', { name })} onClick={onDownload} />
        <IconButton small icon={X} label={t('files.closePreview')} onClick={onClose} />
      </div>
      {problem && <Problem>{problem}</Problem>}
      {failure && (
        <div className="files-conflict">
          <Problem>{failure.words}</Problem>
          {failure.conflict && (
            <>
              <Button size="small" onClick={reload}>
                {t('files.loadTheirs')}
              </Button>
              <Button size="small" variant="danger" onClick={() => void save(true)}>
                {t('files.saveAnyway')}
              </Button>
            </>
          )}
        </div>
      )}
      {value?.cut && (
        <p className="files-note">
          {t(value.content.kind === 'text' ? 'files.cutText' : 'files.cutBytes', {
            part: bytes(value.content.kind === 'text' ? PREVIEW : HEX),
            whole: bytes(value.stat.Size),
          })}
        </p>
      )}
      {!value && !problem && <Loading waitingFor={t('common.loading')} />}
      {value?.content.kind === 'text' && (
        <Suspense fallback={<Loading waitingFor={t('common.loading')} />}>
          <Editor
            label={t('files.textOf', { name })}
            text={value.content.text}
            readOnly={value.cut}
            focus={focus}
            onChange={setDraft}
            onSave={() => void save()}
          />
        </Suspense>
      )}
      {value?.content.kind === 'hex' && (
        <Scroller label={t('files.bytesOf', { name })} className="scroll files-hex">
          <pre className="raw">{hexOf(value.content.bytes)}</pre>
        </Scroller>
      )}
    </section>
  );
}
