import type { ContainerSummary } from '../../../main/contract/containers.js';
import { nameOf, shapeOf } from '../../parts/container-state.js';

export type StateFilter = 'all' | 'running' | 'failed';

/** Every word has to be found somewhere: in the name, the image, the command or at the start of the id. */
export function matches(container: ContainerSummary, text: string, state: StateFilter): boolean {
  const shape = shapeOf(container);
  if (state === 'running' && container.State !== 'running') return false;
  if (state === 'failed' && shape !== 'failed' && shape !== 'unhealthy') return false;
  const heap = `${nameOf(container)} ${container.Image} ${container.Command}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => heap.includes(word) || container.Id.startsWith(word));
}
