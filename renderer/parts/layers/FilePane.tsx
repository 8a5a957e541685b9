import { lazy, Suspense, useState } from 'react';
import { Download, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Compared, LayerEntry } from '../../../main/contract/layers.js';
import { useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { Scroller } from '../../ui/Scroller.js';
import { Segments } from '../../ui/Segments.js';
import { HEX, hexOf, PREVIEW } from '../files/content.js';
import { modeText, nameOfPath } from '../files/tree.js';
import { useAnswer } from '../use-answer.js';
import { DiffView } from './DiffView.js';
import { readSide, sideOrNone } from './use-sides.js';

const Editor = lazy(() => import('../files/Editor.js'));

type View = 'file' | 'change';

/** A file as it is at a layer, or what the layer does to it. `key` it by both. */
export function FilePane({
  what,
  layer,
  path,
  entry,
  from,
  onSave,
  onClose,
}: {
  what: Compared;
  layer: number;
  path: string;
  /** Undefined: its directory was not opened yet. */
  entry: LayerEntry | undefined;
  /** The command of the layer that it comes from. */
  from: string | undefined;
  onSave(layer: number): void;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const [view, setView] = useState<View>('file');
  const gone = entry?.Change === 'deleted';
  const at = gone ? layer - 1 : layer;
  const isFile = entry === undefined || entry.Kind === 'file';
  const { value, problem } = useAnswer(
    async () => (isFile ? readSide(client, { ...what, layer: at }, path) : undefined),
    `${at} ${path} ${isFile}`,
  );
  const name = nameOfPath(path);
  const views = entry?.Change === 'changed' && entry.Kind === 'file' && layer > 1;
  return (
    <>
      {views && (
        <div className="layer-head slim">
          <Segments<View>
            label={t('layers.view')}
            value={view}
            onChange={setView}
            options={[
              { value: 'file', label: t('layers.viewFile') },
              { value: 'change', label: t('layers.viewChange') },
            ]}
          />
        </div>
      )}
      {views && view === 'change' ? (
        <DiffView
          path={path}
          read={() =>
            Promise.all([
              sideOrNone(client, { ...what, layer: layer - 1 }, path),
              sideOrNone(client, { ...what, layer }, path),
            ])
          }
          about={from}
          onSave={() => onSave(layer)}
          onClose={onClose}
        />
      ) : (
        <>
          <div className="layer-head">
            <span className="mono cut select" title={path}>
              {path}
            </span>
            {value && <span className="dim num">{bytes(value.stat.Size)}</span>}
            {value && <span className="dim mono s11">{modeText(value.stat.Mode)}</span>}
            <span className="grow" />
            <IconButton small icon={X} label={t('files.closePreview')} onClick={onClose} />
          </div>
          {problem && <Problem>{problem}</Problem>}
          {gone && <p className="files-note">{t('layers.asItWas')}</p>}
          {entry && !isFile && (
            <p className="files-note">
              {entry.LinkTarget !== undefined
                ? t('layers.linkTo', { target: entry.LinkTarget })
                : t('layers.noContent', { kind: t(`layers.kinds.${entry.Kind}`) })}
            </p>
          )}
          {value?.cut && (
            <p className="files-note">
              {t(value.content.kind === 'text' ? 'files.cutText' : 'files.cutBytes', {
                part: bytes(value.content.kind === 'text' ? PREVIEW : HEX),
                whole: bytes(value.stat.Size),
              })}
            </p>
          )}
          {!value && !problem && isFile && <Loading waitingFor={t('common.loading')} />}
          {value?.content.kind === 'text' && (
            <Suspense fallback={<Loading waitingFor={t('common.loading')} />}>
              <Editor
                label={t('files.textOf', { name })}
                text={value.content.text}
                readOnly
                focus={false}
                onChange={() => undefined}
                onSave={() => onSave(at)}
              />
            </Suspense>
          )}
          {value?.content.kind === 'hex' && (
            <Scroller label={t('files.bytesOf', { name })} className="scroll files-hex">
              <pre className="raw">{hexOf(value.content.bytes)}</pre>
            </Scroller>
          )}
          <div className="layer-foot">
            <Button size="small" icon={Download} disabled={!value} onClick={() => onSave(at)}>
              {t('layers.saveFile')}
            </Button>
            <span className="grow" />
            {from !== undefined && (
              <span className="s11 t3 cut" title={from}>
                {t('layers.comesFrom')} <span className="mono s11">{from}</span>
              </span>
            )}
          </div>
        </>
      )}
    </>
  );
}
