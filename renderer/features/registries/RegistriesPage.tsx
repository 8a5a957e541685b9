import { useEffect, useMemo, useState } from 'react';
import { Library, ListFilter, LogIn, LogOut, Plus, ShieldCheck, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Registry } from '../../../main/contract/registries.js';
import { Waiting } from '../../parts/Drawer.js';
import { useExplain } from '../../parts/explain.js';
import { EngineOff } from '../../parts/table-page/EngineOff.js';
import { SplitPage } from '../../parts/table-page/SplitPage.js';
import { keptLook, useRows, useTablePage } from '../../parts/table-page/use-table-page.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { DataGrid } from '../../ui/DataGrid.js';
import { Empty } from '../../ui/Empty.js';
import { FilterField } from '../../ui/FilterField.js';
import type { MenuEntry } from '../../ui/Menu.js';
import { notifyDone, notifyFailed } from '../../ui/notify.js';
import { navigate, pathTo } from '../../ui/route.js';
import { AddRegistryDialog } from './AddRegistryDialog.js';
import { useColumns } from './columns.js';
import { ForgetDialog } from './ForgetDialog.js';
import { RegistryDrawer } from './RegistryDrawer.js';
import { isPlain, ownOf, withHub } from './registry-words.js';
import { ServeStrip } from './ServeStrip.js';

const keyOf = ({ host }: Registry) => host;
const nameOf = ({ host }: Registry) => host;
const kept = keptLook<never>('host');

export function RegistriesPage() {
  const { t } = useTranslation();
  const store = useEngineStore();
  const explain = useExplain();
  const ready = useEngine((state) => state.connection.state === 'ready');
  const registries = useEngine((state) => state.registries);
  const images = useEngine((state) => state.images);
  const known = useEngine((state) => state.version !== undefined);
  const knows = useEngine(can('registries'));
  const serves = useEngine(can('serve'));
  const dense = usePreferences((preferences) => preferences.dense);
  const ask = useSurface((surface) => surface.open);
  const page = useTablePage('registries', kept);
  const { filter, text, sort, opened: openHost, frame } = page;
  const [adding, setAdding] = useState(false);
  const [forgetting, setForgetting] = useState<Registry>();
  const [problem, setProblem] = useState<string>();
  // Images that come bring their registries along.
  useEffect(() => {
    if (!ready || !known) return;
    const { loadRegistries, loadServing } = store.getState();
    loadRegistries().then(
      () => setProblem(undefined),
      (error: unknown) => setProblem(messageOf(error)),
    );
    void loadServing().catch(() => undefined);
  }, [store, ready, known, knows, serves, images]);

  const columns = useColumns(page.width);
  const all = useMemo(() => withHub(registries ?? []), [registries]);
  const fits = useMemo(() => {
    const part = text.trim();
    return ({ host, user = '' }: Registry) => `${host} ${user}`.includes(part);
  }, [text]);
  const rows = useRows(all, columns, sort, fits);
  const logOut = async ({ host }: Registry) => {
    try {
      await store.getState().logout(host);
      notifyDone(t('registries.loggedOut', { host }));
    } catch (error) {
      notifyFailed(t('registries.notLoggedOut', { host }), explain(messageOf(error)));
    }
  };
  const open = ({ host }: Registry, at = frame.tab) => navigate(pathTo('registries', host, ...(at ? [at] : [])));
  const menu = (row: Registry): MenuEntry[] => [
    {
      label: row.user === undefined ? t('login.dots') : t('registries.loginOther'),
      icon: LogIn,
      onSelect: () => ask({ kind: 'login', host: row.host }),
    },
    {
      label: t('registries.logout'),
      icon: LogOut,
      disabled: row.credentials === null || row.credentials === 'docker',
      onSelect: () => void logOut(row),
    },
    'line',
    { label: t('registries.tabs.catalogue'), icon: Library, onSelect: () => open(row, 'catalogue') },
    { label: t('trust.dots'), icon: ShieldCheck, onSelect: () => ask({ kind: 'trust', host: row.host }) },
    'line',
    {
      label: t('registries.forget.dots'),
      icon: Trash2,
      danger: true,
      disabled: isPlain(ownOf(row)),
      onSelect: () => setForgetting(row),
    },
  ];
  const list = () => {
    if (!ready && !registries) return <EngineOff icon={Library}>{t('registries.offText')}</EngineOff>;
    if (known && !knows)
      return (
        <Empty icon={Library} title={t('registries.cannot')}>
          {t('registries.cannotText')}
        </Empty>
      );
    if (!registries) return <Waiting problem={problem === undefined ? undefined : explain(problem)} />;
    if (rows.length === 0)
      return (
        <Empty
          icon={ListFilter}
          title={t('registries.noneMatch')}
          actions={<Button onClick={page.clear}>{t('table.clearFilter')}</Button>}
        >
          {t('table.noneMatchText', { filter: text })}
        </Empty>
      );
    return (
      <DataGrid<Registry>
        label={t('registries.title')}
        words={{
          actions: t('common.actions'),
          menu: ({ host }) => t('action.more', { name: host }),
        }}
        columns={columns}
        rows={rows}
        keyOf={keyOf}
        nameOf={nameOf}
        rowHeight={dense ? 32 : 44}
        sort={sort}
        onSort={(next) => page.look({ sort: next })}
        openKey={openHost}
        beside={openHost !== undefined}
        onOpen={(row) => open(row)}
        menu={menu}
        onRowKey={(row, event) => {
          if (event.key !== 'Delete' || isPlain(ownOf(row))) return false;
          setForgetting(row);
          return true;
        }}
      />
    );
  };
  const opened =
    openHost === undefined || !registries ? undefined : (all.find(({ host }) => host === openHost) ?? openHost);
  return (
    <>
      <SplitPage
        page={page}
        label={t('registries.title')}
        tools={
          <div className="tools">
            <h1>{t('registries.title')}</h1>
            <FilterField
              label={t('registries.filterLabel')}
              value={filter}
              onChange={(next) => page.look({ filter: next })}
            />
            <span className="grow" />
            <Button icon={Plus} disabled={!ready || !knows} onClick={() => setAdding(true)}>
              {t('registries.addDots')}
            </Button>
            <Button variant="primary" icon={LogIn} disabled={!ready || !knows} onClick={() => ask({ kind: 'login' })}>
              {t('login.dots')}
            </Button>
          </div>
        }
        drawer={
          opened !== undefined && <RegistryDrawer key={openHost} registry={opened} onLogOut={logOut} {...page.frame} />
        }
      >
        {serves && <ServeStrip />}
        {list()}
      </SplitPage>
      {adding && <AddRegistryDialog onClose={() => setAdding(false)} />}
      {forgetting && (
        <ForgetDialog
          registry={forgetting}
          // Of a question that has become another one meanwhile, nothing is left to close.
          onClose={() => setForgetting((now) => (now === forgetting ? undefined : now))}
        />
      )}
    </>
  );
}
