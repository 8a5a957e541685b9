import type { ContainerSummary } from '../../../main/contract/containers.js';
import { nameOf, networksOf, projectOf, shapeOf, type Shape } from '../../parts/container-state.js';
import { hasLabel, holds, tableFilter } from '../../parts/table-page/filter.js';

/** The chips, and what `state:` in the filter box understands. */
export const stateFilters = ['running', 'failed', 'unhealthy', 'paused', 'stopped', 'created'] as const;
export type StateFilter = (typeof stateFilters)[number];

const fitting: Record<StateFilter, (shape: Shape, container: ContainerSummary) => boolean> = {
  running: (_, { State }) => State === 'running',
  failed: (shape) => shape === 'failed',
  unhealthy: (shape) => shape === 'unhealthy',
  paused: (shape) => shape === 'paused',
  stopped: (_, { State }) => State === 'exited' || State === 'dead',
  created: (shape) => shape === 'created',
};

export const isIn = (container: ContainerSummary, state: StateFilter): boolean =>
  fitting[state](shapeOf(container), container);

/** What may stand before a colon. A label is a name, or a name and a value: `label:tier` or `label:tier=web`. */
const tokens: Record<string, (container: ContainerSummary, part: string) => boolean> = {
  label: ({ Labels }, part) => hasLabel(Labels, part),
  image: (container, part) => holds(container.Image, part),
  network: (container, part) => networksOf(container).some((name) => holds(name, part)),
  project: (container, part) => holds(projectOf(container) ?? '', part),
  name: (container, part) => holds(nameOf(container), part),
  state: (container, part) => stateFilters.some((state) => state.startsWith(part) && isIn(container, state)),
};

/** Words are looked for in the name, the image, the command and at the start of the id. */
export const filterOf = (text: string, states: ReadonlySet<StateFilter>): ((container: ContainerSummary) => boolean) =>
  tableFilter<ContainerSummary, StateFilter>({
    text,
    word: (container, part) =>
      holds(`${nameOf(container)} ${container.Image} ${container.Command}`, part) || container.Id.startsWith(part),
    tokens,
    chips: states,
    isIn,
  });
