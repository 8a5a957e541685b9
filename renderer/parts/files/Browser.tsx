import { useCallback, useEffect, useMemo, useRef, useState, type DragEvent } from 'react';
import { Download, FileText, FolderInput, FolderPlus, Pencil, RefreshCw, Trash2, Upload } from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { FilePlace } from '../../../main/contract/bridge.js';
import type { FileEntry } from '../../../main/contract/files.js';
import { anchorOf, type DropTarget } from '../../store/drop.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { IconButton } from '../../ui/Button.js';
import { copyText, fileDesk } from '../../ui/desktop.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { notifyDone, notifyFailed, notifyNote } from '../../ui/notify.js';
import { holdLeaving } from '../../ui/route.js';
import { useAddFolder, useChooser } from '../drop/use-add-folder.js';
import { useExplain } from '../explain.js';
import { SureDialog } from '../SureDialog.js';
import { FileRows } from './FileRows.js';
import { NameDialog } from './NameDialog.js';
import { filesIn, keyOfPlace, type Place } from './place.js';
import { Preview } from './Preview.js';
import { directoryOf, draggable, join, liesIn, nameOfPath, opens, parentOf, type TreeRow } from './tree.js';
import { useDragOut } from './use-drag-out.js';
import { useOwners } from './use-owners.js';
import { useTree } from './use-tree.js';

const PAGE = 1000;

type Asked = { about: 'folder'; directory: string } | { about: 'rename' | 'delete'; path: string };

