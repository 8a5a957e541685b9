import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { projectOfVolume, usageOf, volumeUses, type VolumeUse } from '../../parts/volumes/names.js';
import type { RowGroup } from '../../ui/data-grid.js';

/** By what the table is grouped, as the preferences keep it. */
export type GroupVolumesBy = 'project' | 'use' | 'none';

export interface VolumeGroup extends RowGroup<VolumeOverview> {
  /** A project, or a use; undefined: what is of no project. */
  name: string | undefined;
  /** Bytes of those that are counted. */
  size: number;
  /** What needs a look first. */
  use: VolumeUse;
}

/** Sorted by name, or by use. Undefined where it would say nothing: not grouped, or nothing is of any project. */
export function groupsOf(
  rows: VolumeOverview[],
  by: GroupVolumesBy,
  compare: (a: string, b: string) => number,
  labelOf: (name: string | undefined, rows: VolumeOverview[]) => string,
): VolumeGroup[] | undefined {
  if (by === 'none') return undefined;
  const groups = new Map<string | undefined, VolumeOverview[]>();
  for (const row of rows) {
    const name = by === 'use' ? usageOf(row) : projectOfVolume(row) || undefined;
    const members = groups.get(name);
    if (members) members.push(row);
    else groups.set(name, [row]);
  }
  if ([...groups.keys()].every((name) => name === undefined)) return undefined;
  const rank = (name: string | undefined) => volumeUses.indexOf(name as VolumeUse);
  const order = (a: string | undefined, b: string | undefined) =>
    by === 'use' ? rank(a) - rank(b) : a === undefined ? 1 : b === undefined ? -1 : compare(a, b);
  return [...groups]
    .sort(([a], [b]) => order(a, b))
    .map(([name, members]) => {
      const uses = members.map(usageOf);
      return {
        key: name === undefined ? 'none' : `${by}=${name}`,
        label: labelOf(name, members),
        name,
        rows: members,
        size: members.reduce((sum, { Size }) => sum + (Size ?? 0), 0),
        use: volumeUses.find((use) => uses.includes(use)) ?? 'unused',
      };
    });
}
