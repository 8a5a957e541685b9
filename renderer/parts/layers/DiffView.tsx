import { useState } from 'react';
import { Copy, Download, X } from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import { useAnswer } from '../use-answer.js';
import { Button, IconButton } from '../../ui/Button.js';
import { copyText } from '../../ui/desktop.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { notifyDone } from '../../ui/notify.js';
import { Scroller } from '../../ui/Scroller.js';
import { Segments } from '../../ui/Segments.js';
import { hexOf } from '../files/content.js';
import { nameOfPath } from '../files/tree.js';
import { compared as comparedTexts, patched } from './differ.js';
import { splitRows, type DiffLine, type DiffRow } from './text-diff.js';
import type { Side } from './use-sides.js';

/** Lines that are drawn; the patch has all of them. */
const AT_MOST = 3000;
/** So much of what is no text is compared. */
const HEX = 16 * 1024;

type View = 'unified' | 'split';

/** One file on two sides: by lines where it is text, by bytes where it is not. `key` it by the file. */
export function DiffView({
  path,
  read,
  about,
  onSave,
  onClose,
}: {
  path: string;
  /** Undefined: it is not there on that side. */
  read(): Promise<Sides>;
  /** Who changed it. */
  about?: string | undefined;
  onSave?: (() => void) | undefined;
  onClose(): void;
}) {
  const { t } = useTranslation();
  const [view, setView] = useState<View>('unified');
  const { value: compared, problem } = useAnswer(async () => compare(await read()), path);
  const rows = compared?.diff?.rows ?? [];
  const name = nameOfPath(path);
  const copy = async () => {
    if (!compared) return;
    const side = (index: 0 | 1) => (compared.sides[index] ? compared.shown[index] : undefined);
    await copyText(await patched(path, side(0), side(1)));
    notifyDone(t('layers.patchCopied', { name }));
  };
  return (
    <>
      <div className="layer-head">
        <span className="mono cut select" title={path}>
          {path}
        </span>
        {compared?.diff && compared.text && (
          <span className="num">
            <span className="c-add">+{compared.diff.added}</span>{' '}
            <span className="c-del">−{compared.diff.removed}</span>
          </span>
        )}
        {compared && !compared.text && <span className="tag">{t('layers.bytesOnly')}</span>}
        <span className="grow" />
        <Segments<View>
          label={t('layers.view')}
          value={view}
          onChange={setView}
          options={[
            { value: 'unified', label: t('layers.unified') },
            { value: 'split', label: t('layers.split') },
          ]}
        />
        <IconButton small icon={X} label={t('files.closePreview')} onClick={onClose} />
      </div>
      {problem && <Problem>{problem}</Problem>}
      {!compared && !problem && <Loading waitingFor={t('common.loading')} />}
      {compared && <Rights sides={compared.sides} />}
      {compared?.cut && <p className="files-note">{t('layers.cut')}</p>}
      {compared && !compared.diff && <p className="files-note">{t('layers.tooDifferent')}</p>}
      {compared?.diff && rows.length === 0 && <p className="files-note">{t('layers.sameContent')}</p>}
      {rows.length > 0 && (
        <Scroller label={t('layers.differencesIn', { name })} className="layer-diff">
          {view === 'unified' ? <Unified rows={rows.slice(0, AT_MOST)} /> : <Split rows={rows.slice(0, AT_MOST)} />}
          {rows.length > AT_MOST && <p className="hunk">{t('layers.moreLines', { count: rows.length - AT_MOST })}</p>}
        </Scroller>
      )}
      <div className="layer-foot">
        {onSave && (
          <Button size="small" icon={Download} onClick={onSave}>
            {t('layers.saveFile')}
          </Button>
        )}
        <Button size="small" icon={Copy} disabled={!compared?.text || rows.length === 0} onClick={() => void copy()}>
          {t('layers.copyPatch')}
        </Button>
        <span className="grow" />
        {about !== undefined && <span className="s11 t3 cut">{about}</span>}
      </div>
    </>
  );
}

type Sides = [before: Side | undefined, after: Side | undefined];

/** By lines where both are text, by the bytes they begin with where not. */
async function compare(sides: Sides) {
  const text = sides.every((side) => !side || side.content.kind === 'text');
  const shown = sides.map((side) => {
    if (!side) return '';
    if (side.content.kind === 'text' && text) return side.content.text;
    return `${hexOf(side.bytes.subarray(0, HEX))}\n`;
  });
  const diff = await comparedTexts(shown[0] ?? '', shown[1] ?? '');
  return { sides, text, cut: sides.some((side) => side?.cut), diff, shown };
}

/** What differs besides the content, and the sizes of what is no text. */
function Rights({ sides: [before, after] }: { sides: Sides }) {
  const { t } = useTranslation();
  if (!before || !after) return null;
  const mode = (side: Side) => side.stat.Mode.toString(8).padStart(4, '0');
  const owner = (side: Side) => `${side.stat.Uid}:${side.stat.Gid}`;
  const facts = [
    mode(before) !== mode(after) && t('layers.modeChanged', { before: mode(before), after: mode(after) }),
    owner(before) !== owner(after) && t('layers.ownerChanged', { before: owner(before), after: owner(after) }),
    before.content.kind === 'hex' &&
      t('layers.sizeChanged', { before: bytes(before.stat.Size), after: bytes(after.stat.Size) }),
  ].filter((each) => typeof each === 'string');
  return facts.length > 0 ? <p className="files-note">{facts.join(' · ')}</p> : null;
}

const signs = { same: ' ', added: '+', removed: '−' } as const;
const classes = { same: '', added: 'a', removed: 'd' } as const;

function Gap({ count }: { count: number }) {
  const { t } = useTranslation();
  return <div className="hunk">{t('layers.unchangedLines', { count })}</div>;
}

const Text = ({ line }: { line: DiffLine }) => (
  <span className="tx">{line.pieces.map(({ text, lit }, index) => (lit ? <em key={index}>{text}</em> : text))}</span>
);

function Unified({ rows }: { rows: DiffRow[] }) {
  const { t } = useTranslation();
  return rows.map((row, index) => {
    if (row.kind === 'gap') return <Gap key={index} count={row.count} />;
    if (row.kind === 'no-newline')
      return (
        <div key={index} className="hunk">
          {t('layers.noNewline')}
        </div>
      );
    return (
      <div key={index} className={clsx('dl', classes[row.kind])}>
        <span className="ln">{row.before}</span>
        <span className="ln">{row.after}</span>
        <span className="sg">{signs[row.kind]}</span>
        <Text line={row} />
      </div>
    );
  });
}

function Split({ rows }: { rows: DiffRow[] }) {
  return splitRows(rows).map((row, index) => {
    if ('gap' in row) return <Gap key={index} count={row.gap} />;
    const half = (line: DiffLine | undefined, number: number | undefined) => (
      <div className={clsx('dl half', line ? classes[line.kind] : 'none')}>
        <span className="ln">{number}</span>
        <span className="sg">{line && signs[line.kind]}</span>
        {line && <Text line={line} />}
      </div>
    );
    return (
      <div key={index} className="dl-pair">
        {half(row.left, row.left?.before)}
        {half(row.right, row.right?.after)}
      </div>
    );
  });
}
