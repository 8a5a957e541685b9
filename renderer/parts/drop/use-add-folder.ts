import { useTranslation } from 'react-i18next';
import { dropOn, anchorOf, type DropAnchor, type DropTarget } from '../../store/drop.js';
import { useEngine } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { useSurface, type DropItem } from '../../store/surface.js';
import { fileDesk } from '../../ui/desktop.js';
import { notifyFailed } from '../../ui/notify.js';

/** The engine is asked about so many at once. */
export const MOST_ITEMS = 64;

/** Asks what becomes of things of this machine. */
export function useChooser() {
  const { t } = useTranslation();
  const open = useSurface((surface) => surface.open);
  return (target: DropTarget, items: DropItem[], at: { anchor?: DropAnchor | undefined; seen?: () => void } = {}) => {
    if (items.length === 0) return;
    if (items.length > MOST_ITEMS) notifyFailed(t('drop.tooMany', { count: MOST_ITEMS }), '');
    else if (items.some(({ path }) => path === '')) notifyFailed(t('drop.pathless'), '');
    else open({ kind: 'drop', target, items, ...at });
  };
}

/** What says of itself that it is this target, where that is in sight. */
function elementOf(target: DropTarget): Element | undefined {
  const said = dropOn(target)['data-drop'];
  return [...document.querySelectorAll<HTMLElement>('[data-drop]')].find(({ dataset }) => dataset['drop'] === said);
}

/** "Add folder…": the same by way of the desktop's dialog. Undefined where the engine cannot. */
export function useAddFolder(): ((target: DropTarget, seen?: () => void) => Promise<void>) | undefined {
  const able = useEngine(can('folders'));
  const choose = useChooser();
  if (!able) return undefined;
  return async (target, seen) => {
    const paths = await fileDesk().pick('folders');
    // Another question has come meanwhile: what was typed there stays.
    if (useSurface.getState().dialog) return;
    choose(
      target,
      paths.map((path) => ({ path, folder: true })),
      { anchor: anchorOf(elementOf(target)), ...(seen && { seen }) },
    );
  };
}
