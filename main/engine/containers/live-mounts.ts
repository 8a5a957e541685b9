import { basename } from 'node:path';
import { conflict, EngineError, messageOf } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { MountHolder } from '../../contract/mounts.js';
import type { RunningPlace, SeenHolder } from '../helper/index.js';
import type { Container } from './container.js';
import type { Ledger } from './ledger.js';
import { startTimeOf } from './live.js';
import type { MountDifference } from './mount-plan.js';
import { ID_MAPPED } from './mounts.js';
import type { ContainerRecord, MountPoint } from './record.js';
import type { ContainersOptions } from './rooms.js';
import { userNamespaceOf } from './user-ids.js';

const log = createLog('containers');

/** What the kernel shows of itself, and some of that to nobody inside. */
const KERNELS = ['/proc', '/sys', '/dev/pts', '/dev/mqueue'];
/** Runtimes whose containers are processes of this machine, with mounts as ours have them. */
const WITH_MOUNTS = new Set(['runc', 'crun', 'youki']);
const PRIVATE = new Set(['', 'private', 'rprivate']);
/** What there is to know of a mount that can be made of its source alone. */
const SIMPLE = new Set(
  ['anonymous', 'device', 'words', 'nonRecursive', 'readOnlyNonRecursive', 'strict'].concat('from', 'live', 'added'),
);
/** By which a volume binds a folder, and which we can say too. */
const BIND_WORDS = new Set(['bind', 'rbind', 'ro', 'rw']);

/** Why mounts do not come or go while the container runs. */
export interface Obstacle {
  /** A sentence without its end. */
  reason: string;
  /** Who has files open in what is to go. */
  holders?: MountHolder[];
}

/** Mounts put into containers that run and taken out of them: what the kernel is asked. */
export class LiveMounts {
  readonly #helper: ContainersOptions['helper'];
  readonly #ledger: Ledger;

  constructor({ helper }: Pick<ContainersOptions, 'helper'>, ledger: Ledger) {
    this.#helper = helper;
    this.#ledger = ledger;
  }

  /** `force`: who has files open keeps what he has. */
  async obstacle(
    container: Container,
    { after, added, removed }: MountDifference,
    force = false,
  ): Promise<Obstacle | undefined> {
    const { record } = container;
    const general = this.#generalObstacle(record);
    if (general) return { reason: general };
    for (const mount of [...added, ...removed]) {
      const special = specialObstacle(mount);
      if (special) return { reason: special };
      const inner = after.find((one) => !added.includes(one) && isBelow(one.Destination, mount.Destination));
      if (inner) return { reason: `${inner.Destination} is mounted inside ${mount.Destination}` };
    }
    for (const mount of removed) {
      const held = force ? undefined : await this.#heldIn(container, mount);
      if (held) return held;
    }
    for (const mount of added) {
      const reason = await this.#inTheWay(container, mount, removed);
      if (reason !== undefined) return { reason };
    }
    return undefined;
  }

