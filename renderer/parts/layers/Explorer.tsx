import { useCallback, useEffect, useState } from 'react';
import { GitCompare, RefreshCw, Search, X } from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { Compared, LayerEntry, LayerStack } from '../../../main/contract/layers.js';
import { useEngineStore } from '../../store/index.js';
import { Button, IconButton } from '../../ui/Button.js';
import { bytes } from '../../ui/format.js';
import { Segments } from '../../ui/Segments.js';
import { directoryOf, nameOfPath, parentOf, type TreeRow } from '../files/tree.js';
import { TreeRows } from '../files/TreeRows.js';
import { useTree } from '../files/use-tree.js';
import type { Sight } from './address.js';
import { Figure, percent } from './Figure.js';
import { FilePane } from './FilePane.js';
import { Insights } from './Insights.js';
import { LayerLine } from './lines.js';
import { layerAt, stepOf } from './layout.js';
import { SearchPane } from './SearchPane.js';
import { Stacks } from './Stacks.js';
import { StepDetails } from './StepDetails.js';
import { useBackToTree } from './use-back-to-tree.js';
import { useSave } from './use-save.js';
import { stepWords, useLayerWords } from './words.js';

const PAGE = 1000;

type Shown = 'all' | 'changed';

/** A directory can be looked into even after a layer has removed it: it is shown as it was. */
const canOpen = ({ Kind }: LayerEntry): boolean => Kind === 'directory';

/** One stack: its layers, the tree at one of them, and a file. */
export function Explorer({
  what,
  stack,
  sight,
  onGo,
  onCompare,
  onAgain,
}: {
  what: Compared;
  stack: LayerStack;
  sight: Sight;
  onGo(next: Sight): void;
  onCompare(): void;
  onAgain(): void;
}) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const words = useLayerWords();
  const save = useSave();
  const steps = stack.Steps;
  const [step, setStep] = useState(() => Math.max(0, stepOf(steps, sight.layer)));
  const [shown, setShown] = useState<Shown>('all');
  const [quiet, setQuiet] = useState(false);
  const [current, setCurrent] = useState<string>();
  const [searching, setSearching] = useState(false);
  const layer = layerAt(steps, step) ?? 0;
  const { kind, name } = what;
  const list = useCallback(
    (path: string, from: string | undefined) =>
      layer === 0
        ? Promise.resolve({ Entries: [] })
        : client.slipway.layers.list(
            { kind, name, layer },
            { path, limit: PAGE, from, changed: shown === 'changed', quiet },
          ),
    [client, kind, name, layer, shown, quiet],
  );
  const { rows, folders, load, toggle, reveal } = useTree<LayerEntry>(list, canOpen);
  const entryAt = (path: string): LayerEntry | undefined =>
    folders.get(parentOf(path))?.entries?.find(({ Name }) => Name === nameOfPath(path));
  const commandOf = (number: number | undefined): string | undefined => {
    const found = steps[stepOf(steps, number)];
    return number === undefined || !found ? undefined : stepWords(t, found);
  };
  const select = (index: number) => {
    setStep(index);
    onGo({ ...sight, layer: layerAt(steps, index) });
  };
  const open = ({ path, entry }: TreeRow<LayerEntry>) => entry && onGo({ layer, path });
  const { path } = sight;
  const entry = path === undefined ? undefined : entryAt(path);
  // What an address or a search leads to has to be opened on the way.
  useEffect(() => {
    if (path !== undefined && !folders.has(parentOf(path))) void reveal(path);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [path, list]);
  const panes = useBackToTree(path);
  const close = () => {
    setCurrent(path);
    onGo({ ...sight, path: undefined });
  };
  const layers = steps.filter(({ Layer }) => Layer).length;
  return (
    <>
      <div className="layer-sum">
        <Figure name={t('layers.size')}>{bytes(stack.Size)}</Figure>
        <Figure name={t('layers.layers')}>{layers}</Figure>
        <Figure name={t('layers.wasted')}>
          {bytes(stack.Wasted)} {stack.Size > 0 && <small className="t3">{percent(stack.Wasted / stack.Size)}</small>}
        </Figure>
        <span className="grow" />
        <Insights insights={stack.Insights} steps={steps} onGo={(number) => select(stepOf(steps, number))} />
        <Button icon={GitCompare} onClick={onCompare}>
          {t('layers.compareWith')}
        </Button>
        <IconButton icon={RefreshCw} label={t('files.refresh')} onClick={onAgain} />
      </div>
      <div className={clsx('layer-panes', path === undefined && 'unpicked')} ref={panes}>
        <section className="pane-stack" aria-label={t('layers.regions.stack')} data-region tabIndex={-1}>
          <Stacks stacks={[{ name: stack.Name, steps, selected: step }]} onSelect={(_, index) => select(index)} />
        </section>
        <section className="pane-tree" aria-label={t('layers.regions.tree')} data-region tabIndex={-1}>
          {steps[step] && <StepDetails step={steps[step]} />}
          <div className="layer-head">
            <Segments<Shown>
              label={t('layers.show')}
              value={shown}
              onChange={setShown}
              options={[
                { value: 'all', label: t('layers.allFiles') },
                { value: 'changed', label: t('layers.changes') },
              ]}
            />
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
            <IconButton
              small
              icon={searching ? X : Search}
              label={t(searching ? 'layers.searchClose' : 'layers.search')}
              aria-expanded={searching}
              onClick={() => setSearching(!searching)}
            />
          </div>
          {searching ? (
            <SearchPane
              what={what}
              steps={steps}
              onClose={() => setSearching(false)}
              onGo={(found) => {
                setSearching(false);
                const index = stepOf(steps, found.Layer);
                setStep(index);
                setShown('all');
                setQuiet(false);
                setCurrent(found.Path);
                onGo({ layer: found.Layer, path: found.Path });
              }}
            />
          ) : (
            <TreeRows<LayerEntry>
              label={t('layers.filesAt', { number: layer, name: stack.Name })}
              rows={rows}
              current={current ?? path}
              shown={path}
              line={(each, row) => <LayerLine entry={each} open={row.expanded} />}
              nameOf={(each) => words.entry(each)}
              onCurrent={setCurrent}
              onToggle={toggle}
              onOpen={open}
              onMore={(row) => void load(directoryOf(row), folders.get(directoryOf(row))?.more)}
            />
          )}
        </section>
        <section className="pane-file" aria-label={t('layers.regions.file')} data-region tabIndex={-1}>
          {path === undefined ? (
            <p className="layer-none">{t('layers.pickFile')}</p>
          ) : (
            <FilePane
              key={`${layer} ${path} ${entry?.Kind} ${entry?.Change}`}
              what={what}
              layer={layer}
              path={path}
              entry={entry}
              from={commandOf(entry?.Change === 'deleted' ? undefined : entry?.Layer)}
              onSave={(at) => void save({ ...what, layer: at }, path, stack.Name)}
              onClose={close}
            />
          )}
        </section>
      </div>
    </>
  );
}
