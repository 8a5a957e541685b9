import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { conflict, invalid, unavailable } from '../../base/errors.js';
import { look } from '../../base/looks.js';
import type {
  ContainerMount,
  FolderWarning,
  Mounted,
  MountOwner,
  MountPreview,
  MountWish,
} from '../../contract/mounts.js';
import { checkVolume } from '../volumes/index.js';
import type { Changes } from './changes.js';
import type { Container } from './container.js';
import type { Ledger } from './ledger.js';
import { startTimeOf } from './live.js';
import { forbiddenIn, isBelow } from './live-mounts.js';
import { ID_MAPPED } from './mounts.js';
import { withMount, withoutMount } from './mount-plan.js';
import type { Places } from './place.js';
import type { ContainerRecord, IdMapping, MountPoint } from './record.js';
import type { ContainersOptions } from './rooms.js';
import { userNamespaceOf, type UserNamespace } from './user-ids.js';

type Options = Pick<ContainersOptions, 'helper' | 'volumes' | 'surroundings'>;

interface Parts {
  changes: Changes;
  places: Places;
}

/** Names of what a mount would hide that are told. */
const NAMES = 20;
/** Whose number is nobody's on the other side. */
const NOBODY = 65534;
/** How long the disk of what is mounted may take to answer. */
const PATIENCE_MS = 1000;
const LARGEST_PASSWD = 1024 * 1024;

/** What is mounted in a container, and how that is changed while it runs or not. */
export class ContainerMounts {
  readonly #options: Options;
  readonly #ledger: Ledger;
  readonly #changes: Changes;
  readonly #places: Places;

  constructor(options: Options, ledger: Ledger, { changes, places }: Parts) {
    this.#options = options;
    this.#ledger = ledger;
    this.#changes = changes;
    this.#places = places;
  }

