import type { ComponentType, ReactNode } from 'react';
import type { ContainerInspect, ContainerSummary } from '../../../main/contract/containers.js';
import type { en } from '../../i18n/en.js';
import { JsonTree } from '../../parts/JsonTree.js';
import { LayersTab } from '../../parts/layers/LayersTab.js';
import { Files } from './Files.js';
import { HistoryTab } from './history/HistoryTab.js';
import { Logs } from './logs/Logs.js';
import { Mounts } from './Mounts.js';
import { Network } from './Network.js';
import { Processes } from './Processes.js';
import { Limits } from './Limits.js';
import { Stats } from './stats/Stats.js';
import { Summary } from './Summary.js';
import { Terminals } from './Terminals.js';

/** What a tab of the drawer is given. It is mounted while it is the chosen one. */
export interface TabProps {
  container: ContainerSummary;
  /** Undefined until the engine has told. */
  inspect: ContainerInspect | undefined;
  /** What stands in for `inspect` until then, or says why it does not come. */
  waiting: ReactNode;
  /** Makes the drawer take the page, or stand beside the list again. */
  onFull(full: boolean): void;
}

interface ContainerTab {
  /** Its part of the address, and its word below `drawer`. */
  id: keyof typeof en.drawer;
  Panel: ComponentType<TabProps>;
}

/** A tab that has nothing to show before the engine has told. */
const told =
  (Panel: ComponentType<{ container: ContainerSummary; inspect: ContainerInspect }>) =>
  ({ container, inspect, waiting }: TabProps) =>
    inspect ? <Panel container={container} inspect={inspect} /> : waiting;

/** The tabs of a container's drawer, in their order. A new one is a line here and a word in `drawer`. */
export const containerTabs: ContainerTab[] = [
  { id: 'summary', Panel: told(Summary) },
  { id: 'logs', Panel: Logs },
  { id: 'terminal', Panel: Terminals },
  { id: 'files', Panel: Files },
  {
    id: 'layers',
    Panel: ({ container, onFull }) => (
      <LayersTab what={{ kind: 'container', name: container.Id }} tab={['containers', container.Id]} onFull={onFull} />
    ),
  },
  { id: 'stats', Panel: told(Stats) },
  { id: 'processes', Panel: told(Processes) },
  { id: 'mounts', Panel: told(Mounts) },
  { id: 'network', Panel: told(Network) },
  { id: 'limits', Panel: told(Limits) },
  { id: 'inspect', Panel: told(({ inspect }) => <JsonTree document={inspect} />) },
  { id: 'history', Panel: HistoryTab },
];
