import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { rowsByName, type NamedRows } from '../../parts/table-page/groups.js';
import { projectOfVolume, usageOf, volumeUses, type VolumeUse } from '../../parts/volumes/names.js';
import type { RowGroup } from '../../ui/data-grid.js';

/** By what the table is grouped, as the preferences keep it. */
export type GroupVolumesBy = 'project' | 'use' | 'none';

/** Of a project, or of a use; without a name: what is of no project. */
export interface VolumeGroup extends RowGroup<VolumeOverview>, NamedRows<VolumeOverview> {
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
  const rank = (name: string) => volumeUses.indexOf(name as VolumeUse);
  const groups =
    by === 'use' ? rowsByName(rows, usageOf, (a, b) => rank(a) - rank(b)) : rowsByName(rows, projectOfVolume, compare);
  if (groups.every(({ name }) => name === undefined)) return undefined;
  return groups.map(({ key, name, rows: members }) => {
    const uses = members.map(usageOf);
    return {
      key: name === undefined ? key : `${by}${key}`,
      label: labelOf(name, members),
      name,
      rows: members,
      size: members.reduce((sum, { Size }) => sum + (Size ?? 0), 0),
      use: volumeUses.find((use) => uses.includes(use)) ?? 'unused',
    };
  });
}
