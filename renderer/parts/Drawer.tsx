import { useEffect, useState, type ReactNode } from 'react';
import { Maximize2, Minimize2, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import { dropOn, type DropTarget } from '../store/drop.js';
import { IconButton } from '../ui/Button.js';

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

/** Details beside the list. It says what it is about, what can be done, and has tabs as children. */
export function Drawer({
  name,
  state,
  ids,
  actions,
  full,
  onFull,
  onClose,
  drop,
  children,
}: {
  name: string;
  state?: ReactNode;
  ids?: ReactNode;
  actions?: ReactNode;
  full: boolean;
  onFull(full: boolean): void;
  onClose(): void;
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
