import { useEffect, useState } from 'react';
import { useSurface } from '../../store/surface.js';

const carriesFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;

/** Takes files that are dragged over any place of the window while the page is shown; true: they are over it now. */
export function useDrop(onDrop: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const modal = () => useSurface.getState().dialog !== undefined;
    const onOver = (event: DragEvent) => {
      if (!carriesFiles(event) || event.defaultPrevented || modal()) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onEnd = (event: DragEvent) => {
      setOver(false);
      if (!carriesFiles(event) || event.defaultPrevented || modal()) return;
      event.preventDefault();
      onDrop([...(event.dataTransfer?.files ?? [])]);
    };
    // Where only dragover is taken, a drop right after entering is refused.
    addEventListener('dragenter', onOver);
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onEnd);
    return () => {
      removeEventListener('dragenter', onOver);
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onEnd);
    };
  }, [onDrop]);
  return over;
}
