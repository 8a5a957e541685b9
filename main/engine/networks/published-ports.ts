import { access } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { Forwarder, type HoldRequest } from '../forwarder/index.js';
import type { Helper } from '../helper/index.js';
import type { PublishedPort } from './record.js';

/** A port that `-p` asks for. */
export interface PortWish {
  protocol: 'tcp' | 'udp' | 'sctp';
  /** Inside. */
  port: number;
  /** Of this machine; empty: all of both families. */
  address: string;
  /** The first free one of these; 0 and 0: any. */
  first: number;
  last: number;
}

const log = createLog('networks');

/** Host ports of containers, held by the forwarder. It is not there before somebody publishes a port. */
export class PublishedPorts {
  readonly #options: {
    helper: Pick<Helper, 'companion'>;
    runDir: string;
    nameOf(container: string): string | undefined;
  };
  #forwarder: Promise<Forwarder> | undefined;

  constructor(options: {
    helper: Pick<Helper, 'companion'>;
    runDir: string;
    nameOf(container: string): string | undefined;
  }) {
    this.#options = options;
  }

  /** All or none. `targets`: the container's addresses, IPv4 and IPv6. */
  async hold(container: string, wishes: PortWish[], targets: { ipv4: string; ipv6: string }): Promise<PublishedPort[]> {
    const requests = wishes.flatMap((wish, index) => requestsFor(wish, index, targets));
    const held = await (await this.#opened()).hold(container, requests);
    return held.map(({ protocol, address, port, target }) => ({
      ...{ protocol, address, hostPort: port, port: target.port, target: target.address },
    }));
  }

  /** Those of a container that runs since an engine before us. */
  async keep(container: string, ports: PublishedPort[]): Promise<void> {
    const requests = ports.map(({ protocol, address, hostPort, port, target }) => ({
      ...{ protocol, address, first: hostPort, last: hostPort, target: { address: target, port } },
    }));
    await (await this.#opened()).hold(container, requests);
  }

  /** Whatever is held by containers that are not among these is let go. */
  async keepOnly(containers: ReadonlySet<string>): Promise<void> {
    const forwarder = await this.#opened();
    for (const { key } of await forwarder.state()) if (!containers.has(key)) await forwarder.release(key);
  }

  release(container: string): void {
    void this.#opened()
      .then((forwarder) => forwarder.release(container))
      .catch((error: unknown) => log.warn(`published ports could not be released: ${messageOf(error)}`));
  }

  async close({ last }: { last: boolean }): Promise<void> {
    // One that an engine before us started, and that we had no use for, ends too.
    const left =
      last &&
      (await access(join(this.#options.runDir, 'forwarder.sock')).then(
        () => true,
        () => false,
      ));
    const forwarder = await (left ? this.#opened() : this.#forwarder)?.catch(() => undefined);
    await forwarder?.close({ last });
  }

  #opened(): Promise<Forwarder> {
    const opening = (this.#forwarder ??= Forwarder.open(this.#options));
    opening.catch(() => (this.#forwarder = undefined));
    return opening;
  }
}

/** All addresses means both families, at the same port. */
function requestsFor(
  { protocol, port, address, first, last }: PortWish,
  index: number,
  { ipv4, ipv6 }: { ipv4: string; ipv6: string },
): HoldRequest[] {
  const to = (family: 4 | 6) => ({ address: (family === 6 && ipv6) || ipv4 || ipv6, port });
  const request = { protocol, first, last, group: String(index) };
  if (address !== '') return [{ ...request, address, target: to(isIP(address) as 4 | 6) }];
  return [
    { ...request, address: '0.0.0.0', target: to(4) },
    { ...request, address: '::', target: to(6) },
  ];
}
