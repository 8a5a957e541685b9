import type { ContainerSummary } from '../../../main/contract/containers.js';
import { networksOf, projectOf, shapeOf, stateOrder, type Shape } from '../../parts/container-state.js';
import { rowsByName, type NamedRows } from '../../parts/table-page/groups.js';
import type { RowGroup } from '../../ui/data-grid.js';
import { imageName } from '../../ui/format.js';

/** By what the table is grouped, as the preferences keep it. */
export type GroupBy = 'none' | 'project' | 'network' | 'image' | `label:${string}`;

export const isGroupBy = (text: string): text is GroupBy =>
  ['none', 'project', 'network', 'image'].includes(text) || text.startsWith('label:');

export interface ContainerGroup extends RowGroup<ContainerSummary>, NamedRows<ContainerSummary> {
  running: number;
  worst: Shape;
}

const nameIn = (container: ContainerSummary, by: GroupBy): string | undefined => {
  if (by === 'project') return projectOf(container);
  if (by === 'network') return networksOf(container)[0];
  if (by === 'image') return imageName(container.Image);
  return container.Labels?.[by.slice('label:'.length)];
};

/** Sorted by name, what is in none last. Undefined where it would say nothing: not grouped, or nothing is in any group. */
export function groupsOf(
  containers: ContainerSummary[],
  by: GroupBy,
  compare: (a: string, b: string) => number,
  labelOf: (group: Omit<ContainerGroup, 'label'>) => string,
): ContainerGroup[] | undefined {
  if (by === 'none') return undefined;
  const groups = rowsByName(containers, (container) => nameIn(container, by), compare);
  if (groups.every(({ name }) => name === undefined)) return undefined;
  return groups.map((group) => {
    const running = group.rows.filter(({ State }) => State === 'running').length;
    const tallied = { ...group, running, worst: worstOf(group.rows) };
    return { ...tallied, label: labelOf(tallied) };
  });
}

/** What needs a look first. */
const worstOf = (members: ContainerSummary[]): Shape =>
  stateOrder[Math.min(...members.map((member) => stateOrder.indexOf(shapeOf(member))))] ?? 'exited';

/** Labels that tell containers apart, those of most containers first; what tools write for themselves is left out. */
export function labelsIn(containers: ContainerSummary[]): string[] {
  const counts = new Map<string, number>();
  for (const { Labels } of containers)
    for (const name of Object.keys(Labels ?? {}))
      if (!/^(com\.docker\.|org\.opencontainers\.)/.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name);
}
