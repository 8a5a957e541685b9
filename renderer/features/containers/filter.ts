import type { ContainerSummary } from '../../../main/contract/containers.js';
import { nameOf, networksOf, projectOf, shapeOf, type Shape } from '../../parts/container-state.js';

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

type Test = (container: ContainerSummary) => boolean;

const holds = (heap: string, part: string): boolean => heap.toLowerCase().includes(part);

/** What may stand before a colon. A label is a name, or a name and a value: `label:tier` or `label:tier=web`. */
const tokens: Record<string, (part: string) => Test> = {
  label: (part) => {
    const [name = '', ...value] = part.split('=');
    return ({ Labels }) =>
      Object.entries(Labels ?? {}).some(
        ([key, said]) => holds(key, name) && (value.length === 0 || said.toLowerCase() === value.join('=')),
      );
  },
  image: (part) => (container) => holds(container.Image, part),
  network: (part) => (container) => networksOf(container).some((name) => holds(name, part)),
  project: (part) => (container) => holds(projectOf(container) ?? '', part),
  name: (part) => (container) => holds(nameOf(container), part),
  state: (part) => (container) => stateFilters.some((state) => state.startsWith(part) && isIn(container, state)),
};

/**
 * Every word has to be found somewhere: in the name, the image, the command or at the start of the id; a word with a known name and a
 * colon only there. Of the states, one has to be right.
 */
export function filterOf(text: string, states: ReadonlySet<StateFilter>): Test {
  const tests = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word): Test => {
      const [, token = '', part = ''] = /^(\w+):(.*)$/.exec(word) ?? [];
      const known = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
      if (known) return part === '' ? () => true : known(part); // it is still being typed
      return (container) =>
        holds(`${nameOf(container)} ${container.Image} ${container.Command}`, word) || container.Id.startsWith(word);
    });
  return (container) =>
    tests.every((fits) => fits(container)) &&
    (states.size === 0 || [...states].some((state) => isIn(container, state)));
}
