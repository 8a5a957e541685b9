import { useCallback, useEffect, useMemo, useRef } from 'react';
import { ArrowUpFromLine, Download, Layers, PackageOpen, Play } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useImageActions } from '../../parts/image-actions.js';
import { useLoadArchives } from '../../parts/load-archives.js';
import { namedImages, nameOfImage, usersByImage, type NamedImage } from '../../parts/image-names.js';
import { TablePage, type TableGroups } from '../../parts/table-page/TablePage.js';
import { useFolds } from '../../parts/table-page/use-folds.js';
import { keptLook, useRows, useTablePage } from '../../parts/table-page/use-table-page.js';
import { dropOn } from '../../store/drop.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { bytes } from '../../ui/format.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { ImagesBulk } from './BulkBar.js';
import { useColumns } from './columns.js';
import { imageFilterOf, type ImageFilter } from './filter.js';
import { groupsOf, type ImageGroup } from './grouping.js';
import { GroupTitle, nameOfGroup, tallyOf } from './GroupTitle.js';
import { ImageDrawer } from './ImageDrawer.js';
import { Toolbar } from './Toolbar.js';
import { useNewerCheck } from './use-newer.js';

const keyOf = ({ key }: NamedImage) => key;
const noImages: NamedImage[] = [];
const kept = keptLook<ImageFilter>('name');
/** Milliseconds without a change. */
const SIZES_AFTER_MS = 700;

export function ImagesPage() {
  const { t, i18n } = useTranslation();
  const images = useEngine((state) => state.images);
  const all = images ? namedImages(images) : noImages;
  const containers = useEngine((state) => state.containers);
  const newer = useEngine((state) => state.newer);
  const facts = useMemo(() => ({ users: usersByImage(containers), newer }), [containers, newer]);
  const shared = useSharedSizes();
  const dense = usePreferences((preferences) => preferences.dense);
  const grouped = usePreferences((preferences) => preferences.groupImages);
  const ask = useSurface((surface) => surface.open);
  const actions = useImageActions();
  const load = useLoadArchives();
  useNewerCheck(all, facts.users);
  const page = useTablePage('images', kept);
  const { text, chips, sort, opened, width } = page;
  const pull = useRef(actions.pullAgain);
  useEffect(() => {
    pull.current = actions.pullAgain;
  });
  const onPull = useCallback((row: NamedImage) => pull.current([row]), []);
  const { columns, chooser } = useColumns({ dense, grouped, width, facts, shared, onPull });
  const fits = useMemo(() => imageFilterOf(text, chips, facts), [text, chips, facts]);
  const rows = useRows(all, columns, sort, fits);
  const list = useMemo(() => {
    if (!grouped) return undefined;
    const { compare } = new Intl.Collator(i18n.language, { numeric: true });
    return groupsOf(rows, facts, shared, compare, (name, members) =>
      [nameOfGroup(t, name), tallyOf(t, name, members.length)].join(', '),
    );
  }, [grouped, rows, facts, shared, i18n.language, t]);
  const groupMenu = ({ rows: members, name }: ImageGroup): MenuEntry[] => {
    const count = members.length;
    const archive = {
      label: t('images.groupSave', { count }),
      icon: PackageOpen,
      onSelect: () => actions.save(members),
    };
    if (name === undefined) return [archive];
    return [
      {
        label: t('images.groupPull', { count }),
        icon: Download,
        shortcut: 'P',
        onSelect: () => actions.pullAgain(members),
      },
      { label: t('images.groupPush', { count }), icon: ArrowUpFromLine, onSelect: () => actions.push(members) },
      archive,
    ];
  };
  const folds = useFolds('foldedImages');
  const groups: TableGroups<NamedImage, ImageGroup> | undefined = list && {
    ...folds,
    groups: list,
    nameOf: ({ name }) => nameOfGroup(t, name),
    title: (group) => <GroupTitle group={group} />,
    menu: groupMenu,
    letters: ({ name, rows: members }) => ({ p: name === undefined ? undefined : () => actions.pullAgain(members) }),
  };
  const open = opened === undefined ? undefined : all.find((row) => row.reference === opened || row.id === opened);
  const size = useMemo(() => {
    const sizes = new Map(rows.map(({ id, image }) => [id, image.Size - (shared[id] ?? 0)]));
    return [...sizes.values()].reduce((sum, each) => sum + each, 0);
  }, [rows, shared]);
  return (
    <TablePage<NamedImage, ImageGroup, ImageFilter>
      noun="images"
      icon={Layers}
      page={page}
      all={images && all}
      rows={rows}
      columns={columns}
      chooser={chooser}
      groups={groups}
      keyOf={keyOf}
      nameOf={nameOfImage}
      openKey={open?.key}
      onOpen={actions.open}
      onRemove={actions.remove}
      menu={actions.menu}
      dataOf={(row) => dropOn({ kind: 'image', reference: row.reference })}
      quickRoom={28}
      quick={(row) => (
        <IconButton
          small
          tabIndex={-1}
          icon={Play}
          label={t('action.runDots')}
          shortcut="R"
          onClick={() => actions.run(row)}
        />
      )}
      letters={(row) => ({
        a: () => actions.addFolder(row),
        r: () => actions.run(row),
        p: () => actions.pullAgain([row]),
        t: () => actions.tag(row),
      })}
      letter={{ key: 'R', does: t('images.keysRun') }}
      tools={<Toolbar page={page} rows={all} facts={facts} grouped={grouped} actions={actions} onLoad={load} />}
      bulk={(chosen, onClear) => <ImagesBulk chosen={chosen} facts={facts} actions={actions} onClear={onClear} />}
      first={
        <>
          <Button variant="primary" icon={Download} onClick={() => ask({ kind: 'pull' })}>
            {t('action.pullDots')}
          </Button>
          <button type="button" className="link" onClick={() => ask({ kind: 'pull', reference: 'hello-world' })}>
            {t('images.emptyExample')}
          </button>
        </>
      }
      total={
        Object.keys(shared).length > 0 && <span className="num">{t('images.uniqueTotal', { size: bytes(size) })}</span>
      }
      drawer={opened !== undefined && images && <ImageDrawer key={open?.key ?? opened} row={open} {...page.frame} />}
    />
  );
}

/** How much of each is shared. An engine takes longer for it: after the rows, and once what comes has come. */
function useSharedSizes(): Readonly<Record<string, number>> {
  const store = useEngineStore();
  const images = useEngine((state) => state.images);
  useEffect(() => {
    if (!images) return;
    const { sharedSizes, loadSharedSizes } = store.getState();
    const wait = Object.keys(sharedSizes).length > 0 ? SIZES_AFTER_MS : 0;
    const timer = setTimeout(() => void loadSharedSizes().catch(() => undefined), wait);
    return () => clearTimeout(timer);
  }, [store, images]);
  return useEngine((state) => state.sharedSizes);
}