/** The files of a place: looked through, changed, brought in and taken out. Another place is another browser: give it a key. `onChanged`: what is in it has changed by this hand. */
export function Browser({ place, onChanged }: { place: Place; onChanged?(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const explain = useExplain();
  const { name } = place;
  const key = keyOfPlace(place);
  // The place is said by its key.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const { of, files } = useMemo(() => ({ of: place.of, files: filesIn(store.client, place) }), [store, key]);
  const list = useCallback(
    (path: string, after: string | undefined) =>
      files.list({ path, limit: PAGE, ...(after !== undefined && { after }) }),
    [files],
  );
  const { rows, folders, load, toggle, reveal, refresh } = useTree(list);
  const [current, setCurrent] = useState<string>();
  const [shown, setShown] = useState<string>();
  const [dirty, setDirty] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  /** What waits for the word that what was typed may go. */
  const [leaving, setLeaving] = useState<{ then(): void }>();
  /** It may go: nobody has to be told. */
  const agreed = useRef(false);
  const [edition, setEdition] = useState(0);
  const [over, setOver] = useState<string>();
  const [round, setRound] = useState(0);
  const owners = useOwners(place.users, round);
  const picker = useRef<HTMLInputElement>(null);
  const target = useRef('/');

  const entryAt = (path: string): FileEntry | undefined =>
    folders.get(parentOf(path))?.entries?.find(({ Name }) => Name === nameOfPath(path));
  const row = rows.find(({ path }) => path === current);
  /** Where something new goes: into the directory that is chosen, or beside the file. */
  const directory = !row
    ? '/'
    : row.kind !== 'entry'
      ? directoryOf(row)
      : row.entry && opens(row.entry)
        ? row.path
        : parentOf(row.path);

  const discard = () => {
    agreed.current = true;
    setEdition((before) => before + 1);
  };
  const leave = (then: () => void) => {
    if (!dirty) return then();
    setLeaving({
      then() {
        discard();
        then();
      },
    });
  };
  // Another row, tab or page takes the browser away, and what was typed with it; so does the window's end.
  useEffect(() => {
    if (!dirty) return;
    return holdLeaving((agree) =>
      setLeaving({
        then: () =>
          agree(() => {
            discard();
            setDirty(false);
            setShown(undefined);
          }),
      }),
    );
  }, [dirty]);
  /** Of a question that has become another one meanwhile, nothing is left to close. */
  const answered = () => setAsked((now) => (now === asked ? undefined : now));
  const show = (path: string | undefined) =>
    leave(() => {
      setDirty(false);
      setShown(path);
    });
  const open = ({ path, entry }: TreeRow) => {
    if (!entry || entry.Change === 'deleted' || path === shown) return;
    if (entry.Kind === 'file' || entry.Kind === 'link') show(path);
  };

  /** Something may have come in there. */
  const seen = async (into: string) => {
    if (into !== '/') toggle(into, true);
    await load(into);
    await reveal(into);
    onChanged?.();
  };
  const asks = useEngine(can('folders'));
  const choose = useChooser();
  const addFolder = useAddFolder();
  const targetIn = (path: string): DropTarget =>
    'volume' in of ? { kind: 'volume', name: of.volume, path } : { kind: 'container', id: of.container, path };
  /** A volume's root is somebody's, a container's is root's. */
  const ownerOfRoot = async () => {
    if (!('volume' in of)) return undefined;
    const told = await store.client.volumes.overview(of.volume).catch(() => undefined);
    return told?.Owner?.Inside;
  };
  const upload = async (into: string, dropped: File[]) => {
    const owner = into === '/' ? await ownerOfRoot() : entryAt(into);
    const target = { ...of, path: into, uid: owner?.Uid ?? 0, gid: owner?.Gid ?? 0 };
    const names = new Set<string>();
    const twice = dropped.find(({ name }) => names.size === names.add(name).size);
    if (twice) return notifyFailed(t('files.uploadFailed', { path: into }), t('files.sameName', { name: twice.name }));
    const called = dropped.length === 1 && dropped[0] ? dropped[0].name : into;
    try {
      const { type } = await store.getState().upload(target, dropped, { name: called, container: name });
      if (type === 'pathless') return notifyFailed(t('files.uploadFailed', { path: into }), t('files.pathless'));
      if (type === 'done') notifyDone(t('files.uploaded', { count: dropped.length, path: into }));
      else notifyNote(t('files.uploadCancelled', { path: into }), t('files.uploadRest'));
    } catch (error) {
      const words = messageOf(error);
      const readOnly = /read-?only/i.test(words);
      notifyFailed(
        t('files.uploadFailed', { path: into }),
        readOnly ? t('files.readOnly', { path: into }) : explain(words),
      );
    }
    await seen(into);
  };
  /** A link stands for what it leads to. */
  const placeOf = async (path: string): Promise<FilePlace> => {
    const entry = entryAt(path);
    if (entry?.Kind === 'link') {
      const led = await files.list({ path, limit: 1 }).catch(() => undefined);
      if (led) return { ...of, path: led.Path, folder: true };
    }
    return { ...of, path, folder: entry !== undefined && opens(entry) };
  };
  const download = async (path: string) => {
    const called = nameOfPath(path);
    try {
      const { type } = await store.getState().download(await placeOf(path), { name: called, container: name });
      if (type === 'done') notifyDone(t('files.downloaded', { name: called }));
    } catch (error) {
      notifyFailed(t('files.downloadFailed', { name: called }), explain(messageOf(error)));
    }
  };
  const { fetching, onDragStart, isOwn, wasDrag } = useDragOut(placeOf, (path) => void download(path));
  const canChange = ({ entry }: TreeRow) => entry !== undefined && entry.Change !== 'deleted' && !entry.Mount;
  const ask = (about: 'rename' | 'delete') => (at: TreeRow) => {
    if (!canChange(at)) return;
    const go = () => setAsked({ about, path: at.path });
    // Under another name it is opened anew.
    if (about === 'rename' && shown !== undefined && liesIn(shown, at.path)) leave(go);
    else go();
  };
  const menu = (at: TreeRow): MenuEntry[] => {
    const { entry, path } = at;
    if (!entry) return [];
    const gone = entry.Change === 'deleted';
    const folder = opens(entry) ? path : parentOf(path);
    return [
      ...(entry.Kind === 'file' && !gone
        ? [{ label: t('files.open'), icon: FileText, shortcut: '↵', onSelect: () => open(at) }]
        : []),
      {
        label: t('files.downloadDots'),
        icon: Download,
        disabled: !draggable(entry),
        onSelect: () => void download(path),
      },
      { label: t('files.upload'), icon: Upload, onSelect: () => pick(folder) },
      ...(addFolder
        ? [
            {
              label: t('drop.addFolder'),
              icon: FolderInput,
              onSelect: () => void addFolder(targetIn(folder), () => void seen(folder)),
            },
          ]
        : []),
      {
        label: t('files.newFolder'),
        icon: FolderPlus,
        onSelect: () => setAsked({ about: 'folder', directory: folder }),
      },
      'line',
      {
        label: t('files.rename'),
        icon: Pencil,
        shortcut: 'F2',
        disabled: !canChange(at),
        onSelect: () => ask('rename')(at),
      },
      {
        label: t('files.delete'),
        icon: Trash2,
        shortcut: 'Del',
        danger: true,
        disabled: !canChange(at),
        onSelect: () => ask('delete')(at),
      },
    ];
  };
  const pick = (into: string) => {
    target.current = into;
    picker.current?.click();
  };

  /** The directory under the pointer: of the line, or the root beside the lines. */
  const dropTarget = (event: DragEvent): string => {
    const index = (event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset['index'];
    const at = index === undefined ? undefined : rows[Number(index)];
    if (!at) return '/';
    if (at.kind !== 'entry' || !at.entry) return directoryOf(at);
    return opens(at.entry) ? at.path : parentOf(at.path);
  };
  const onDragOver = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes('Files') || isOwn()) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
    setOver(dropTarget(event));
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(undefined);
    const held = [...event.dataTransfer.items].flatMap((item) => {
      const file = item.getAsFile();
      return file ? [{ file, folder: item.webkitGetAsEntry()?.isDirectory ?? false }] : [];
    });
    const files = held.map(({ file }) => file);
    if (held.length === 0 || isOwn()) return;
    const into = dropTarget(event);
    if (!asks) return void upload(into, files);
    const paths = fileDesk().pathsOf(files);
    const items = held.map(({ folder }, index) => ({ path: paths[index] ?? '', folder }));
    const line = (event.target as HTMLElement).closest('[data-index]');
    choose(targetIn(into), items, { anchor: anchorOf(line), seen: () => void seen(into) });
  };

  return (
    <div
      className={clsx('files', over === '/' && 'over')}
      onDragEnter={onDragOver} // where only the one is taken, a drop right after entering a line is refused
      onDragOver={onDragOver}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(undefined)}
      onDrop={onDrop}
      onClickCapture={(event) => {
        // The button that was held for a drag which did not come about is let go of.
        if (event.detail > 0 && wasDrag()) event.stopPropagation();
      }}
    >
      <div className="log-tools">
        <span className="mono cut select grow" title={directory}>
          {directory}
        </span>
        <IconButton small icon={Upload} label={t('files.upload')} onClick={() => pick(directory)} />
        <IconButton
          small
          icon={FolderPlus}
          label={t('files.newFolder')}
          onClick={() => setAsked({ about: 'folder', directory })}
        />
        <IconButton
          small
          icon={RefreshCw}
          label={t('files.refresh')}
          onClick={() => {
            setRound(round + 1);
            void refresh();
          }}
        />
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          data-upload
          onChange={(event) => {
            const chosen = [...(event.target.files ?? [])];
            event.target.value = '';
            if (chosen.length > 0) void upload(target.current, chosen);
          }}
        />
      </div>
      {over !== undefined && (
        <div className="files-drop" role="status">
          <Upload className="icon s14" aria-hidden /> {t(asks ? 'drop.overPath' : 'files.dropInto', { path: over })}
        </div>
      )}
      {fetching !== undefined && (
        <div className="files-drop" role="status">
          <Download className="icon s14" aria-hidden /> {t('files.fetching', { name: fetching })}
        </div>
      )}
      <div className={clsx('files-panes', shown !== undefined && 'both')}>
        <FileRows
          label={t('files.treeOf', { name })}
          rows={rows}
          current={current}
          target={over}
          owners={owners}
          onDragStart={(at, event) => void onDragStart(at, event)}
          shown={shown}
          onCurrent={setCurrent}
          onToggle={toggle}
          onOpen={open}
          onMore={(at) => void load(directoryOf(at), folders.get(directoryOf(at))?.more)}
          onRename={ask('rename')}
          onDelete={ask('delete')}
          menu={menu}
        />
        {shown !== undefined && (
          <Preview
            key={`${edition} ${shown}`}
            files={files}
            path={shown}
            focus={!asked}
            onDirty={setDirty}
            onLost={(draft) => {
              if (!agreed.current)
                notifyNote(
                  t('files.lost', { name: nameOfPath(shown) }),
                  t('files.lostText'),
                  { label: t('common.copy'), act: () => void copyText(draft) },
                  true,
                );
              agreed.current = false;
            }}
            onSaved={() => {
              void load(parentOf(shown));
              onChanged?.();
            }}
            onDownload={() => void download(shown)}
            onClose={() => show(undefined)}
          />
        )}
      </div>
      {asked?.about === 'folder' && (
        <NameDialog
          title={t('files.newFolderIn', { path: asked.directory })}
          submit={t('files.create')}
          onClose={answered}
          act={async (called) => {
            await files.makeDirectory(join(asked.directory, called));
            if (asked.directory !== '/') toggle(asked.directory, true);
            await load(asked.directory);
            setCurrent(join(asked.directory, called));
            onChanged?.();
          }}
        />
      )}
      {asked?.about === 'rename' && (
        <NameDialog
          title={t('files.renameTitle', { name: nameOfPath(asked.path) })}
          submit={t('files.rename')}
          before={nameOfPath(asked.path)}
          onClose={answered}
          act={async (called) => {
            const to = join(parentOf(asked.path), called);
            await files.rename(asked.path, to);
            if (shown !== undefined && liesIn(shown, asked.path)) {
              setDirty(false);
              setShown(to + shown.slice(asked.path.length));
            }
            await load(parentOf(asked.path));
            setCurrent(to);
            onChanged?.();
          }}
        />
      )}
      {asked?.about === 'delete' && (
        <SureDialog
          title={t('files.deleteTitle', { name: nameOfPath(asked.path) })}
          text={t(entryAt(asked.path)?.Kind === 'directory' ? 'files.deleteFolderText' : 'files.deleteText', {
            name,
            path: asked.path,
          })}
          submit={t('files.delete')}
          onClose={answered}
          act={async () => {
            await files.remove(asked.path);
            if (shown !== undefined && liesIn(shown, asked.path)) {
              agreed.current = dirty;
              setDirty(false);
              setShown(undefined);
            }
            await load(parentOf(asked.path));
            onChanged?.();
          }}
        />
      )}
      {leaving && shown !== undefined && (
        <SureDialog
          title={t('files.discardTitle', { name: nameOfPath(shown) })}
          text={t('files.discardText')}
          submit={t('files.discard')}
          onClose={() => setLeaving((now) => (now === leaving ? undefined : now))}
          act={async () => leaving.then()}
        />
      )}
    </div>
  );
}
