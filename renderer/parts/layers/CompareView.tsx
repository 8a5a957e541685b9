import { useCallback, useEffect, useState } from 'react';
import { ArrowDown, ArrowUp, ChevronsUpDown, GitCompare, RefreshCw, X } from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { Compared, Comparison, Difference, LayerStack } from '../../../main/contract/layers.js';
import { useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { directoryOf, nameOfPath, parentOf, type TreeRow } from '../files/tree.js';
import { TreeRows } from '../files/TreeRows.js';
import { useTree } from '../files/use-tree.js';
import { useAnswer } from '../use-answer.js';
import type { Sight } from './address.js';
import { DiffView } from './DiffView.js';
import { Figure, percent } from './Figure.js';
import { Insights } from './Insights.js';
import { choose, layerAt, marksOf, stepOf } from './layout.js';
import { DifferenceLine } from './lines.js';
import { Stacks } from './Stacks.js';
import { useBackToTree } from './use-back-to-tree.js';
import { sideOrNone } from './use-sides.js';
import { useSave } from './use-save.js';
import { stepWords, useLayerWords } from './words.js';

const PAGE = 1000;

/** What the tree needs of an entry. */
type Row = Difference & { Kind: 'directory' | 'file' };

const canOpen = ({ Kind }: Row): boolean => Kind === 'directory';

/** Two images or containers, side by side: their layers, the files that differ, and how. */
export function CompareView({
  before,
  after,
  sight,
  onGo,
  onPick,
}: {
  before: Compared;
  after: Compared;
  sight: Sight;
  onGo(next: Sight): void;
  onPick(): void;
}) {
  const { client } = useEngineStore();
  const { t } = useTranslation();
  const [round, setRound] = useState(0);
  const key = `${before.kind} ${before.name} ${before.layer} ${after.layer} ${round}`;
  const { value, problem } = useAnswer(() => client.slipway.compare.all(before, after), key);
  if (problem)
    return (
      <div className="layers-problem">
        <Problem>{problem}</Problem>
        <Button onClick={() => onGo({ layer: sight.layer, path: sight.path })}>{t('layers.stopComparing')}</Button>
      </div>
    );
  if (!value) return <Loading waitingFor={t('layers.comparing')} />;
  return (
    <SideBySide comparison={value} {...{ before, after, sight, onGo, onPick }} onAgain={() => setRound(round + 1)} />
  );
}

function SideBySide({
  comparison,
  before,
  after,
  sight,
  onGo,
  onPick,
  onAgain,
}: {
  comparison: Comparison;
  before: Compared;
  after: Compared;
  sight: Sight;
  onGo(next: Sight): void;
  onPick(): void;
  onAgain(): void;
}) {
  const { t, i18n } = useTranslation();
  const { client } = useEngineStore();
  const words = useLayerWords();
  const save = useSave();
  const [quiet, setQuiet] = useState(true);
  const [current, setCurrent] = useState<string>();
  const { Before, After, Pairs, BeforeLayer, AfterLayer, Download, Insights: insights } = comparison;
  const sums = quiet ? comparison.Quiet : comparison.All;
  const sides = [
    { ...before, layer: BeforeLayer },
    { ...after, layer: AfterLayer },
  ] as const;
  const asked = `${before.kind} ${before.name} ${before.layer} ${after.kind} ${after.name} ${after.layer}`;
  const list = useCallback(
    async (path: string, from: string | undefined) => {
      const { Entries, More } = await client.slipway.compare.list(before, after, { path, limit: PAGE, from, quiet });
      const rows = Entries.map((entry): Row => {
        const directory = [entry.Before, entry.After].some((side) => side?.Kind === 'directory');
        return { ...entry, Kind: directory ? 'directory' : 'file' };
      });
      return { Entries: rows, ...(More !== undefined && { More }) };
    },
    // The sides are said by their names.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [client, asked, quiet, comparison],
  );
  const { rows, folders, load, toggle, reveal } = useTree<Row>(list, canOpen);
  const { path } = sight;
  // What an address leads to has to be opened on the way.
  useEffect(() => {
    if (path !== undefined && !folders.has(parentOf(path))) void reveal(path);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [path, list]);
  const entry =
    path === undefined
      ? undefined
      : folders.get(parentOf(path))?.entries?.find(({ Name }) => Name === nameOfPath(path));
  const whole = BeforeLayer === layerAt(Before.Steps, 0) && AfterLayer === layerAt(After.Steps, 0);
  const growth = sizeAt(After, AfterLayer) - sizeAt(Before, BeforeLayer);
  const [marksBefore, marksAfter] = marksOf(Before.Steps, After.Steps, Pairs);
  const count = (number: number) => number.toLocaleString(i18n.language);
  const select = (side: 0 | 1, index: number, alone: boolean) => {
    const [one, other] = choose(side, index, [Before.Steps, After.Steps], Pairs);
    const keepBefore = alone && side === 1;
    const keepAfter = alone && side === 0;
    onGo({
      ...sight,
      layer: keepAfter ? AfterLayer : (other ?? AfterLayer),
      with: { ...before, layer: keepBefore ? BeforeLayer : (one ?? BeforeLayer) },
    });
  };
  const changedBy = (): string | undefined => {
    const layer = entry?.After?.Layer;
    const step = layer === undefined ? undefined : After.Steps[stepOf(After.Steps, layer)];
    return step && `${t('layers.changedBy')} ${stepWords(t, step)}`;
  };
  const panes = useBackToTree(path);
  const close = () => {
    setCurrent(path);
    onGo({ ...sight, path: undefined });
  };
  const saved = entry?.After ? sides[1] : sides[0];
  return (
    <>
      <div className="layer-sum">
        <Figure name={t('layers.size')}>
          {bytes(sizeAt(After, AfterLayer))}{' '}
          {growth !== 0 && (
            <small className={growth > 0 ? 'c-bad' : 'c-add'}>
              {growth > 0 ? (
                <ArrowUp className="icon s12" aria-label={t('layers.larger')} />
              ) : (
                <ArrowDown className="icon s12" aria-label={t('layers.smaller')} />
              )}
              {bytes(Math.abs(growth))}
            </small>
          )}
        </Figure>
        {after.kind === 'image' && (
          <Figure name={t('layers.newToPull')}>
            {bytes(Download.Bytes)}{' '}
            <small className="t3">
              {t('layers.layersOf', { count: After.Steps.filter(({ Layer }) => Layer).length, part: Download.Layers })}
            </small>
          </Figure>
        )}
        <Figure name={t('layers.wasted')}>
          {bytes(After.Wasted)} {After.Size > 0 && <small className="t3">{percent(After.Wasted / After.Size)}</small>}
        </Figure>
        <Figure name={t('layers.files')}>
          <small aria-label={t('layers.counts', { added: sums.Added, changed: sums.Changed, removed: sums.Removed })}>
            <span className="c-add">+{count(sums.Added)}</span> <span className="c-mod">~{count(sums.Changed)}</span>{' '}
            <span className="c-del">−{count(sums.Removed)}</span>
          </small>
        </Figure>
        <span className="grow" />
        <Insights
          insights={insights}
          steps={After.Steps}
          onGo={(number) => select(1, stepOf(After.Steps, number), false)}
        />
        <span className="row g8 picked">
          <span className="s12 t3">{t('layers.comparedWith')}</span>
          <Button onClick={onPick} icon={GitCompare} aria-label={t('layers.compareWithOther', { name: Before.Name })}>
            <span className="mono cut">{Before.Name}</span>
            <ChevronsUpDown className="icon" aria-hidden />
          </Button>
          {(before.kind === 'container' || after.kind === 'container') && (
            <IconButton icon={RefreshCw} label={t('files.refresh')} onClick={onAgain} />
          )}
          <IconButton
            icon={X}
            label={t('layers.stopComparing')}
            onClick={() => onGo({ layer: sight.layer, path: sight.path })}
          />
        </span>
      </div>
      <div className={clsx('layer-panes comparing', path === undefined && 'unpicked')} ref={panes}>
        <section className="pane-stack" aria-label={t('layers.regions.stacks')} data-region tabIndex={-1}>
          <div className="layer-head stacks-head">
            <StackName stack={Before} layer={BeforeLayer} other={After} />
            {whole ? (
              <span className="s11 t3 middle">{t('layers.joined')}</span>
            ) : (
              <button
                type="button"
                className="btn small ghost middle"
                onClick={() => onGo({ ...sight, layer: undefined, with: { ...before, layer: undefined } })}
              >
                {t('layers.wholeAgain')}
              </button>
            )}
            <StackName stack={After} layer={AfterLayer} other={Before} />
          </div>
          <Stacks
            stacks={[
              {
                name: Before.Name,
                steps: Before.Steps,
                marks: marksBefore,
                selected: stepOf(Before.Steps, BeforeLayer),
              },
              { name: After.Name, steps: After.Steps, marks: marksAfter, selected: stepOf(After.Steps, AfterLayer) },
            ]}
            pairs={Pairs}
            onSelect={select}
          />
        </section>
        <section className="pane-tree" aria-label={t('layers.regions.changed')} data-region tabIndex={-1}>
          <div className="layer-head">
            <h3>{t('layers.changedFiles')}</h3>
            <span className="grow" />
            <button
              type="button"
              className={quiet ? 'chip on' : 'chip'}
              aria-pressed={quiet}
              title={t('layers.hideCachesHint')}
              onClick={() => setQuiet(!quiet)}
            >
              {t('layers.hideCaches')}
            </button>
          </div>
          {comparison.Unsure > 0 && <p className="files-note">{t('layers.unsure', { count: comparison.Unsure })}</p>}
          {sums.Added + sums.Changed + sums.Removed === 0 && rows.every(({ kind }) => kind === 'empty') ? (
            <p className="layer-none">{t(quiet ? 'layers.noDifferenceQuiet' : 'layers.noDifference')}</p>
          ) : (
            <TreeRows<Row>
              label={t('layers.changedFiles')}
              rows={rows}
              current={current ?? path}
              shown={path}
              line={(each, row) => <DifferenceLine entry={each} open={row.expanded} />}
              nameOf={(each) => words.difference(each)}
              onCurrent={setCurrent}
              onToggle={toggle}
              onOpen={({ path: next }: TreeRow<Row>) => onGo({ ...sight, path: next })}
              onMore={(row) => void load(directoryOf(row), folders.get(directoryOf(row))?.more)}
            />
          )}
        </section>
        <section className="pane-file" aria-label={t('layers.regions.difference')} data-region tabIndex={-1}>
          {path === undefined ? (
            <p className="layer-none">{t('layers.pickChanged')}</p>
          ) : (
            <DiffView
              key={`${path} ${asked}`}
              path={path}
              read={() => Promise.all([sideOrNone(client, sides[0], path), sideOrNone(client, sides[1], path)])}
              about={changedBy()}
              onSave={() => void save(saved, path, After.Name)}
              onClose={close}
            />
          )}
        </section>
      </div>
    </>
  );
}

/** Of the layers up to one. */
const sizeAt = ({ Steps }: LayerStack, layer: number): number =>
  Steps.reduce((sum, { Layer }) => sum + (Layer && Layer.Number <= layer ? Layer.Size : 0), 0);

/** The tag alone where both are of one repository. */
function StackName({ stack, layer, other }: { stack: LayerStack; layer: number; other: LayerStack }) {
  const { t } = useTranslation();
  const colon = stack.Name.lastIndexOf(':');
  const same = colon > 0 && stack.Name.slice(0, colon) === other.Name.slice(0, other.Name.lastIndexOf(':'));
  const top = layerAt(stack.Steps, 0);
  return (
    <span className="stack-name">
      <b className="mono cut" title={stack.Name}>
        {same ? stack.Name.slice(colon + 1) : stack.Name}
      </b>
      <span className="s11 t3">
        {layer === top ? bytes(sizeAt(stack, layer)) : t('layers.upTo', { number: layer })}
      </span>
    </span>
  );
}
