import {
  ArrowUpFromLine,
  CircleFadingArrowUp,
  Copy,
  Download,
  FolderInput,
  PackageOpen,
  Play,
  RefreshCw,
  Tag,
  Trash2,
} from 'lucide-react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Task } from '../store/tasks-slice.js';
import { useEngineStore } from '../store/index.js';
import { can } from '../store/registries-slice.js';
import { useSurface } from '../store/surface.js';
import { copyText } from '../ui/desktop.js';
import type { MenuEntry } from '../ui/Menu.js';
import { notifyDone, notifyFailed } from '../ui/notify.js';
import { navigate, pathTo } from '../ui/route.js';
import { explain } from './explain.js';
import { partsOfSight } from './layers/address.js';
import { useAddFolder } from './drop/use-add-folder.js';
import { nameOfImage, type NamedImage } from './image-names.js';

export interface ImageActions {
  run(row: NamedImage): void;
  /** Anew from their registries; each is a task. */
  pullAgain(rows: NamedImage[]): void;
  /** Asks where to for one; several go where their names say. */
  push(rows: NamedImage[]): void;
  /** All of them into one archive on this machine. */
  save(rows: NamedImage[]): void;
  tag(row: NamedImage): void;
  /** Asks first. */
  remove(rows: NamedImage[]): void;
  /** Asks their registries whether there is something newer, and says what came of it. */
  checkNewer(rows: NamedImage[]): Promise<void>;
  /** Side by side, the older one first. */
  compare(one: NamedImage, other: NamedImage): void;
  open(row: NamedImage, tab?: string): void;
  /** Runs it with a folder of this machine, by the desktop's dialog. */
  addFolder(row: NamedImage): void;
  menu(row: NamedImage): MenuEntry[];
}

/** How the file of an archive of these is called at first. */
export const archiveName = (rows: Pick<NamedImage, 'repository' | 'reference' | 'id'>[]): string => {
  const [only] = rows;
  if (!only || rows.length > 1) return 'images.tar';
  return `${
    nameOfImage(only)
      .split('/')
      .at(-1)
      ?.replaceAll(/[^\w.-]+/g, '_') ?? 'image'
  }.tar`;
};

export function useImageActions(): ImageActions {
  const { t } = useTranslation();
  const store = useEngineStore();
  const ask = useSurface((surface) => surface.open);
  const show = useSurface((surface) => surface.show);
  const addFolder = useAddFolder();
  const addTo = ({ reference }: NamedImage) => void addFolder?.({ kind: 'image', reference });
  const named = (rows: NamedImage[]) => rows.filter(({ repository }) => repository !== undefined);

  const pullAgain = (rows: NamedImage[]) => {
    for (const { reference } of named(rows)) store.getState().pull(reference);
    show({ tasks: true });
  };
  const push = (rows: NamedImage[]) => {
    const [only] = rows;
    if (rows.length === 1 && only) return ask({ kind: 'push-image', id: only.id, reference: only.reference });
    for (const { reference } of named(rows)) store.getState().push(reference);
    show({ tasks: true });
  };
  const save = (rows: NamedImage[]) =>
    void store.getState().saveImages([...new Set(rows.map(({ reference }) => reference))], archiveName(rows));
  const checkNewer = async (rows: NamedImage[]) => {
    const references = named(rows).map(({ reference }) => reference);
    await store.getState().checkNewer(references, true);
    tellNewer(t, store.getState().newer, references);
  };
  const remove = (rows: NamedImage[]) =>
    ask({ kind: 'remove-images', images: rows.map(({ id, reference }) => ({ id, name: reference })) });
  const run = (row: NamedImage) => ask({ kind: 'run', image: row.reference });
  const tag = (row: NamedImage) => ask({ kind: 'tag-image', id: row.id, reference: row.reference });

  const compare = (one: NamedImage, other: NamedImage) => {
    const [before, after] = one.image.Created > other.image.Created ? [other, one] : [one, other];
    navigate(
      pathTo('images', after.reference, 'layers', ...partsOfSight({ with: { kind: 'image', name: before.reference } })),
    );
  };

  const menu = (row: NamedImage): MenuEntry[] => {
    const newer = store.getState().newer[row.reference];
    const knows = can('registries')(store.getState());
    const isNewer = newer?.state === 'known' && newer.newer;
    return [
      { label: t('action.runDots'), icon: Play, shortcut: 'R', onSelect: () => run(row) },
      ...(addFolder
        ? [
            {
              label: t('drop.addFolder'),
              icon: FolderInput,
              shortcut: 'A',
              onSelect: () => addTo(row),
            },
          ]
        : []),
      'line',
      ...(row.repository !== undefined
        ? [
            {
              label: isNewer ? t('images.pullNewer') : t('images.pullAgain'),
              icon: isNewer ? CircleFadingArrowUp : Download,
              shortcut: 'P',
              onSelect: () => pullAgain([row]),
            },
            ...(knows
              ? [{ label: t('images.askNewer'), icon: RefreshCw, onSelect: () => void checkNewer([row]) }]
              : []),
          ]
        : []),
      { label: t('images.pushDots'), icon: ArrowUpFromLine, onSelect: () => push([row]) },
      { label: t('images.tagDots'), icon: Tag, shortcut: 'T', onSelect: () => tag(row) },
      { label: t('images.saveDots'), icon: PackageOpen, onSelect: () => save([row]) },
      'line',
      ...(row.repository !== undefined
        ? [{ label: t('action.copyName'), icon: Copy, onSelect: () => void copyText(row.reference) }]
        : []),
      { label: t('action.copyId'), icon: Copy, onSelect: () => void copyText(row.id) },
      'line',
      { label: t('action.removeDots'), icon: Trash2, shortcut: 'Del', danger: true, onSelect: () => remove([row]) },
    ];
  };
  const open = (row: NamedImage, tab?: string) =>
    navigate(pathTo('images', row.reference, ...(tab === undefined ? [] : [tab])));
  return { run, pullAgain, push, save, tag, remove, checkNewer, compare, open, addFolder: addTo, menu };
}

/** What the registries said, in one notice. */
function tellNewer(
  t: TFunction,
  newer: ReturnType<ReturnType<typeof useEngineStore>['getState']>['newer'],
  references: string[],
): void {
  const said = references.map((reference) => ({ reference, answer: newer[reference] }));
  const failed = said.flatMap(({ reference, answer }) =>
    answer?.state === 'failed' ? [{ reference, problem: answer.problem }] : [],
  );
  const found = said.filter(({ answer }) => answer?.state === 'known' && answer.newer);
  const [first] = failed;
  if (first)
    notifyFailed(
      failed.length === 1
        ? t('images.newerFailed', { reference: first.reference })
        : t('images.newerFailedMany', { count: failed.length }),
      explain(t, first.problem),
    );
  if (found.length > 0)
    notifyDone(t('images.newerFound', { count: found.length }), found.map(({ reference }) => reference).join(', '));
  else if (failed.length < references.length) notifyDone(t('images.newerNone', { count: references.length }));
}

/** An archive that holds no image may be the tar of a root file system. */
export const maybeRootFilesystem = ({ kind, state, problem = '' }: Task): boolean =>
  kind === 'load' &&
  state === 'failed' &&
  /neither a manifest\.json|holds no image|manifest\.json: no such file|does not contain a manifest/.test(problem);
