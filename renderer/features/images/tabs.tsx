import type { ComponentType, ReactNode } from 'react';
import type { ImageInspect } from '../../../main/contract/images.js';
import type { en } from '../../i18n/en.js';
import type { NamedImage } from '../../parts/image-names.js';
import { JsonTree } from '../../parts/JsonTree.js';
import { LayersTab } from '../../parts/layers/LayersTab.js';
import { Config } from './Config.js';
import { History } from './History.js';
import { Signatures } from './Signatures.js';
import { Summary } from './Summary.js';
import { UsedBy } from './UsedBy.js';

/** What a tab of the drawer is given. It is mounted while it is the chosen one. */
export interface ImageTabProps {
  row: NamedImage;
  /** Undefined until the engine has told. */
  inspect: ImageInspect | undefined;
  /** What stands in for `inspect` until then, or says why it does not come. */
  waiting: ReactNode;
  /** The drawer takes the page, and the way to make it so. */
  full: boolean;
  onFull(full: boolean): void;
}

interface ImageTab {
  /** Its part of the address, and its word below `drawer`. */
  id: keyof typeof en.drawer;
  Panel: ComponentType<ImageTabProps>;
}

/** A tab that has nothing to show before the engine has told. */
const told =
  (Panel: ComponentType<{ row: NamedImage; inspect: ImageInspect }>) =>
  ({ row, inspect, waiting }: ImageTabProps) =>
    inspect ? <Panel row={row} inspect={inspect} /> : waiting;

/** The tabs of an image's drawer, in their order. A new one is a line here and a word in `drawer`. */
export const imageTabs: ImageTab[] = [
  { id: 'summary', Panel: told(Summary) },
  { id: 'config', Panel: told(Config) },
  {
    id: 'layers',
    Panel: ({ row, onFull }) => (
      <LayersTab what={{ kind: 'image', name: row.reference }} tab={['images', row.reference]} onFull={onFull} />
    ),
  },
  { id: 'history', Panel: History },
  { id: 'usedBy', Panel: UsedBy },
  { id: 'signatures', Panel: Signatures },
  { id: 'inspect', Panel: told(({ inspect }) => <JsonTree document={inspect} />) },
];