  async list(container: Container): Promise<ContainerMount[]> {
    const { record, live } = container;
    const places = live ? await mountPointsOf(live.pid) : new Set<string>();
    const memory = Object.entries((record.hostConfig['Tmpfs'] ?? {}) as Record<string, string>)
      .filter(([path]) => !record.mounts.some(({ Destination }) => Destination === path))
      .map(([path, options]): MountPoint => {
        const RW = !options.split(',').includes('ro');
        return { Type: 'tmpfs', Source: '', Destination: path, Mode: options, RW, Propagation: '' };
      });
    const context = { places, passwd: once(() => this.#passwdOf(container)) };
    return Promise.all([...record.mounts, ...memory].map((mount) => this.#describe(container, mount, context)));
  }

  async preview(container: Container, wish: MountWish): Promise<MountPreview> {
    const source = await this.#checked(container, wish);
    const { record } = container;
    const target = await this.#lookAt(container, wish);
    const change = withMount(record, wish, this.#usersOf(record) !== undefined);
    const obstacle = container.live && (await this.#changes.obstacle(container, change));
    const mapped = wish.Type === 'volume' || wish.IdMap === true;
    return {
      Applies: !container.live ? 'next-start' : obstacle ? 'restart' : 'live',
      Reason: obstacle?.reason ?? null,
      Target: target,
      Owner: source === undefined ? null : await this.#ownerOf(record, source, mapped, () => this.#passwdOf(container)),
      Warnings: wish.Type === 'bind' ? await this.#warningsOf(wish.Source) : [],
    };
  }

  async attach(container: Container, wish: MountWish): Promise<Mounted> {
    await this.#checked(container, wish);
    const { record } = container;
    const mapped = this.#usersOf(record) !== undefined;
    const { Restarted, RolledBack } = await this.#changes.changeBy(container, () => withMount(record, wish, mapped), {
      restart: wish.Restart === true,
    });
    if (RolledBack) throw conflict(`it did not go well with ${wish.Target}, and was taken back: ${RolledBack.Reason}`);
    const mount = record.mounts.find(({ Destination }) => Destination === placeOf(wish.Target));
    if (!mount) throw conflict(`what is mounted on ${wish.Target} was changed by somebody else just now`);
    const places = container.live ? await mountPointsOf(container.live.pid) : new Set<string>();
    const context = { places, passwd: () => this.#passwdOf(container) };
    const described = await this.#describe(container, mount, context);
    return { Mount: described, Applied: Restarted ? 'restart' : described.Live ? 'live' : 'next-start' };
  }

  /** `force`: who has files open in it keeps them; `restart`: where it cannot be otherwise. */
  async detach(container: Container, target: string, { force = false, restart = false } = {}): Promise<void> {
    const { record } = container;
    const { RolledBack } = await this.#changes.changeBy(container, () => withoutMount(record, target).change, {
      ...{ force, restart },
    });
    if (RolledBack) throw conflict(`it did not go well without ${target}, which is there again: ${RolledBack.Reason}`);
  }

  /** Where its source is; undefined where that is a volume which is not there yet. */
  async #checked({ record }: Container, { Type, Source, Target }: MountWish): Promise<string | undefined> {
    const place = placeOf(Target);
    if (forbiddenIn(record).some((path) => place === path || isBelow(place, path)))
      throw invalid(`${place} cannot be mounted over: it is part of what the system shows to the container`);
    if (record.mounts.some(({ Destination }) => Destination === place))
      throw conflict(`container ${record.name} has something mounted on ${place} already: detach that first`);
    if (Type === 'volume') {
      checkVolume({ Name: Source });
      return this.#options.volumes.sourceOf(Source);
    }
    if (!Source.startsWith('/')) throw invalid(`invalid mount path: '${Source}' mount path must be absolute`);
    const there = await look(PATIENCE_MS, () =>
      stat(Source).then(
        () => true,
        (error: NodeJS.ErrnoException) => !['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? ''),
      ),
    );
    if (there === undefined) throw unavailable(`${Source} does not answer: its disk or server may be gone`);
    if (!there) throw invalid(`bind source path does not exist: ${Source}`);
    return Source;
  }

  async #lookAt(container: Container, { Target }: MountWish): Promise<MountPreview['Target']> {
    using held = await this.#places.hold(container);
    const request = { target: placeOf(Target), forbidden: forbiddenIn(container.record) };
    const { seen, gone } = await this.#options.helper.mountLook(held.place, request);
    await gone;
    const { kind, mounted, hidden = 0, names = [] } = seen;
    return { Kind: mounted ? 'mounted' : kind, Hidden: hidden, Names: names.slice(0, NAMES) };
  }

  async #describe(container: Container, mount: MountPoint, { places, passwd }: Context): Promise<ContainerMount> {
    const { record } = container;
    const { Type, Name, Source, Destination, RW, Propagation, Mode, own = {} } = mount;
    const mapped = Type === 'volume' || Mode.split(',').some((word) => ID_MAPPED.has(word));
    const from = own.from && { ...own.from, name: this.#ledger.get(own.from.id)?.record.name ?? own.from.name };
    return {
      Type: Type as ContainerMount['Type'],
      ...(Name !== undefined && { Name }),
      ...{ Source: own.device ?? Source, Destination, ReadOnly: !RW, Propagation },
      Added: own.added === true,
      Live: container.live !== undefined && own.live?.run === (await this.#runOf(container)),
      // What was there from the start is found there, unless a link led elsewhere.
      Mounted: container.live !== undefined && (!own.added || places.has(own.live?.path ?? Destination)),
      From: from ? { Id: from.id, Name: from.name } : null,
      Owner:
        Type === 'bind' || Type === 'volume' ? await this.#ownerOf(record, own.device ?? Source, mapped, passwd) : null,
    };
  }

  async #runOf({ live, id }: Container): Promise<number | undefined> {
    return live && (live.pidStart ??= await startTimeOf(this.#ledger.pathsOf(id).stateDir));
  }

  /** Null where we may not look, or nothing answers. `mapped`: the numbers are the same on both sides. */
  async #ownerOf(
    record: ContainerRecord,
    source: string,
    mapped: boolean,
    passwd: Context['passwd'],
  ): Promise<MountOwner | null> {
    const about = await look(PATIENCE_MS, () => stat(source)).catch(() => undefined);
    if (!about) return null;
    const { uid, gid, mode } = about;
    const own = this.#insideOf(record, mapped)(uid, gid);
    return {
      Disk: { Uid: uid, Gid: gid, User: (await this.#options.surroundings?.userOf(uid)) ?? null },
      Inside: { Uid: own.uid, Gid: own.gid, User: own.uid === NOBODY ? null : nameIn(await passwd(), own.uid) },
      Mode: mode & 0o7777,
    };
  }

  /** What a number on disk is for the processes of a container. */
  #insideOf(record: ContainerRecord, mapped: boolean): (uid: number, gid: number) => { uid: number; gid: number } {
    const { rootless, uidMap, gidMap } = this.#options.helper.hello;
    const asMapping = ([containerID, hostID, size]: [number, number, number]): IdMapping => ({
      ...{ containerID, hostID, size },
    });
    const users: UserNamespace | undefined = rootless
      ? { uids: uidMap.map(asMapping), gids: gidMap.map(asMapping) }
      : mapped
        ? undefined
        : this.#usersOf(record);
    if (!users) return (uid, gid) => ({ uid, gid });
    return (uid, gid) => ({ uid: insideId(users.uids, uid), gid: insideId(users.gids, gid) });
  }

  #usersOf(record: ContainerRecord): UserNamespace | undefined {
    const recordOf = (reference: string) => this.#ledger.find(reference).record;
    return userNamespaceOf(record, { recordOf, pidOf: () => 0 });
  }

  /** The container's own users, where it says. */
  async #passwdOf(container: Container): Promise<string> {
    using held = await this.#places.hold(container);
    const request = { path: '/etc/passwd', offset: 0, length: LARGEST_PASSWD };
    const chunks: Uint8Array[] = [];
    try {
      const { bytes } = await this.#options.helper.fileRead(held.place, request, held.signal);
      for await (const chunk of bytes) chunks.push(chunk);
    } catch {
      return '';
    }
    return Buffer.concat(chunks).toString();
  }

  async #warningsOf(source: string): Promise<FolderWarning[]> {
    const warningsOf = async () => {
      const path = await realpath(source).catch(() => source);
      return this.#options.surroundings?.warningsOf(path);
    };
    return (await look(PATIENCE_MS, warningsOf)) ?? [];
  }
}

/** What is asked for once for many mounts. */
interface Context {
  /** Where something is mounted in the run there is. */
  places: ReadonlySet<string>;
  passwd: () => Promise<string>;
}

function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => (result ??= work());
}

const nameIn = (passwd: string, uid: number): string | null =>
  passwd
    .split('\n')
    .find((line) => line.split(':')[2] === String(uid))
    ?.split(':')[0] || null;

const insideId = (map: IdMapping[], id: number): number => {
  const range = map.find(({ hostID, size }) => id >= hostID && id < hostID + size);
  return range ? range.containerID + id - range.hostID : NOBODY;
};

function placeOf(target: string): string {
  if (!target.startsWith('/')) throw invalid(`invalid mount path: '${target}' mount path must be absolute`);
  const place = posix.normalize(target).replace(/(?<=.)\/$/, '');
  if (place === '/') throw invalid(`invalid specification: destination can't be '/'`);
  return place;
}

/** The kernel gives such a file page by page, and Node 18's readFile takes the first one for all of it. */
async function wholeTable(path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path)) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}

/** Where something is mounted, as the container has it. */
async function mountPointsOf(pid: number): Promise<Set<string>> {
  const table = await wholeTable(`/proc/${pid}/mountinfo`).catch(() => '');
  const plain = (path: string) =>
    path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
  return new Set(table.split('\n').map((line) => plain(line.split(' ')[4] ?? '')));
}
