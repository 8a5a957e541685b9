import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError, unavailable } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { Helper } from '../helper/index.js';
import { overlaps, parseSubnet, type Subnet } from './addresses.js';
import { addRules, removeRules } from './rules.js';
import { readRoutes, type Route } from './routes.js';

/** A port of this machine that leads into a container. */
export interface PublishedPort {
  protocol: 'tcp' | 'udp' | 'sctp';
  /** Of this machine: `0.0.0.0`, `::`, `127.0.0.1`. */
  address: string;
  hostPort: number;
  /** Inside. */
  port: number;
  /** The container's address. */
  target: string;
}

/** A bridge of ours on this machine, and the addresses it has. */
export interface Bridge {
  name: string;
  /** With prefix lengths: `172.17.0.1/16`, `fd00::1/64`. */
  addresses: string[];
  /** When not given, what the way out of this machine carries. */
  mtu?: number;
  /** No way out, and none in. */
  internal?: boolean;
  /** False: packets leave with the addresses they have. */
  masquerade?: boolean;
  /** What leads from outside to who is connected. */
  ports?: PublishedPort[];
}

type WiresHelper = Pick<Helper, 'bridge' | 'bridgeRemove' | 'nft'>;

const USUAL_MTU = 1500;

/** How long a bridge is waited for that links of ended containers are still on, in milliseconds. */
const PATIENCE = 10_000;
const BETWEEN_TRIES = 20;

const log = createLog('wires');

/** Docker's own range first, so that a machine with one engine has the addresses people know. */
const SUBNETS: Subnet[] = [
  ...Array.from({ length: 15 }, (_, index) => `172.${17 + index}.0.0/16`),
  ...Array.from({ length: 16 }, (_, index) => `192.168.${16 * index}.0/20`),
].map(parseSubnet);

/** Bridges and what is said of them to the helper. Makes no decision about who is connected to what. */
export class Wires {
  readonly #helper: WiresHelper;
  readonly #routes: () => Promise<Route[]>;
  /** By name: how it was asked for last, and when it is so. */
  readonly #made = new Map<string, { wish: string; done: Promise<void> }>();

  constructor(helper: WiresHelper, routes: () => Promise<Route[]> = readRoutes) {
    this.#helper = helper;
    this.#routes = routes;
  }

  /** The networks, of both families, that a route of this machine leads to. Those of a bridge that is to be made anew do not count. */
  async taken({ except = [] }: { except?: string[] } = {}): Promise<Subnet[]> {
    return (await this.#routes()).filter(({ link, prefix }) => prefix > 0 && !except.includes(link));
  }

  /** A network of IPv4 that no route of this machine leads to already; `preferred` if it is still free. A bridge's own route is none; `others` are taken too. */
  async freeSubnet(preferred?: Subnet, bridge?: string, others: Subnet[] = []): Promise<Subnet> {
    const taken = [...(await this.taken({ except: bridge === undefined ? [] : [bridge] })), ...others];
    const candidates = preferred ? [preferred, ...SUBNETS] : SUBNETS;
    const free = candidates.find((subnet) => !taken.some((route) => overlaps(route, subnet)));
    if (!free) {
      throw unavailable(
        "every address range for containers (172.17.0.0/16 and after, 192.168.0.0/16) is among this machine's routes: remove one, or use --network host",
      );
    }
    return free;
  }

  /** A bridge name that no link of this machine has. */
  async freeName(taken: ReadonlySet<string> = new Set()): Promise<string> {
    for (let number = 0; ; number++) {
      const name = `slipway${number}`;
      if (!taken.has(name) && !(await linkExists(name))) return name;
    }
  }

  /** Has the bridge be as asked. Once it is so it is not looked at again, so that the next start is quick. */
  ensure(bridge: Bridge): Promise<void> {
    const { name } = bridge;
    const wish = JSON.stringify(bridge);
    const before = this.#made.get(name);
    if (before?.wish === wish) return before.done;
    // One after the other: the rules that were asked for last are those that stay.
    const settled = before?.done.catch(() => undefined) ?? Promise.resolve();
    const made = { wish, done: settled.then(() => this.#make(bridge)) };
    this.#made.set(name, made);
    made.done.catch(() => this.#made.get(name) === made && this.#made.delete(name));
    return made.done;
  }

  /** A bridge that an engine before us left: its rules are made good again. False: there is none, or it is somebody else's. */
  async adopt(bridge: Bridge): Promise<'adopted' | 'absent' | 'foreign'> {
    if (!(await linkExists(bridge.name))) return 'absent';
    try {
      await this.ensure(bridge);
      return 'adopted';
    } catch (error) {
      if (error instanceof EngineError && error.kind === 'conflict') return 'foreign';
      throw error;
    }
  }

  /** Has `make` join a container to bridges, which are there by then. */
  async plug<Made>(bridges: Bridge[], make: () => Promise<Made>): Promise<Made> {
    await this.#ensureAll(bridges);
    try {
      return await make();
    } catch (error) {
      const there = await Promise.all(bridges.map(({ name }) => linkExists(name)));
      const gone = bridges.filter((_, index) => !there[index]); // taken away behind our back
      if (gone.length === 0) throw error;
      for (const { name } of gone) this.#made.delete(name);
      await this.#ensureAll(bridges);
      return make();
    }
  }

  /** Takes the bridge away once nothing is connected to it: the links of a container go a moment after it. */
  async remove({ name }: Bridge): Promise<void> {
    this.#made.delete(name);
    if (!(await linkExists(name))) return;
    const deadline = Date.now() + PATIENCE;
    while (!(await this.#helper.bridgeRemove(name)))
      if (Date.now() > deadline) return log.warn(`the bridge ${name} stays: something is still connected to it`);
      else await sleep(BETWEEN_TRIES);
    await this.#helper.nft(removeRules(name));
  }

  async #ensureAll(bridges: Bridge[]): Promise<void> {
    await Promise.all(bridges.map((bridge) => this.ensure(bridge)));
  }

  async #make(bridge: Bridge): Promise<void> {
    const { name, addresses, mtu } = bridge;
    await this.#helper.bridge({ name, addresses, mtu: mtu ?? (await this.mtu()) });
    await this.#helper.nft(addRules(bridge));
  }

  /** Not more than the way out carries: a tunnel's smaller packets would otherwise be lost without a word. */
  async mtu(): Promise<number> {
    const out = (await this.#routes()).find(({ prefix }) => prefix === 0);
    const file = `/proc/sys/net/ipv6/conf/${out?.link}/mtu`; // the one place outside /sys; the link's own unless somebody set it
    const text = out && (await readFile(file, 'utf8').catch(() => undefined));
    return Math.min(USUAL_MTU, Number(text) || USUAL_MTU);
  }
}

/** A name for the host's end of a wire. Every one has its own: an old one may still be going. */
export const newVeth = (): string => `veth${randomBytes(4).toString('hex').slice(0, 7)}`;

/** Not from /sys, which may be another network namespace's. */
async function linkExists(name: string): Promise<boolean> {
  const table = await readFile('/proc/net/dev', 'utf8');
  return table.split('\n').some((line) => line.trim().startsWith(`${name}:`));
}
