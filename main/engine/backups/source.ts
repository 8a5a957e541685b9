import '../../base/scopes.js';
import { invalid } from '../../base/errors.js';
import { requireRoom } from '../../base/room.js';
import type { Loan, Stage, VolumePlace } from '../volumes/index.js';
import type { BackupsOptions, Caller } from './rooms.js';
import type { Writers } from './writers.js';

/** Where the files of a volume are. Of one in memory, on another machine or on a device there are none while nobody has it. */
export function sourceOf({ record, data, device, fileSystem }: VolumePlace): string {
  if (fileSystem === undefined) return device ?? data;
  throw invalid(
    `the volume ${record.name} is of type ${fileSystem}: it has no files of its own on this disk. Copy them from a container that has it`,
  );
}

/** A volume whose content can be replaced as a whole. */
export function checkReplaceable(place: VolumePlace): void {
  sourceOf(place);
  const { record, device } = place;
  if (device === undefined) return;
  throw invalid(
    `the volume ${record.name} stands for the folder ${device} of this machine, which is not replaced: choose a new volume, or copy files into the folder`,
  );
}

/** A volume's files for as long as they are copied. */
export interface Source extends AsyncDisposable {
  readonly path: string;
  /** Bytes of content; undefined where they are not ours to count. */
  readonly size: number | undefined;
  /** Somebody stands still until this is disposed. */
  readonly paused: boolean;
  /** Whether nobody has changed them since they were opened. */
  consistent(): Promise<boolean>;
}

export interface SourceRequest {
  caller: Caller;
  /** Who writes to it stands still; with `briefly`, where the disk can share content, only for the moment that a clone of it takes, which is then what is copied. */
  pause: boolean;
  briefly: boolean;
  /** What is needed on the disk for a volume of so many bytes; absent: nothing is written. */
  need?: (size: number) => number;
}

export async function openSource(
  { root, helper, usage, volumes }: Pick<BackupsOptions, 'root' | 'helper' | 'usage' | 'volumes'>,
  writers: Writers,
  loan: Loan,
  { caller, pause, briefly, need }: SourceRequest,
): Promise<Source> {
  const path = sourceOf(loan);
  const { name } = loan.record;
  let size: number | undefined;
  if (loan.device === undefined && need) {
    caller.report({ Stage: 'counting' });
    size = (await usage.measure(path)).bytes;
    await requireRoom(root, { bytes: need(size) }, `a copy of the volume ${name}`);
  }
  caller.signal.throwIfAborted();
  const stillness = await writers.still(name, pause, caller);
  let stage: Stage | undefined;
  const close = async () => {
    await stillness[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  };
  try {
    if (stillness.paused && briefly) stage = await cloneOf(path, { helper, volumes, caller });
    const still = stage && (await stillness.check());
    if (stage) await stillness[Symbol.asyncDispose]();
    return {
      ...{ path: stage?.data ?? path, size, paused: stillness.paused && !stage },
      consistent: async () => still ?? stillness.check(),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Undefined where it would have to be copied. */
async function cloneOf(
  path: string,
  { helper, volumes, caller }: Pick<BackupsOptions, 'helper' | 'volumes'> & { caller: Caller },
): Promise<Stage | undefined> {
  const stage = await volumes.stage();
  try {
    if (await helper.reflinks({ path, target: stage.path })) {
      await helper.volumeCopy({ path, target: stage.data }, { signal: caller.signal, onProgress: () => undefined });
      return stage;
    }
  } catch (error) {
    await stage[Symbol.asyncDispose]();
    throw error;
  }
  await stage[Symbol.asyncDispose]();
  return undefined;
}
