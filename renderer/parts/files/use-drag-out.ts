import { useEffect, useRef, useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { FilePlace } from '../../../main/contract/bridge.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { fileDesk } from '../../ui/desktop.js';
import { bytes } from '../../ui/format.js';
import { notifyFailed, notifyNote } from '../../ui/notify.js';
import { draggable, nameOfPath, type TreeRow } from './tree.js';

/** Milliseconds that what was made ready is good for: it is what the file was then. */
const FRESH = 60_000;

/** There is one drag at a time. */
let own = false;

/** The drag over the window is of something from here. */
export const isOwnDrag = (): boolean => own;

/**
 * Dragging out of the tree. A drag needs a real file, which the app has to fetch first: it begins once that is there, if the button is still held. `fetching` is what is
 * waited for; `isOwn` whether the drag over the window is of something from here; `wasDrag` whether the press that ends with a click was none.
 */
export function useDragOut(placeOf: (path: string) => Promise<FilePlace>, onDownload: (path: string) => void) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const [fetching, setFetching] = useState<string>();
  /** The press that waits for its file. */
  const held = useRef<{ id?: number }>(undefined);
  const ready = useRef<{ path: string; id: number; at: number }>(undefined);
  const over = useRef(false);
  const moved = useRef(false);

  useEffect(() => {
    const letGo = () => {
      held.current = undefined;
      setFetching(undefined);
    };
    const press = () => {
      own = false;
      moved.current = false;
    };
    // No pointer moves while a drag goes on: the first that does comes after it.
    const move = ({ buttons }: PointerEvent) => buttons === 0 && (own = false);
    // What comes in after the drag is over is another. (Its own drop may be heard of after its end.)
    const enter = () => over.current && (own = false);
    const escape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !held.current) return;
      event.stopPropagation(); // the drawer stays
      if (held.current.id !== undefined) store.getState().cancelTransfer(held.current.id);
      letGo();
    };
    window.addEventListener('pointerup', letGo, true);
    window.addEventListener('blur', letGo);
    window.addEventListener('keydown', escape, true);
    window.addEventListener('pointerdown', press, true);
    window.addEventListener('pointermove', move, true);
    window.addEventListener('dragenter', enter, true);
    return () => {
      own = false;
      window.removeEventListener('pointerup', letGo, true);
      window.removeEventListener('blur', letGo);
      window.removeEventListener('keydown', escape, true);
      window.removeEventListener('pointerdown', press, true);
      window.removeEventListener('pointermove', move, true);
      window.removeEventListener('dragenter', enter, true);
    };
  }, [store]);

  const drag = (id: number) => {
    own = true;
    over.current = false;
    void fileDesk()
      .drag(id)
      .finally(() => (over.current = true));
  };
  const onDragStart = async ({ path, entry }: TreeRow, event: DragEvent) => {
    event.preventDefault();
    if (!entry || !draggable(entry)) return;
    const name = nameOfPath(path);
    const kept = ready.current;
    moved.current = true;
    ready.current = undefined;
    if (kept?.path === path && Date.now() - kept.at < FRESH) return drag(kept.id);
    const press: { id?: number } = {};
    held.current = press;
    setFetching(name);
    try {
      const place = await placeOf(path);
      if (place.path === '/') throw new Error(t('files.dragRoot'));
      const { id, end } = store.getState().fetchToDrag(place);
      press.id = id;
      const ended = await end;
      if (ended.type === 'too-large') {
        const limit = bytes(ended.limit);
        notifyNote(t('files.tooLargeToDrag', { name }), t('files.tooLargeToDragText', { size: limit }), {
          label: t('files.downloadDots'),
          act: () => onDownload(path),
        });
      } else if (ended.type === 'done') {
        if (held.current === press) drag(id);
        else {
          ready.current = { path, id, at: Date.now() };
          notifyNote(t('files.dragReady', { name }), t('files.dragReadyText'));
        }
        if (ended.leftOut > 0) notifyNote(t('files.leftOut', { count: ended.leftOut, name }), t('files.leftOutText'));
      }
    } catch (error) {
      notifyFailed(t('files.dragFailed', { name }), messageOf(error));
    }
    if (held.current === press) setFetching(undefined);
  };
  return { fetching, onDragStart, isOwn: isOwnDrag, wasDrag: () => moved.current };
}