  /** Puts it there; returns it with what there is to know of that. */
  async attach(container: Container, mount: MountPoint): Promise<MountPoint> {
    const { Type, Source, Destination, RW, Mode, own = {} } = mount;
    const users = this.#usersOf(container.record);
    const mapped = Type === 'volume' || Mode.split(',').some((word) => ID_MAPPED.has(word));
    const place = await this.#placeOf(container);
    const live = await this.#helper.mountAttach({
      ...place,
      source: own.device ?? Source,
      target: Destination,
      readonly: !RW || own.words?.includes('ro') === true,
      recursive: !own.nonRecursive && own.words?.includes('bind') !== true,
      wholeReadonly: !own.readOnlyNonRecursive,
      within: Type === 'volume' && own.device === undefined,
      idmap: users && mapped ? { uids: users.uids, gids: users.gids } : null,
      forbidden: forbiddenIn(container.record),
    });
    return {
      ...mount,
      own: { ...own, live: { path: live.path, made: live.made, mount: live.mount, run: place.pidStart } },
    };
  }

  /** Takes it away. Whoever has files open in it is in the way, unless it is forced; what is not there any more is away. */
  async detach(container: Container, { Source, Destination, own = {} }: MountPoint, force = false): Promise<void> {
    const place = await this.#placeOf(container);
    const { path, made, mount, run } = own.live ?? {};
    try {
      const { detached, holders = [] } = await this.#helper.mountDetach({
        ...{ ...place, target: Destination, source: own.device ?? Source, force },
        ...(path !== undefined && { path, made: made ?? 0 }),
        // In another run that number is another mount's.
        ...(run === place.pidStart && { mount: mount ?? 0 }),
      });
      if (!detached) throw inUse(Destination, holders.map(holderOf));
    } catch (error) {
      if (!(error instanceof EngineError && error.kind === 'not-found')) throw error;
    }
  }

  /** Whether it is there, in the run there is. */
  async isThere(container: Container, { Source, Destination, own = {} }: MountPoint): Promise<boolean> {
    const { id, ...place } = await this.#placeOf(container);
    const source = own.device ?? Source;
    try {
      const request = { id, target: own.live?.path ?? Destination, source };
      return (await this.#helper.mountLook(place, request)).seen.same === true;
    } catch (error) {
      log.warn(`container ${shortId(container.id)}: ${Destination} cannot be looked at: ${messageOf(error)}`);
      return false;
    }
  }

  #generalObstacle({ runtime }: ContainerRecord): string | undefined {
    if (this.#helper.hello.liveMounts === false)
      return `this kernel (${this.#helper.hello.kernel}) cannot put mounts into a container that runs`;
    const name = runtime && basename(runtime.path);
    return name && !WITH_MOUNTS.has(name)
      ? `its runtime ${name} keeps the file systems of its containers to itself`
      : undefined;
  }

  async #heldIn(container: Container, { Source, Destination, own = {} }: MountPoint): Promise<Obstacle | undefined> {
    const { id, ...place } = await this.#placeOf(container);
    const source = own.device ?? Source;
    const look = (target: string) => this.#helper.mountLook(place, { id, target, source });
    const { kind, holders = [], same, mounted } = (await look(own.live?.path ?? Destination)).seen;
    if (kind === 'missing' || !mounted) return undefined;
    if (!same && !own.live)
      return { reason: `what is mounted on ${Destination} is not what ${Source} is now: it may have been replaced` };
    if (holders.length === 0) return undefined;
    const found = holders.map(holderOf);
    return { reason: inWords(Destination, found), holders: found };
  }

  async #inTheWay(container: Container, { Destination }: MountPoint, gone: MountPoint[]): Promise<string | undefined> {
    const { id, ...place } = await this.#placeOf(container);
    try {
      const forbidden = forbiddenIn(container.record);
      const { seen } = await this.#helper.mountLook(place, { id, target: Destination, forbidden });
      const { kind, writable, mounted } = seen;
      if (kind === 'missing' && !writable) return `${Destination} is not there, and cannot be made: that is read-only`;
      if (mounted && !gone.some((mount) => mount.Destination === Destination))
        return `something else is mounted on ${Destination}`;
      return undefined;
    } catch (error) {
      if (error instanceof EngineError && error.kind === 'invalid') return error.message;
      throw error;
    }
  }

  async #placeOf(container: Container): Promise<RunningPlace> {
    const { live, id, record } = container;
    if (!live) throw conflict(`container ${record.name} does not run`);
    const pidStart = (live.pidStart ??= await startTimeOf(this.#ledger.pathsOf(id).stateDir));
    return { id, pid: live.pid, pidStart };
  }

  #usersOf(record: ContainerRecord): ReturnType<typeof userNamespaceOf> {
    const recordOf = (reference: string) => this.#ledger.find(reference).record;
    return userNamespaceOf(record, { recordOf, pidOf: () => 0 });
  }
}

/** The container ended under our hands. */
export const hasStopped = (error: unknown): boolean =>
  error instanceof EngineError && error.kind === 'conflict' && error.message.includes('stopped just now');

/** Where nothing can be mounted by hand. */
export const forbiddenIn = ({ hostConfig }: Pick<ContainerRecord, 'hostConfig'>): string[] => [
  ...KERNELS,
  ...((hostConfig['MaskedPaths'] ?? []) as string[]),
  ...((hostConfig['ReadonlyPaths'] ?? []) as string[]),
];

export const isBelow = (path: string, directory: string): boolean => path.startsWith(`${directory}/`);

export function inUse(destination: string, holders: MountHolder[]): EngineError {
  return conflict(`${inWords(destination, holders)}: end what uses it, or detach it anyway`, {
    details: { Holders: holders },
  });
}

const holderOf = ({ pid, name, paths }: SeenHolder): MountHolder => ({ Pid: pid, Name: name, Paths: paths });

function inWords(destination: string, holders: MountHolder[]): string {
  if (holders.length === 0) return `something outside the container has files open in ${destination}`;
  const names = holders.slice(0, 3).map(({ Name, Pid }) => `${Name} (${Pid})`);
  const more = holders.length > names.length ? ` and ${holders.length - names.length} more` : '';
  return `${names.join(', ')}${more} ${holders.length === 1 ? 'has' : 'have'} files open in ${destination}`;
}

function specialObstacle({ Type, Destination, Propagation, own = {} }: MountPoint): string | undefined {
  if (Type === 'tmpfs') return `${Destination} is in memory (tmpfs), which comes and goes with a start`;
  if (Type !== 'bind' && Type !== 'volume') return `${Destination} is of an image, which comes and goes with a start`;
  if (!PRIVATE.has(Propagation)) return `${Destination} shares its mounts with this machine (${Propagation})`;
  const plain = own.words?.every((word) => BIND_WORDS.has(word)) ?? true;
  if (plain && Object.keys(own).every((name) => SIMPLE.has(name))) return undefined;
  return `${Destination} is more than a folder or a volume as a whole`;
}
