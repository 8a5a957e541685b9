import { useEffect, useState, type ReactNode } from 'react';
import { Ellipsis, Maximize2, Minimize2, X, type LucideIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import { dropOn, type DropTarget } from '../store/drop.js';
import { Button, IconButton } from '../ui/Button.js';
import { Empty } from '../ui/Empty.js';
import { Problem } from '../ui/Field.js';
import { Loading } from '../ui/Loading.js';
import { Menu, type MenuEntry } from '../ui/Menu.js';
import { navigate, pathTo } from '../ui/route.js';
import { Tabs, type Tab } from '../ui/Tabs.js';

/** Beside the list: `.drawer` in content.css. */
export const drawerWidth = 568;

/** Below this width of the window the drawer takes the page. */
const beside = '(min-width: 1100px)';

export function useBeside(): boolean {
  const [matches, setMatches] = useState(() => matchMedia(beside).matches);
  useEffect(() => {
    const media = matchMedia(beside);
    const changed = () => setMatches(media.matches);
    media.addEventListener('change', changed);
    return () => media.removeEventListener('change', changed);
  }, []);
  return matches;
}

/** How a drawer stands on its page. */
export interface DrawerFrame {
  /** It takes the page. */
  full: boolean;
  onFull(full: boolean): void;
  onClose(): void;
}

/** How one with tabs stands there. */
export interface TabbedFrame extends DrawerFrame {
  /** As the address has it. */
  tab: string | undefined;
}

/** Details beside the list. It says what it is about, what can be done, and has tabs as children. */
export function Drawer({
  name,
  state,
  ids,
  actions,
  menu,
  full,
  onFull,
  onClose,
  drop,
  children,
}: DrawerFrame & {
  name: string;
  state?: ReactNode;
  ids?: ReactNode;
  actions?: ReactNode;
  /** What else can be done. */
  menu?(): MenuEntry[];
  /** What is dropped on it is meant for. */
  drop?: DropTarget;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const wide = useBeside();
  return (
    <aside
      className={clsx('drawer', (full || !wide) && 'full')}
      aria-label={t('drawer.label', { name })}
      data-region
      tabIndex={-1}
      {...(drop && dropOn(drop))}
    >
      <div className="drawer-head">
        <div className="row g8 grow">
          <h2 className="cut select">{name}</h2>
          <span className="s12 cut" style={{ flex: 'none' }}>
            {state}
          </span>
        </div>
        {actions}
        {menu && (
          <Menu label={t('action.more', { name })} entries={menu}>
            <button type="button" className="icon-btn" aria-label={t('common.more')}>
              <Ellipsis className="icon s14" aria-hidden />
            </button>
          </Menu>
        )}
        {wide && (
          <IconButton
            icon={full ? Minimize2 : Maximize2}
            label={full ? t('drawer.restore') : t('drawer.maximize')}
            onClick={() => onFull(!full)}
          />
        )}
        <IconButton icon={X} iconSize={16} label={t('common.close')} shortcut="Esc" onClick={onClose} />
      </div>
      {ids && <div className="drawer-ids">{ids}</div>}
      {children}
    </aside>
  );
}

/** The drawer of what was removed while it was open. */
export function GoneDrawer({
  icon,
  title,
  children,
  ...frame
}: DrawerFrame & { icon: LucideIcon; title: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Drawer name={title} {...frame}>
      <Empty icon={icon} title={title} actions={<Button onClick={frame.onClose}>{t('common.close')}</Button>}>
        {children}
      </Empty>
    </Drawer>
  );
}

/** A drawer's tabs: the address, `path` and then the tab's name, says which one is shown. */
export function DrawerTabs({
  name,
  path,
  shown,
  tabs,
}: {
  name: string;
  path: [page: string, id: string];
  shown: string;
  tabs: Tab[];
}) {
  const { t } = useTranslation();
  return (
    <Tabs
      label={t('drawer.label', { name })}
      value={shown}
      onChange={(next) => navigate(pathTo(...path, next), { replace: true })}
      tabs={tabs}
    />
  );
}

/** Stands in a drawer until the engine has told, or says why it does not. */
export function Waiting({ problem }: { problem: string | undefined }) {
  const { t } = useTranslation();
  if (problem === undefined) return <Loading waitingFor={t('common.loading')} />;
  return (
    <div style={{ padding: 16 }}>
      <Problem>{t('inspect.failed', { error: problem })}</Problem>
    </div>
  );
}

const lastLooked = new Map<string, string>();

/** An address without a tab goes on to the one that was last looked at under `kept`, while the window lives. */
export function useTabAtLast(
  [page, id]: [page: string, id: string | undefined],
  tab: string | undefined,
  { kept = page, first }: { kept?: string; first: string },
): void {
  useEffect(() => {
    if (id === undefined) return;
    if (tab === undefined) navigate(pathTo(page, id, lastLooked.get(kept) ?? first), { replace: true });
    else lastLooked.set(kept, tab);
  }, [page, id, tab, kept, first]);
}
