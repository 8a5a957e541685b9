import type { ComponentType } from 'react';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import type { en } from '../../i18n/en.js';
import { Backups } from './Backups.js';
import { Files } from './Files.js';
import { Inspect } from './Inspect.js';
import { UsedBy } from './UsedBy.js';

/** What a tab of the drawer is given. It is mounted while it is the chosen one. */
export interface VolumeTabProps {
  volume: VolumeOverview;
}

interface VolumeTab {
  /** Its part of the address, and its word below `drawer`. */
  id: keyof typeof en.drawer;
  Panel: ComponentType<VolumeTabProps>;
}

/** The tabs of a volume's drawer, in their order. A new one is a line here and a word in `drawer`. */
export const volumeTabs: VolumeTab[] = [
  { id: 'files', Panel: Files },
  { id: 'usedBy', Panel: UsedBy },
  { id: 'backups', Panel: Backups },
  { id: 'inspect', Panel: Inspect },
];
