import { readFile } from 'node:fs/promises';
import { conflict, invalid, notImplemented } from '../../base/errors.js';
import type { HelperHello } from '../helper/index.js';
import type { ContainerRecord, IdMap, IdMapping } from './record.js';
import { sharedContainer } from './spec.js';

/** What `--userns-remap` asks of the engine: the ids of all containers, or ids of their own for each. */
export type Remap = { all: IdMap } | { each: true } | undefined;

/** Who reads a system file: the tests have their own. */
export type ReadFile = (path: string) => Promise<string>;

/** Ids as many as ordinary users are given, so that every image finds its own among them. */
const SIZE = 65_536;
/** Ids that no tool gives to people, services or containers of its own (systemd's table has 524288 to 1879048191 for nspawn). */
const FIRST = 0x70000000;
const LAST = 0x7ffe0000;
/** The name under which dockerd looks for its default range. */
const DEFAULT_USER = 'dockremap';

const systemFile: ReadFile = (path) => readFile(path, 'utf8').catch(() => '');

/** The flag's value in dockerd's words: `default`, `UID`, `UID:GID`, `user`, `user:group`; and ours: `auto`. */
export async function remapOf(value: string | undefined, read: ReadFile = systemFile): Promise<Remap> {
  if (!value) return undefined;
  if (value === 'auto') return { each: true };
  const [subuid, subgid, passwd, group] = await Promise.all(
    ['/etc/subuid', '/etc/subgid', '/etc/passwd', '/etc/group'].map(read),
  );
  const rangesOf = (text = '', names: string[]): IdMapping[] => {
    let inside = 0;
    return lines(text).flatMap(([name = '', first, size]) => {
      if (!names.includes(name) || !Number(size)) return [];
      inside += Number(size);
      return [{ containerID: inside - Number(size), hostID: Number(first), size: Number(size) }];
    });
  };
  if (value === 'default') {
    const own = { uids: rangesOf(subuid, [DEFAULT_USER]), gids: rangesOf(subgid, [DEFAULT_USER]) };
    return { all: own.uids.length > 0 && own.gids.length > 0 ? own : rangeAt(FIRST) };
  }
  const [, user, wantedGroup] = /^([^:]+)(?::([^:]+))?$/.exec(value) ?? [];
  if (!user) throw invalid(`--userns-remap=${value}: it must be default, auto, a user or a user and a group`);
  const account = lines(passwd ?? '').find(([name, , uid]) => name === user || uid === user);
  if (!account) throw invalid(`--userns-remap=${value}: there is no user ${user}`);
  const [name = '', , uid = ''] = account;
  const groups = lines(group ?? '').filter(([known, , gid]) =>
    wantedGroup ? known === wantedGroup || gid === wantedGroup : known === name,
  );
  if (wantedGroup && groups.length === 0) throw invalid(`--userns-remap=${value}: there is no group ${wantedGroup}`);
  const groupNames = groups.flatMap(([known = '', , gid = '']) => [known, gid]);
  const all = {
    uids: rangesOf(subuid, [name, uid]),
    gids: rangesOf(subgid, wantedGroup ? groupNames : [name, uid]),
  };
  for (const [file, ranges] of [['/etc/subuid', all.uids] as const, ['/etc/subgid', all.gids] as const]) {
    if (ranges.length > 0) continue;
    throw invalid(
      `--userns-remap=${value}: ${file} has no range for ${name}: give it one (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name})`,
    );
  }
  return { all };
}

const lines = (text: string): string[][] => text.split('\n').map((line) => line.split(':'));

const rangeAt = (first: number): IdMap => {
  const range = [{ containerID: 0, hostID: first, size: SIZE }];
  return { uids: range, gids: range };
};

/** The containers whose namespaces this one shares: it has their user namespace too, for only its root may enter them. */
const shared = ({ network, hostConfig }: Pick<ContainerRecord, 'network' | 'hostConfig'>): string[] =>
  [network, hostConfig.IpcMode, hostConfig.PidMode].flatMap((mode) => sharedContainer(mode) ?? []);

