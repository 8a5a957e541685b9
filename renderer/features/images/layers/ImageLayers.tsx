import { useEffect } from 'react';
import { LayersTab } from '../../../parts/layers/LayersTab.js';

/** The layers of an image take the page while they are looked at. */
export function ImageLayers({ reference, onFull }: { reference: string; onFull(full: boolean): void }) {
  useEffect(() => {
    onFull(true);
    return () => onFull(false);
  }, [onFull]);
  return <LayersTab what={{ kind: 'image', name: reference }} tab={['images', reference]} />;
}
