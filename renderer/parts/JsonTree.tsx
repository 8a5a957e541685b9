import { useDeferredValue, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Copy, Eye, EyeOff, Search } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '../ui/Copy.js';
import { IconButton } from '../ui/Button.js';
import { copyText } from '../ui/desktop.js';
import { RightClickMenu, type MenuEntry } from '../ui/Menu.js';
import { notifyDone } from '../ui/notify.js';
import { Segments } from '../ui/Segments.js';
import { Scroller } from '../ui/Scroller.js';
import { jsonNodes, type JsonNode } from './json-nodes.js';
import { covered, withCover } from './secrets.js';

const written = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? 'null');

/** A document of the engine's, as a tree or as it came. What sounds like a secret is covered until it is asked for. */
export function JsonTree({ document }: { document: object }) {
  const { t } = useTranslation();
  const [view, setView] = useState<'tree' | 'raw'>('tree');
  const [search, setSearch] = useState('');
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [bare, setBare] = useState(false);
  const [uncovered, setUncovered] = useState<ReadonlySet<string>>(new Set());
  const [at, setAt] = useState<string>();
  const tree = useRef<HTMLDivElement>(null);
  const wanted = useDeferredValue(search.trim().toLowerCase());

  const raw = useMemo(() => JSON.stringify(bare ? document : withCover(document), null, 2), [document, bare]);
  const nodes = useMemo(
    () => jsonNodes(document, toggled, wanted === '' ? undefined : (text) => text.toLowerCase().includes(wanted)),
    [document, toggled, wanted],
  );
  const stop = nodes.some(({ path }) => path === at) ? at : nodes[0]?.path;

  const flip = (set: ReadonlySet<string>, path: string) => {
    const next = new Set(set);
    if (!next.delete(path)) next.add(path);
    return next;
  };
  const copy = (text: string, said: string) => void copyText(text).then(() => notifyDone(said));
  const menu = (node: JsonNode): MenuEntry[] => [
    {
      label: t('inspect.copyValue'),
      icon: Copy,
      shortcut: 'Ctrl C',
      onSelect: () => copy(written(node.value), t('inspect.copiedValue', { path: node.path })),
    },
    { label: t('inspect.copyPath'), onSelect: () => copy(node.path, t('inspect.copiedPath', { path: node.path })) },
  ];
  const go = (index: number) => {
    const next = nodes[Math.min(Math.max(index, 0), nodes.length - 1)];
    if (!next) return;
    setAt(next.path);
    const row = [...(tree.current?.querySelectorAll<HTMLElement>('[role="treeitem"]') ?? [])].find(
      ({ dataset }) => dataset['path'] === next.path,
    );
    row?.focus();
  };
  const onKeyDown = (event: KeyboardEvent, node: JsonNode) => {
    const index = nodes.indexOf(node);
    const handled = (): boolean => {
      if (event.ctrlKey && event.key === 'c') {
        if (somethingSelected()) return false;
        copy(written(node.value), t('inspect.copiedValue', { path: node.path }));
        return true;
      }
      if (event.ctrlKey || event.altKey) return false;
      switch (event.key) {
        case 'ArrowDown':
          go(index + 1);
          return true;
        case 'ArrowUp':
          go(index - 1);
          return true;
        case 'Home':
          go(0);
          return true;
        case 'End':
          go(nodes.length - 1);
          return true;
        case 'ArrowRight':
          if (node.count && !node.open) setToggled(flip(toggled, node.path));
          else if (node.open) go(index + 1);
          return true;
        case 'ArrowLeft':
          if (node.open && wanted === '') setToggled(flip(toggled, node.path));
          else go(nodes.findLastIndex(({ depth }, place) => place < index && depth < node.depth));
          return true;
        case 'Enter':
        case ' ':
          if (node.count) setToggled(flip(toggled, node.path));
          else setUncovered(flip(uncovered, node.path));
          return true;
        default:
          return false;
      }
    };
    if (!handled()) return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <div className="log-tools">
        <label className="filter">
          <Search className="icon s14" aria-hidden />
          <input
            type="text"
            data-find
            aria-label={t('inspect.search')}
            placeholder={t('inspect.search')}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'ArrowDown' && view === 'tree') go(0);
              else if (event.key === 'Escape' && search !== '') setSearch('');
              else return;
              event.preventDefault();
              event.stopPropagation();
            }}
          />
          {wanted !== '' && view === 'tree' && nodes.length === 0 && (
            <span className="s11" role="status">
              {t('logs.noMatches')}
            </span>
          )}
        </label>
        <Segments<'tree' | 'raw'>
          label={t('inspect.view')}
          value={view}
          onChange={setView}
          options={[
            { value: 'tree', label: t('inspect.tree') },
            { value: 'raw', label: t('inspect.raw') },
          ]}
        />
        <IconButton
          small
          icon={bare ? Eye : EyeOff}
          label={t('inspect.secrets')}
          aria-pressed={bare}
          onClick={() => setBare(!bare)}
        />
        <CopyButton text={raw} label={t('inspect.copy')} />
      </div>
      <Scroller label={t('drawer.inspect')} tabIndex={view === 'raw' ? 0 : -1}>
        {view === 'raw' ? (
          <pre className="raw">{marked(raw, wanted)}</pre>
        ) : (
          <div className="tree" role="tree" aria-label={t('drawer.inspect')} ref={tree}>
            {nodes.map((node) => {
              const hidden =
                bare || uncovered.has(node.path) || typeof node.value !== 'string'
                  ? undefined
                  : covered(node.names, node.value);
              return (
                <RightClickMenu key={node.path} label={node.path} entries={() => menu(node)}>
                  <div
                    role="treeitem"
                    className="tree-row"
                    data-path={node.path}
                    aria-level={node.depth + 1}
                    aria-expanded={node.count ? node.open : undefined}
                    aria-selected={node.path === stop}
                    tabIndex={node.path === stop ? 0 : -1}
                    style={{ paddingLeft: 8 + node.depth * 16 }}
                    onFocus={() => setAt(node.path)}
                    onKeyDown={(event) => event.target === event.currentTarget && onKeyDown(event, node)}
                    onClick={() => {
                      if (node.count && !somethingSelected()) setToggled(flip(toggled, node.path));
                    }}
                  >
                    <span className={node.count ? (node.open ? 'twist open' : 'twist') : 'twist none'} aria-hidden />
                    <span className="what">
                      <span className="k">{marked(node.name, wanted)}: </span>
                      <Value node={node} hidden={hidden} wanted={wanted} />
                    </span>
                    <span className="tree-acts">
                      {(hidden !== undefined || uncovered.has(node.path)) && (
                        <IconButton
                          small
                          iconSize={12}
                          tabIndex={-1}
                          icon={hidden === undefined ? EyeOff : Eye}
                          label={hidden === undefined ? t('inspect.cover') : t('summary.reveal')}
                          onClick={(event) => {
                            event.stopPropagation();
                            setUncovered(flip(uncovered, node.path));
                          }}
                        />
                      )}
                      <IconButton
                        small
                        iconSize={12}
                        tabIndex={-1}
                        icon={Copy}
                        label={t('inspect.copyValue')}
                        onClick={(event) => {
                          event.stopPropagation();
                          copy(written(node.value), t('inspect.copiedValue', { path: node.path }));
                        }}
                      />
                    </span>
                  </div>
                </RightClickMenu>
              );
            })}
          </div>
        )}
      </Scroller>
    </>
  );
}

const somethingSelected = (): boolean => getSelection()?.isCollapsed === false;

function Value({ node, hidden, wanted }: { node: JsonNode; hidden: string | undefined; wanted: string }) {
  const { t } = useTranslation();
  const { value, count, open } = node;
  if (count === 0) return <span className="v-null">{Array.isArray(value) ? '[]' : '{}'}</span>;
  if (count !== undefined) return open ? null : <span className="count">{t('inspect.items', { count })}</span>;
  if (hidden !== undefined) return <span className="v-null">{hidden}</span>;
  return (
    <span className={`v-${value === null ? 'null' : typeof value}`}>
      {marked(JSON.stringify(value) ?? 'null', wanted)}
    </span>
  );
}

function marked(text: string, wanted: string): ReactNode {
  if (wanted === '') return text;
  const low = text.toLowerCase();
  const parts: ReactNode[] = [];
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return parts;
}
