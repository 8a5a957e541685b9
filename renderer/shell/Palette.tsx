import { useState, type ReactNode } from 'react';
import { Command } from 'cmdk';
import { Dialog } from 'radix-ui';
import {
  Archive,
  ArchiveRestore,
  ArrowDownToLine,
  ArrowUpFromLine,
  CircleHelp,
  CopyPlus,
  Database,
  Download,
  Eraser,
  FolderInput,
  Languages,
  Layers,
  ListChecks,
  LogIn,
  Palette as PaletteIcon,
  Pause,
  Pencil,
  Play,
  Plus,
  Power,
  Radio,
  RotateCw,
  ScrollText,
  Search,
  ShieldCheck,
  Skull,
  Square,
  Trash2,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../main/contract/containers.js';
import { fits, useContainerActions } from '../parts/container-actions.js';
import { nameOf } from '../parts/container-state.js';
import { useAddFolder } from '../parts/drop/use-add-folder.js';
import { namedImages, nameOfImage } from '../parts/image-names.js';
import { familiar, parseReference } from '../parts/reference.js';
import { ShapeIcon } from '../parts/Shape.js';
import { stateWords } from '../parts/StateBadge.js';
import { useVolumeActions } from '../parts/volumes/actions.js';
import { nameOfVolume } from '../parts/volumes/names.js';
import { hasBin } from '../store/bin-slice.js';
import { hasDisk } from '../store/disk-slice.js';
import { can } from '../store/registries-slice.js';
import { useEngine } from '../store/index.js';
import { usePreferences } from '../store/preferences.js';
import { copiesVolumes } from '../store/volumes-slice.js';
import { useSurface } from '../store/surface.js';
import { imageName } from '../ui/format.js';
import { useReturnFocus } from '../ui/return-focus.js';
import { navigate, pathTo } from '../ui/route.js';
import { pages } from './pages.js';

const verbs = [
  { verb: 'start', icon: Play },
  { verb: 'stop', icon: Square },
  { verb: 'restart', icon: RotateCw },
  { verb: 'pause', icon: Pause },
  { verb: 'unpause', icon: Play },
  { verb: 'kill', icon: Skull },
] as const;

const volumeVerbs = [
  { verb: 'run', icon: Play },
  { verb: 'backUp', icon: Archive },
  { verb: 'clone', icon: CopyPlus },
  { verb: 'exportIt', icon: ArrowDownToLine },
] as const;

const MOST_IMAGES = 30;

/** Words of the query that stand in the text are lit. */
function lit(text: string, query: string): ReactNode {
  const word = query.trim().split(/\s+/).at(-1)?.toLowerCase() ?? '';
  const at = word === '' ? -1 : text.toLowerCase().indexOf(word);
  if (at < 0) return text;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + word.length)}</mark>
      {text.slice(at + word.length)}
    </>
  );
}

/** Every word typed has to be in the item; names that begin with it come first. */
const rank = (value: string, search: string, keywords?: string[]): number => {
  const heap = [value.replace(/^\S+ /, ''), ...(keywords ?? [])].join(' ').toLowerCase();
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.every((word) => heap.includes(word))) return 0;
  return heap.startsWith(words[0] ?? '') ? 1 : 0.5;
};

