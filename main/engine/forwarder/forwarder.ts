import { isIPv6 } from 'node:net';
import { EngineError, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { Companion, type Ask, type Helper } from '../helper/index.js';
import { holderOf, type Protocol } from './holder.js';

/** Where what comes to a host port is relayed to. */
export interface Target {
  address: string;
  port: number;
}

/** A host port that is wanted. */
export interface HoldRequest {
  protocol: Protocol;
  /** `0.0.0.0`, `::`, or one of this machine's addresses. */
  address: string;
  /** The first free one from `first` to `last`; 0 and 0: any of the ephemeral range. */
  first: number;
  last: number;
  target: Target;
  /** Neighbours of one group, protocol, range and target port get the same port: `0.0.0.0` and `::`. */
  group?: string;
}

/** A host port that is held. */
export interface HeldPort {
  protocol: Protocol;
  address: string;
  port: number;
  target: Target;
}

/** What one key holds. */
export interface Hold {
  key: string;
  ports: HeldPort[];
}

export interface ForwarderOptions {
  helper: Pick<Helper, 'companion'>;
  runDir: string;
  /** The container of a key, for messages. */
  nameOf?: (key: string) => string | undefined;
}

interface Granted {
  protocol: Protocol;
  address: string;
  port: number;
  /** Which of the wishes it is. */
  index: number;
}

const log = createLog('forwarder');

/** Host ports of containers: held by a socket of the companion, so that nobody else takes them, which relays what comes there. */
export class Forwarder {
  readonly #nameOf: (key: string) => string | undefined;
  #companion!: Companion;
  /** With the ports that were chosen: a new companion is asked for those. */
  readonly #holds = new Map<string, HoldRequest[]>();

  private constructor({ nameOf }: ForwarderOptions) {
    this.#nameOf = nameOf ?? (() => undefined);
  }

  /** What was held before us still is: `state` says what that is, and holding it again under the same key changes nothing. */
  static async open(options: ForwarderOptions): Promise<Forwarder> {
    const forwarder = new Forwarder(options);
    forwarder.#companion = await Companion.open({
      helper: options.helper,
      runDir: options.runDir,
      name: 'forwarder',
      onReopened: (ask) => forwarder.#replay(ask),
    });
    return forwarder;
  }

  /**
   * All of these ports or none; what the key held and is not among them is released. `[::]` is left out where the machine has no IPv6 and `0.0.0.0` is of its
   * group.
   */
  async hold(key: string, ports: HoldRequest[]): Promise<HeldPort[]> {
    let granted: Granted[];
    try {
      ({ ports: granted } = await this.#companion.ask<{ ports: Granted[] }>({ op: 'hold', key, ports }));
    } catch (error) {
      throw await this.#explained(error, key);
    }
    // Replies come in the order of the requests: what was asked last counts.
    this.#remember(key, ports, granted);
    return granted.flatMap(({ index, ...held }) => {
      const target = ports[index]?.target;
      return target ? [{ ...held, target }] : [];
    });
  }

  /** Closes what the key holds, with its connections. Idempotent. */
  async release(key: string): Promise<void> {
    try {
      await this.#companion.ask({ op: 'release', key });
    } finally {
      this.#holds.delete(key);
    }
  }

  /** What is held now, also from before us. */
  async state(): Promise<Hold[]> {
    return (await this.#companion.ask<{ holds: Hold[] }>({ op: 'state' })).holds;
  }

  /** Lets go of the companion, which goes on; `last`: it ends, and all ports with it. */
  close({ last }: { last: boolean }): Promise<void> {
    return this.#companion.close({ end: last });
  }

  #remember(key: string, ports: HoldRequest[], granted: Granted[]): void {
    if (granted.length === 0) return void this.#holds.delete(key);
    const chosen = new Map(granted.map(({ index, port }) => [index, port]));
    let last = 0;
    // One that was left out shares the port of its group, which came before it or comes next.
    const fixed = ports.map((wish, index) => {
      last = chosen.get(index) ?? (wish.group === ports[index - 1]?.group ? last : (chosen.get(index + 1) ?? 0));
      return last === 0 ? wish : { ...wish, first: last, last };
    });
    this.#holds.set(key, fixed);
  }

  async #replay(ask: Ask): Promise<void> {
    for (const [key, ports] of this.#holds) {
      try {
        await ask({ op: 'hold', key, ports });
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        const explained = await this.#explained(error, key, ask);
        log.error(`ports of ${this.#nameOf(key) ?? key} are lost: ${messageOf(explained)}`);
      }
    }
  }

  /** A conflict names who has the port. */
  async #explained(error: unknown, key: string, ask?: Ask): Promise<unknown> {
    const place = error instanceof EngineError && error.kind === 'conflict' ? placeOf(error.message) : undefined;
    if (!place || !(error instanceof EngineError)) return error;
    const { holds } = await (ask ?? (<T>(request: object) => this.#companion.ask<T>(request)))<{ holds: Hold[] }>({
      op: 'state',
    });
    const owner = holds.find((hold) => hold.key !== key && hold.ports.some((held) => isInTheWay(held, place)));
    if (owner) {
      const name = this.#nameOf(owner.key);
      const message = `Bind for ${place.shown}:${place.port} failed: port is already allocated`;
      return new EngineError('conflict', name === undefined ? message : `${message}: container ${name} has it`, {
        cause: error,
      });
    }
    const holder = await holderOf(place.protocol, place.address, place.port);
    if (!holder) return error;
    return new EngineError('conflict', `${error.message}: ${holder.name} (pid ${holder.pid}) listens there`, {
      cause: error,
    });
  }
}

interface Place {
  protocol: Protocol;
  address: string;
  /** With brackets, where it is of IPv6. */
  shown: string;
  port: number;
}

/** The port that a message of the companion's is about. */
function placeOf(message: string): Place | undefined {
  const found = /^failed to bind host port (\S+):(\d+)\/(tcp|udp|sctp): address already in use$/.exec(message);
  if (!found) return undefined;
  const [, shown = '', port, protocol] = found;
  return { protocol: protocol as Protocol, address: shown.replace(/^\[|\]$/g, ''), shown, port: Number(port) };
}

function isInTheWay(held: HeldPort, { protocol, address, port }: Place): boolean {
  if (held.protocol !== protocol || held.port !== port || isIPv6(held.address) !== isIPv6(address)) return false;
  return held.address === address || [held.address, address].some((each) => each === '0.0.0.0' || each === '::');
}
