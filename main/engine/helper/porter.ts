import { spawn, type ChildProcess, type SendHandle } from 'node:child_process';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { unavailable } from '../../base/errors.js';

type Outcome = 'done' | 'failed' | 'unknown';

/**
 * Has monitors write to our clients' connections themselves. Node sends a socket to its own children alone, so one of them, which does nothing else,
 * sends it on.
 */
export class Porter {
  readonly #binary: string;
  #child: ChildProcess | undefined;
  readonly #errands = new Map<string, (outcome: Outcome) => void>();
  #last = 0;
  #closed = false;

  constructor(helper: string) {
    this.#binary = join(dirname(helper), 'slipway-monitor');
  }

  /** Says at an attached connection where its output goes: to `target`, or, where there is none or it cannot be lent, to us. */
  async lend(attached: Socket, target?: object): Promise<void> {
    const outcome = target ? await this.#carry(attached, target) : 'failed';
    // A second byte would be input of the process.
    if (outcome === 'unknown') throw unavailable('slipway-porter was killed in the middle of this: try again');
    if (outcome === 'failed' && !attached.destroyed) attached.write('\n');
  }

  /** Gives a connection's reader room to take its time: a mebibyte where Linux has a fifth of that, so that whoever writes much waits less often. */
  widen(socket: object): void {
    const handle = handleOf(socket);
    if (!handle || this.#closed) return;
    try {
      this.#child ??= this.#start();
      (this.#child.send as Send).call(this.#child, 0, handle, {}, () => undefined);
    } catch {
      // It stays as it is.
    }
  }

  close(): void {
    this.#closed = true;
    if (this.#child?.connected) this.#child.disconnect();
  }

  #carry(attached: object, target: object): Promise<Outcome> {
    const handles = [attached, target].map(handleOf);
    if (this.#closed || handles.some((handle) => !handle)) return Promise.resolve('failed');
    return new Promise((resolve) => {
      const errand = ++this.#last;
      try {
        const child = (this.#child ??= this.#start());
        this.#errands.set(String(errand), resolve);
        for (const handle of handles)
          (child.send as Send).call(
            child,
            errand,
            handle,
            {},
            (error) => error && this.#settle(String(errand), 'unknown'),
          );
      } catch {
        this.#errands.delete(String(errand));
        resolve('failed');
      }
    });
  }

  #start(): ChildProcess {
    const child = spawn(this.#binary, { argv0: 'slipway-porter', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const gone = (outcome: Outcome) => () => {
      if (this.#child === child) this.#child = undefined;
      for (const errand of this.#errands.keys()) this.#settle(errand, outcome);
    };
    child.once('error', gone(child.pid === undefined ? 'failed' : 'unknown'));
    for (const name of ['exit', 'disconnect']) child.once(name, gone('unknown'));
    child.on('message', (said) => {
      const [errand = '', outcome] = String(said).split(' ');
      this.#settle(errand, outcome === 'done' ? 'done' : 'failed');
    });
    child.unref();
    child.channel?.unref();
    return child;
  }

  #settle(errand: string, outcome: Outcome): void {
    this.#errands.get(errand)?.(outcome);
    this.#errands.delete(errand);
  }
}

type Send = (
  message: number,
  handle: SendHandle | undefined,
  options: object,
  callback: (error: Error | null) => void,
) => boolean;

/** The bare handle: with the `net.Socket` of a server Node would ask the child for its leave before that server may close. */
const handleOf = (socket: object): SendHandle | undefined =>
  (socket as { _handle?: SendHandle | null })._handle ?? undefined;