/** Objects and acts, by typing. */
export function Palette() {
  const { t } = useTranslation();
  const returnFocus = useReturnFocus();
  const [query, setQuery] = useState('');
  const containers = useEngine((state) => state.containers) ?? [];
  const readAt = useEngine((state) => state.containersAt);
  const pending = useEngine((state) => state.pending);
  const images = useEngine((state) => state.images) ?? [];
  const undoable = useEngine(hasBin);
  const measured = useEngine(hasDisk);
  const knows = useEngine(can('registries'));
  const serves = useEngine(can('serve'));
  const volumes = useEngine((state) => state.volumes) ?? [];
  const copies = useEngine(copiesVolumes);
  const actions = useContainerActions();
  const addFolder = useAddFolder();
  const volumeActions = useVolumeActions();
  const { show, open } = useSurface();
  const preferences = usePreferences();
  const [now] = useState(Date.now);
  const close = () => show({ palette: false });
  const run = (act: () => void) => () => {
    close();
    act();
  };
  const item = (
    id: string,
    label: string,
    icon: ReactNode,
    act: () => void,
    extra?: ReactNode,
    keywords?: string[],
  ) => (
    <Command.Item key={id} value={`${id} ${label}`} keywords={keywords} onSelect={run(act)}>
      {icon}
      <span className="cut">{lit(label, query)}</span>
      {extra}
    </Command.Item>
  );
  const searching = query.trim() !== '';
  const wanted = query.trim().toLowerCase();
  // Verbs for every container would bury the rest: only for those that what is typed names.
  const named = (container: ContainerSummary) =>
    searching && wanted.split(/\s+/).some((word) => word.length > 1 && nameOf(container).toLowerCase().includes(word));
  const pullable = searching && !wanted.includes(' ') && parseReference(wanted) !== undefined;
  const known = namedImages(images);
  const namedImage = ({ reference }: { reference: string }) =>
    wanted.split(/\s+/).some((word) => word.length > 1 && reference.includes(word));
  // Thousands of items would be slower than any hand.
  const found = (searching ? known.filter(namedImage) : known).slice(0, MOST_IMAGES);
  const foundVolumes = (
    searching
      ? volumes.filter(({ Name }) =>
          wanted.split(/\s+/).some((word) => word.length > 1 && Name.toLowerCase().includes(word)),
        )
      : volumes
  ).slice(0, MOST_IMAGES);
  return (
    <Dialog.Root open onOpenChange={(opened) => !opened && close()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" style={{ zIndex: 49 }} />
        <Dialog.Content
          className="palette"
          aria-describedby={undefined}
          onCloseAutoFocus={returnFocus}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !event.ctrlKey) return;
            const chosen = event.currentTarget.querySelector<HTMLElement>('[cmdk-item][data-selected="true"]');
            const container = containers.find(({ Id }) => chosen?.dataset['value']?.startsWith(`container-${Id}`));
            if (!container) return;
            event.preventDefault();
            event.stopPropagation();
            run(() => actions.open(container, 'terminal'))();
          }}
        >
          <Dialog.Title className="hidden-text">{t('palette.label')}</Dialog.Title>
          <Command label={t('palette.label')} filter={rank} loop>
            <div className="palette-query">
              <Search className="icon t3" aria-hidden />
              <Command.Input autoFocus value={query} onValueChange={setQuery} placeholder={t('find')} />
              <kbd aria-hidden>Esc</kbd>
            </div>
            <Command.List label={t('palette.label')}>
              <Command.Empty>{t('palette.none')}</Command.Empty>
              <Command.Group heading={t('palette.containers')}>
                {containers.map((container) => {
                  const words = stateWords(t, container, readAt, now, pending[container.Id]);
                  return item(
                    `container-${container.Id}`,
                    nameOf(container),
                    <ShapeIcon shape={words.shape} />,
                    () => actions.open(container),
                    <>
                      <span className="d cut">{`${imageName(container.Image)} · ${words.word} ${words.more}`}</span>
                      <span className="k on-select">
                        <span className="s11 t2">{t('action.open')}</span>
                        <kbd>↵</kbd>
                        <span className="s11 t2">{t('action.terminal')}</span>
                        <span className="keys">
                          <kbd>Ctrl</kbd>
                          <kbd>↵</kbd>
                        </span>
                      </span>
                    </>,
                    [container.Image, container.Id],
                  );
                })}
              </Command.Group>
              <Command.Group heading={t('palette.do')}>
                {item('run-container', t('palette.runContainer'), <Play className="icon" aria-hidden />, () =>
                  open({ kind: 'run' }),
                )}
                {item('pull-image', t('palette.pullImage'), <Download className="icon" aria-hidden />, () =>
                  open({ kind: 'pull' }),
                )}
                {addFolder &&
                  item(
                    'add-folder',
                    t('drop.addFolder'),
                    <FolderInput className="icon" aria-hidden />,
                    () => void addFolder({ kind: 'nothing' }),
                  )}
                {knows &&
                  item('login', t('palette.login'), <LogIn className="icon" aria-hidden />, () =>
                    open({ kind: 'login' }),
                  )}
                {serves &&
                  item('serve', t('palette.serve'), <Radio className="icon" aria-hidden />, () =>
                    open({ kind: 'serve' }),
                  )}
                {containers
                  .filter(named)
                  .flatMap((container) => [
                    ...verbs
                      .filter(({ verb }) => fits(verb, container))
                      .map(({ verb, icon: Icon }) =>
                        item(
                          `${verb}-${container.Id}`,
                          t(`palette.verb.${verb}`, { name: nameOf(container) }),
                          <Icon className="icon" aria-hidden />,
                          () => void actions.act(container, verb),
                        ),
                      ),
                    item(
                      `logs-${container.Id}`,
                      t('palette.verb.logs', { name: nameOf(container) }),
                      <ScrollText className="icon" aria-hidden />,
                      () => actions.open(container, 'logs'),
                    ),
                    ...(actions.canEdit(container)
                      ? [
                          item(
                            `edit-${container.Id}`,
                            t('palette.verb.edit', { name: nameOf(container) }),
                            <Pencil className="icon" aria-hidden />,
                            () => actions.edit(container),
                          ),
                        ]
                      : []),
                    ...(addFolder
                      ? [
                          item(
                            `add-folder-${container.Id}`,
                            t('drop.addFolderTo', { name: nameOf(container) }),
                            <FolderInput className="icon" aria-hidden />,
                            () => void addFolder({ kind: 'container', id: container.Id }),
                          ),
                        ]
                      : []),
                    item(
                      `remove-${container.Id}`,
                      actions.asksToRemove([container])
                        ? t('palette.verb.remove', { name: nameOf(container) })
                        : t('palette.verb.removeNow', { name: nameOf(container) }),
                      <Trash2 className="icon" aria-hidden />,
                      () => actions.remove([container]),
                    ),
                  ])}
                {item('create-volume', t('palette.createVolume'), <Plus className="icon" aria-hidden />, () =>
                  open({ kind: 'create-volume' }),
                )}
                {copies &&
                  item(
                    'import-volume',
                    t('palette.importVolume'),
                    <ArrowUpFromLine className="icon" aria-hidden />,
                    () => volumeActions.importArchive(),
                  )}
                {copies &&
                  item('backups', t('palette.backups'), <Archive className="icon" aria-hidden />, () =>
                    open({ kind: 'backups' }),
                  )}
                {item('prune-volumes', t('palette.pruneVolumes'), <Eraser className="icon" aria-hidden />, () =>
                  open({ kind: 'prune-volumes' }),
                )}
                {measured && [
                  item('prune', t('palette.prune'), <Eraser className="icon" aria-hidden />, () =>
                    open({ kind: 'prune-images', scope: 'unused' }),
                  ),
                  item('self-check', t('palette.selfCheck'), <ShieldCheck className="icon" aria-hidden />, () =>
                    open({ kind: 'self-check' }),
                  ),
                ]}
                {undoable &&
                  item('bin', t('palette.bin'), <ArchiveRestore className="icon" aria-hidden />, () =>
                    open({ kind: 'bin' }),
                  )}
                {item('tasks', t('palette.showTasks'), <ListChecks className="icon" aria-hidden />, () =>
                  show({ tasks: true }),
                )}
                {item('shortcuts', t('palette.shortcuts'), <CircleHelp className="icon" aria-hidden />, () =>
                  open({ kind: 'shortcuts' }),
                )}
                {item(
                  'quit',
                  t('palette.quit'),
                  <Power className="icon" aria-hidden />,
                  () => void window.slipway.shell.window('quit'),
                )}
                {pullable &&
                  !known.some(({ reference }) => reference === familiar(wanted)) &&
                  item(
                    'pull-this',
                    t('palette.pullThis', { reference: familiar(wanted) }),
                    <Download className="icon" aria-hidden />,
                    () => open({ kind: 'pull', reference: wanted }),
                    undefined,
                    [wanted],
                  )}
              </Command.Group>
              <Command.Group heading={t('palette.images')}>
                {found.map((row) =>
                  item(
                    `image-${row.key.replaceAll(' ', '-')}`,
                    nameOfImage(row),
                    <Layers className="icon" aria-hidden />,
                    () => navigate(pathTo('images', row.reference)),
                  ),
                )}
                {searching &&
                  known
                    .filter(namedImage)
                    .flatMap((row) => [
                      item(
                        `push-${row.key.replaceAll(' ', '-')}`,
                        t('palette.pushImage', { name: nameOfImage(row) }),
                        <ArrowUpFromLine className="icon" aria-hidden />,
                        () => open({ kind: 'push-image', id: row.id, reference: row.reference }),
                      ),
                    ])}
                {searching &&
                  found.map((row) =>
                    item(
                      `run-${row.key.replaceAll(' ', '-')}`,
                      t('palette.runImage', { name: nameOfImage(row) }),
                      <Play className="icon" aria-hidden />,
                      () => open({ kind: 'run', image: row.reference }),
                    ),
                  )}
              </Command.Group>
              <Command.Group heading={t('palette.volumes')}>
                {foundVolumes.map((row) =>
                  item(
                    `volume-${row.Name}`,
                    nameOfVolume(row),
                    <Database className="icon" aria-hidden />,
                    () => volumeActions.open(row),
                    undefined,
                    [row.Name],
                  ),
                )}
                {searching &&
                  foundVolumes.flatMap((row) =>
                    volumeVerbs
                      .filter(({ verb }) => copies || verb === 'run')
                      .map(({ verb, icon: Icon }) =>
                        item(
                          `${verb}-volume-${row.Name}`,
                          t(`palette.volume.${verb}`, { name: nameOfVolume(row) }),
                          <Icon className="icon" aria-hidden />,
                          () => (verb === 'backUp' ? volumeActions.backUp([row]) : volumeActions[verb](row)),
                          undefined,
                          [row.Name],
                        ),
                      ),
                  )}
              </Command.Group>
              <Command.Group heading={t('palette.pages')}>
                {pages.map(({ id, icon: Icon }, index) =>
                  item(
                    `page-${id}`,
                    t(`nav.${id}`),
                    <Icon className="icon" aria-hidden />,
                    () => navigate(pathTo(id)),
                    <span className="k">
                      <kbd>Ctrl {index + 1}</kbd>
                    </span>,
                  ),
                )}
              </Command.Group>
              <Command.Group heading={t('palette.settings')}>
                {(['system', 'light', 'dark', 'contrast'] as const).map((theme) =>
                  item(
                    `theme-${theme}`,
                    t('palette.theme', { theme: t(`settings.themes.${theme}`) }),
                    <PaletteIcon className="icon" aria-hidden />,
                    () => preferences.set({ theme }),
                  ),
                )}
                {(['en', 'zh-CN'] as const).map((language) =>
                  item(
                    `language-${language}`,
                    t('palette.language', { language: t(`settings.languages.${language}`) }),
                    <Languages className="icon" aria-hidden />,
                    () => preferences.set({ language }),
                    undefined,
                    ['language', '语言'],
                  ),
                )}
              </Command.Group>
            </Command.List>
            <div className="palette-foot">
              <span className="keys">
                <kbd>↑</kbd>
                <kbd>↓</kbd> {t('palette.choose')}
              </span>
              <span className="keys">
                <kbd>Esc</kbd> {t('palette.close')}
              </span>
            </div>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
