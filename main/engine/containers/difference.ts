import { isDeepStrictEqual } from 'node:util';
import type { Applies, FieldChange } from '../../contract/changes.js';
import { isLive } from './live-limits.js';
import type { ContainerRecord, FieldPatch, FullConfig, FullHostConfig } from './record.js';

/** What the engine alone looks at, when it is time to. */
const OURS = new Set(['Config.Labels', 'Config.StopSignal', 'Config.StopTimeout', 'HostConfig.RestartPolicy']).add(
  'HostConfig.AutoRemove',
);

type Fields = Record<string, unknown>;

/** What makes one set of fields of another; what is undefined is not there. */
function patches(prefix: string, before: Fields, after: Fields): FieldPatch[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => ({ Field: `${prefix}.${name}`, From: before[name], To: after[name] }));
}

export const configPatches = (before: FullConfig, after: FullConfig): FieldPatch[] => patches('Config', before, after);

export const hostPatches = (before: FullHostConfig, after: FullHostConfig): FieldPatch[] =>
  patches('HostConfig', before, after);

/** As the API shows them: where nothing is said there is null. */
export const shownPatches = (all: FieldPatch[]): FieldChange[] =>
  all
    .filter(({ Field }) => Field !== 'Config.Image') // that is `Image`
    .map(({ Field, From = null, To = null }) => ({ Field, From, To }));

/** Whether a container that runs has it at once. */
export function appliesTo({ Field, To }: FieldPatch): Applies {
  const [part, name = ''] = Field.split('.');
  return Field === 'Name' || OURS.has(Field) || (part === 'HostConfig' && isLive(name, To)) ? 'now' : 'restart';
}

/** A record's configuration with patches applied, forth or back. */
export function patched(
  { config, hostConfig }: Pick<ContainerRecord, 'config' | 'hostConfig'>,
  all: FieldPatch[],
  end: 'From' | 'To',
): Pick<ContainerRecord, 'config' | 'hostConfig'> {
  const after = { Config: { ...config } as Fields, HostConfig: { ...hostConfig } as Fields };
  for (const patch of all) {
    const [part, name = ''] = patch.Field.split('.');
    if (part !== 'Config' && part !== 'HostConfig') continue;
    if (patch[end] === undefined) delete after[part][name];
    else after[part][name] = patch[end];
  }
  return { config: after.Config as FullConfig, hostConfig: after.HostConfig as FullHostConfig };
}