interface Wish extends Pick<ContainerRecord, 'network' | 'hostConfig' | 'runtime'> {
  hello: HelperHello;
  /** What other containers have. */
  taken: Iterable<IdMap | undefined>;
}

/** Which ids of this machine a container's own are. */
export class UserIds {
  readonly #remap: Remap;

  constructor(remap: Remap) {
    this.#remap = remap;
  }

  /** Whether containers that say nothing have a user namespace of their own. */
  get remapped(): boolean {
    return this.#remap !== undefined;
  }

  /** The ids of a new container; undefined: this machine's own, or those of the container whose namespaces it shares. */
  choose({ hostConfig, network, runtime, hello, taken }: Wish): IdMap | undefined {
    const mode = hostConfig.UsernsMode;
    if (mode === 'host' || shared({ network, hostConfig }).length > 0) return undefined;
    if (mode !== 'auto' && !this.#remap) return undefined;
    checkPossible(hello);
    if (runtime) throw notImplemented(`user namespaces are made by this engine's own runtime only: ${TO_OPT_OUT}`);
    if (hostConfig.Privileged) {
      throw invalid(
        'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
      );
    }
    if (network === 'host') {
      throw invalid("cannot share the host's network namespace when user namespaces are enabled");
    }
    if (hostConfig.PidMode === 'host') {
      throw invalid('cannot share the host PID namespace when user namespaces are enabled');
    }
    return mode !== 'auto' && this.#remap && 'all' in this.#remap ? this.#remap.all : freeRange(taken);
  }
}

const TO_OPT_OUT = '--userns=host runs a container without one';

/** Throws where no container here can have ids of its own. */
export function checkPossible({ rootless, overlay }: HelperHello): void {
  if (rootless) {
    throw notImplemented(
      'the containers of an ordinary user share the ids of /etc/subuid: user namespaces for each need an engine of root',
    );
  }
  if (overlay.idmapped) return;
  throw notImplemented(
    'this machine cannot show image layers under other ids, which user namespaces of containers need: that takes Linux 5.19 and a data root on ext4, xfs or btrfs',
  );
}

function freeRange(taken: Iterable<IdMap | undefined>): IdMap {
  const used = new Set<number>();
  for (const map of taken) for (const { hostID } of map?.uids ?? []) used.add(hostID);
  // The first one is the default of containers that share one.
  for (let first = FIRST + SIZE; first < LAST; first += SIZE) if (!used.has(first)) return rangeAt(first);
  throw conflict('every range of user ids is taken by a container: remove some that have one (--userns=auto)');
}

/** A user namespace as a run needs it: its maps, and the process in it where it is another container's. */
export interface UserNamespace extends IdMap {
  path?: string;
}

interface Neighbours {
  recordOf(reference: string): ContainerRecord;
  pidOf(reference: string): number;
}

/** The user namespace of a container that is about to run. */
export function userNamespaceOf(record: ContainerRecord, { recordOf, pidOf }: Neighbours): UserNamespace | undefined {
  const owners = shared(record).map((reference) => ownerOf(recordOf(reference), recordOf));
  const [owner] = owners;
  if (!owner) return record.userIds;
  if (owners.some(({ id, userIds }) => id !== owner.id && (userIds || owner.userIds))) {
    throw conflict(
      'the containers whose namespaces it would share have different user namespaces: share those of one of them',
    );
  }
  if (!owner.userIds) return undefined;
  const [nearest = owner.id] = shared(record);
  return { ...owner.userIds, path: `/proc/${pidOf(nearest)}/ns/user` };
}

/** Whose user namespace it is in the end. */
function ownerOf(record: ContainerRecord, recordOf: Neighbours['recordOf']): ContainerRecord {
  const [next] = shared(record);
  return next === undefined ? record : ownerOf(recordOf(next), recordOf);
}
