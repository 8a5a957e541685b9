import {
  Archive,
  ArrowDownToLine,
  ArrowUpFromLine,
  CalendarClock,
  Copy,
  CopyPlus,
  FolderInput,
  FolderOpen,
  Play,
  Trash2,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { copiesVolumes, knowsVolumes } from '../../store/volumes-slice.js';
import { copyText } from '../../ui/desktop.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { notifyFailed } from '../../ui/notify.js';
import { ARCHIVES, pickFile } from '../../ui/pick-file.js';
import { navigate, pathTo } from '../../ui/route.js';
import { tabStop } from '../../ui/tab-stop.js';
import { isArchive } from '../archive-files.js';
import { useAddFolder } from '../drop/use-add-folder.js';
import { isCopyable, isReplaceable } from './names.js';
import { sayStays } from '../stays.js';
import { removeVolumes } from './removal.js';

export interface VolumeActions {
  /** The Run dialog, with it as a mount. */
  run(row: VolumeOverview): void;
  /** Asks how, for one; several are a task each. */
  backUp(rows: VolumeOverview[]): void;
  schedule(row: VolumeOverview): void;
  clone(row: VolumeOverview): void;
  exportIt(row: VolumeOverview): void;
  /** A tar of this machine into a new volume; with a name, in place of what is in that one. */
  importArchive(name?: string): void;
  /** To the bin at once where nothing stands in the way; else it asks. */
  remove(rows: VolumeOverview[]): void;
  /** Whether `remove` asks: its words end in dots then. */
  asksToRemove(rows: VolumeOverview[]): boolean;
  open(row: VolumeOverview, tab?: string): void;
  /** A folder of this machine: into one volume, or without one into any. */
  addFolder(row?: VolumeOverview): void;
  menu(row: VolumeOverview): MenuEntry[];
}

export function useVolumeActions(): VolumeActions {
  const { t } = useTranslation();
  const store = useEngineStore();
  const ask = useSurface((surface) => surface.open);
  const show = useSurface((surface) => surface.show);
  const addFolder = useAddFolder();

  const run = ({ Name }: VolumeOverview) => ask({ kind: 'run', mounts: [{ source: Name }] });
  const backUp = (rows: VolumeOverview[]) => {
    const fitting = copiesVolumes(store.getState()) ? rows.filter(isCopyable) : [];
    const [only] = fitting;
    if (!only) return;
    if (fitting.length === 1) return ask({ kind: 'back-up-volume', name: only.Name });
    for (const { Name } of fitting) store.getState().backUpVolume(Name, { Pause: true, Note: '' });
    show({ tasks: true });
  };
  const schedule = ({ Name }: VolumeOverview) => ask({ kind: 'schedule-volume', name: Name });
  const clone = ({ Name }: VolumeOverview) => ask({ kind: 'clone-volume', name: Name });
  const exportIt = ({ Name }: VolumeOverview) => ask({ kind: 'export-volume', name: Name });
  const importArchive = (name?: string) =>
    pickFile(ARCHIVES, (archive) => {
      if (isArchive(archive)) ask({ kind: 'import-volume', archive, ...(name !== undefined && { name }) });
      else notifyFailed(t('load.notArchive', { name: archive.name }), t('volumes.import.notArchive'));
    });
  const asksToRemove = (rows: VolumeOverview[]) =>
    !knowsVolumes(store.getState()) || rows.some(({ Users }) => Users.length > 0);
  const remove = (rows: VolumeOverview[]) => {
    const names = rows.map(({ Name }) => Name);
    if (asksToRemove(rows)) return ask({ kind: 'remove-volumes', names });
    void removeVolumes(store, t, names).then((problems) => {
      const failed = Object.keys(problems);
      const [first] = failed;
      if (first === undefined) return;
      if (names.length === 1) notifyFailed(t('volumes.remove.failed', { name: first }), problems[first] ?? '');
      else if (!useSurface.getState().offer({ kind: 'remove-volumes', names: failed })) sayStays(t, problems);
    });
    // The row that had the focus goes, and with it the focus.
    const refocus = () => {
      if (document.activeElement !== document.body) return;
      (tabStop() ?? document.querySelector<HTMLElement>('main'))?.focus();
    };
    const unsubscribe = store.subscribe((state, before) => {
      if (state.volumes === before.volumes) return;
      unsubscribe();
      requestAnimationFrame(refocus);
    });
  };
  const open = (row: VolumeOverview, tab?: string) =>
    navigate(pathTo('volumes', row.Name, ...(tab === undefined ? [] : [tab])));

  const menu = (row: VolumeOverview): MenuEntry[] => {
    const copies = copiesVolumes(store.getState()) && isCopyable(row);
    const known = knowsVolumes(store.getState());
    return [
      { label: t('volumes.runDots'), icon: Play, shortcut: 'R', onSelect: () => run(row) },
      ...(addFolder
        ? [
            {
              label: t('drop.addFolder'),
              icon: FolderInput,
              shortcut: 'A',
              onSelect: () => void addFolder({ kind: 'volume', name: row.Name }),
            },
          ]
        : []),
      ...(known ? [{ label: t('volumes.browse'), icon: FolderOpen, onSelect: () => open(row, 'files') }] : []),
      'line',
      ...(copies
        ? ([
            { label: t('volumes.backUpDots'), icon: Archive, shortcut: 'B', onSelect: () => backUp([row]) },
            { label: t('volumes.scheduleDots'), icon: CalendarClock, onSelect: () => schedule(row) },
            { label: t('volumes.cloneDots'), icon: CopyPlus, onSelect: () => clone(row) },
            { label: t('volumes.exportDots'), icon: ArrowDownToLine, onSelect: () => exportIt(row) },
          ] as const)
        : []),
      ...(copies && isReplaceable(row)
        ? [{ label: t('volumes.replaceDots'), icon: ArrowUpFromLine, onSelect: () => importArchive(row.Name) }]
        : []),
      ...(copies ? (['line'] as const) : []),
      { label: t('action.copyName'), icon: Copy, onSelect: () => void copyText(row.Name) },
      { label: t('volumes.copyPath'), icon: Copy, onSelect: () => void copyText(row.Mountpoint) },
      'line',
      {
        label: asksToRemove([row]) ? t('action.removeDots') : t('action.remove'),
        icon: Trash2,
        shortcut: 'Del',
        danger: true,
        onSelect: () => remove([row]),
      },
    ];
  };
  const add = (row?: VolumeOverview) =>
    void addFolder?.(row ? { kind: 'volume', name: row.Name } : { kind: 'volumes' });
  return { addFolder: add, run, backUp, schedule, clone, exportIt, importArchive, remove, asksToRemove, open, menu };
}
