import { useEffect, useRef, useState } from 'react';
import { FolderPlus, PackageOpen } from 'lucide-react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { isArchive } from '../parts/archive-files.js';
import { nameOf } from '../parts/container-state.js';
import { useChooser } from '../parts/drop/use-add-folder.js';
import { isOwnDrag } from '../parts/files/use-drag-out.js';
import { useLoadArchives } from '../parts/load-archives.js';
import { anchorOf, targetOf, type DropTarget } from '../store/drop.js';
import { useEngine, useEngineStore, type EngineStore } from '../store/index.js';
import { can } from '../store/registries-slice.js';
import { useSurface } from '../store/surface.js';
import { fileDesk } from '../ui/desktop.js';
import { useRoute } from '../ui/route.js';

const carriesFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') ?? false;

/** Takes what is dragged over any place of the window, and asks what becomes of it. A place that takes it for itself has done so by then. */
export function Drops() {
  const { t } = useTranslation();
  const store = useEngineStore();
  const asks = useEngine(can('folders'));
  const [page = 'containers'] = useRoute();
  const images = page === 'images';
  const choose = useChooser();
  const load = useLoadArchives();
  const [over, setOver] = useState<DropTarget>();
  const hands = useRef({ choose, load, asks, images });
  useEffect(() => {
    hands.current = { choose, load, asks, images };
  });

  useEffect(() => {
    let lit: Element | undefined;
    const light = (element: Element | undefined) => {
      if (lit === element) return;
      lit?.removeAttribute('data-drop-over');
      element?.setAttribute('data-drop-over', '');
      lit = element;
    };
    const leave = () => {
      light(undefined);
      setOver(undefined);
    };
    const at = (event: DragEvent) => targetOf(event.target instanceof Element ? event.target : null);
    const takes = (): boolean => {
      const { dialog, palette } = useSurface.getState();
      if (dialog !== undefined || palette || isOwnDrag()) return false;
      return hands.current.asks || hands.current.images;
    };
    const onOver = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      if (event.defaultPrevented || !takes()) return leave();
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
      const { target, element } = at(event);
      light(element);
      setOver((before) => (JSON.stringify(before) === JSON.stringify(target) ? before : target));
    };
    const onLeave = (event: DragEvent) => event.relatedTarget === null && leave();
    const onDrop = (event: DragEvent) => {
      leave();
      if (!carriesFiles(event) || event.defaultPrevented || !takes()) return;
      event.preventDefault();
      const { target, element } = at(event);
      const held = [...(event.dataTransfer?.items ?? [])].flatMap((item) => {
        const file = item.getAsFile();
        return file ? [{ file, folder: item.webkitGetAsEntry()?.isDirectory ?? false }] : [];
      });
      const files = held.map(({ file }) => file);
      const { images, asks, load, choose } = hands.current;
      // Among the images there is no question about an archive.
      if (!asks || (images && target.kind === 'nothing' && files.length > 0 && files.every(isArchive)))
        return load(files);
      const paths = fileDesk().pathsOf(files);
      const items = held.map(({ folder }, index) => ({ path: paths[index] ?? '', folder }));
      choose(target, items, { anchor: anchorOf(element) });
    };
    // Where only dragover is taken, a drop right after entering is refused.
    const listeners = { dragenter: onOver, dragover: onOver, dragleave: onLeave, drop: onDrop };
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name as 'drop', listener);
    return () => {
      leave();
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name as 'drop', listener);
    };
  }, []);

  if (!over) return null;
  if (over.kind !== 'nothing')
    return (
      <div className="drop-hint" role="status">
        <FolderPlus className="icon" aria-hidden />
        <span className="cut">{wordsFor(t, store, over)}</span>
      </div>
    );
  const Icon = images ? PackageOpen : FolderPlus;
  return (
    <div className="drop-veil" role="status">
      <div className="drop-card">
        <Icon className="icon s28" aria-hidden />
        <b>{t(images ? 'load.dropTitle' : 'drop.veilTitle')}</b>
        <span className="t2">{t(images ? 'load.dropText' : 'drop.veilText')}</span>
        {images && asks && <span className="t2">{t('drop.veilText')}</span>}
      </div>
    </div>
  );
}

function wordsFor(t: TFunction, store: EngineStore, over: Exclude<DropTarget, { kind: 'nothing' }>): string {
  switch (over.kind) {
    case 'container': {
      const found = store.getState().containers?.find(({ Id }) => Id === over.id);
      return t('drop.over.container', { name: found ? nameOf(found) : '' });
    }
    case 'image':
      return t('drop.over.image', { name: over.reference });
    case 'volume':
      return t('drop.over.volume', { name: over.name });
    case 'volumes':
      return t('drop.over.volumes');
  }
}
