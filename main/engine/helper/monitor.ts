import type { Socket } from 'node:net';
import { join } from 'node:path';
import { codeOf, conflict, type EngineError, system, unavailable } from '../../base/errors.js';
import { LineInput } from './call.js';
import { NotListening, open } from './connect.js';
import { restoreStateDirectory } from './state-directory.js';
import { Tap } from './tap.js';

/** How a process ended. `code` is 128 + signal for a signalled one. */
export interface MonitorExit {
  code: number;
  signal: number;
  oom: boolean;
  finished: string;
}

/** What a monitor says unasked. `closed` comes last, exactly once; without `exited` before it the monitor was killed. */
export interface MonitorListener {
  /** An exec became its program. */
  started?(pid: number): void;
  oom?(): void;
  /** What the container's health has become. */
  health?(status: string): void;
  exited?(exit: MonitorExit): void;
  closed?(): void;
}

const SOCKET = 'monitor.sock';

/** The monitor could not make the process; `step` and `errno` say where it stopped. */
export interface StartFailure {
  step: string;
  errno: number;
}

export interface MonitorState {
  phase: 'created' | 'running' | 'exited';
  pid: number;
  started: string;
  exit?: MonitorExit;
}

/** The control connections of containers, by state directory: they last where the name of a socket is taken away. */
const connected = new Map<string, Monitor>();

/** A control connection to the monitor of one container or exec. */
export class Monitor {
  readonly #socket: Socket;
  #listeningAgain: Promise<void> | undefined;
  readonly #answers: ((line: string | undefined) => void)[] = [];
  /** The answer to a start that was sent before its time. */
  #ahead: Promise<string | undefined> | undefined;

  private constructor(
    socket: Socket,
    input: LineInput,
    readonly state: MonitorState,
    private readonly listener: MonitorListener,
    ahead: boolean,
  ) {
    this.#socket = socket;
    if (ahead) this.#ahead = new Promise((resolve) => this.#answers.push(resolve));
    void this.#listen(input);
  }

  /** Connects to the monitor of a state directory, for the container itself or one of its execs. Throws not-there as `unavailable`. */
  static connect(stateDir: string, listener: MonitorListener = {}, exec?: string): Promise<Monitor> {
    return Monitor.#open(stateDir, listener, exec ? `control 1 exec=${exec}\n` : 'control 1\n');
  }

  /** Calls a monitor that is still coming up. Once `allowed` resolves the process is let go as soon as it is there; `start` says how that went. */
  static call(stateDir: string, listener: MonitorListener, allowed: Promise<void>): Promise<Monitor> {
    return Monitor.#open(stateDir, listener, 'control 1\n', allowed);
  }

  /** Has a further process made of what `record` says (docs/helper-protocol.md), and let go. Resolves once its execve has succeeded. */
  static async exec(stateDir: string, id: string, record: Buffer, listener: MonitorListener): Promise<Monitor> {
    const hello = Buffer.concat([Buffer.from(`exec 1 ${id} ${record.length}\n`), record]);
    const monitor = await Monitor.#open(stateDir, listener, hello, Promise.resolve());
    try {
      await monitor.start();
    } catch (error) {
      monitor.close();
      throw error;
    }
    return monitor;
  }

  static async #open(
    stateDir: string,
    listener: MonitorListener,
    hello: string | Buffer,
    allowed?: Promise<void>,
  ): Promise<Monitor> {
    const socket = await openMonitor(stateDir);
    socket.write(hello);
    const start = () => void (socket.destroyed || socket.write('start\n'));
    allowed?.then(start, () => undefined);
    const input = new LineInput(socket);
    const line = await input.line();
    const state = line === undefined ? undefined : parseState(line);
    if (!state) {
      socket.destroy();
      if (line?.startsWith('error ')) throw parseError(line);
      throw unavailable('the monitor of the process has gone before it answered: it was killed; try again');
    }
    const monitor = new Monitor(socket, input, state, listener, allowed !== undefined);
    if (typeof hello === 'string' && !hello.includes('exec=')) monitor.#register(stateDir);
    return monitor;
  }

  #register(stateDir: string): void {
    connected.set(stateDir, this);
    this.#socket.once('close', () => connected.get(stateDir) === this && connected.delete(stateDir));
  }

  /** Who cleared the run directory took the name of the monitor's socket away: it gets it back. */
  listenAgain(stateDir: string): Promise<void> {
    const again = async () => {
      await restoreStateDirectory(stateDir, this.state.pid);
      await this.#command(`listen ${join(stateDir, SOCKET)}`);
    };
    return (this.#listeningAgain ??= again().finally(() => (this.#listeningAgain = undefined)));
  }

  /** Lets the process go. Resolves once its execve has succeeded; afterwards the monitor's own end is its `exited`. */
  async start(): Promise<void> {
    const line = await (this.#ahead ?? this.#answer('start'));
    // It waits to be let go: only with its monitor, or with the helper that has just made both, does it end before that.
    if (line === undefined)
      throw conflict('the process has gone before it was let go: its monitor or the helper was killed; try again');
    expectOk(line);
  }

  signal(number: number): Promise<void> {
    return this.#command(`signal ${number}`);
  }

  resize(rows: number, columns: number): Promise<void> {
    return this.#command(`resize ${rows} ${columns}`);
  }

  closeStdin(): Promise<void> {
    return this.#command('close-stdin');
  }

  close(): void {
    this.#socket.destroy();
  }

  async #command(command: string): Promise<void> {
    expectOk(await this.#answer(command));
  }

  /** Nothing where the monitor has gone. */
  #answer(command: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed || this.#socket.writableEnded) return resolve(undefined);
      this.#answers.push(resolve);
      this.#socket.write(command + '\n');
    });
  }

  async #listen(input: LineInput): Promise<void> {
    for (;;) {
      const line = await input.line();
      if (line === undefined) break;
      if (!line.startsWith('event ')) {
        this.#answers.shift()?.(line);
        continue;
      }
      const [, event, what = ''] = line.split(' ', 3);
      if (event === 'started') this.listener.started?.(Number(words(line)['pid'] ?? 0));
      if (event === 'oom') this.listener.oom?.();
      if (event === 'health') this.listener.health?.(what);
      if (event === 'exited') this.listener.exited?.(parseExit(words(line)));
    }
    this.#socket.destroy();
    for (const answer of this.#answers.splice(0)) answer(undefined);
    this.listener.closed?.();
  }
}

/** A connection to a process's streams. */
export interface MonitorAttachment {
  /** Where the stream begins: bytes in the current log file, and rotations so far. */
  log: number;
  seq: number;
  /** After so many bytes it waits to be told where its output goes; undefined: never. */
  outletAfter: number | undefined;
  /** Bytes as the client gets them, each chunk good until the next is asked for. Ending the iteration closes the connection. */
  output: AsyncIterable<Uint8Array>;
  /** For what goes to stdin: write, end (half-close), destroy. */
  socket: Socket;
}

/**
 * `framed`: Docker's frames, or bytes as they are; undefined: frames, except from a terminal.
 * `outletAfter`: so many bytes come, and no more until it is said where to (`Helper.lend`). Where something is typed, none come before.
 */
export async function attachMonitor(
  stateDir: string,
  streams: { stdin: boolean; stdout: boolean; stderr: boolean },
  { exec, framed, outletAfter }: { exec?: string | undefined; framed?: boolean; outletAfter?: number } = {},
): Promise<MonitorAttachment> {
  const tap = await reach(stateDir, Tap.open);
  const { socket } = tap;
  const subject = exec ? ` exec=${exec}` : '';
  const flag = (on: boolean) => (on ? 1 : 0);
  const wanted = `stdin=${flag(streams.stdin)} stdout=${flag(streams.stdout)} stderr=${flag(streams.stderr)}`;
  const form = framed === undefined ? '' : ` framed=${flag(framed)}`;
  const outlet = outletAfter === undefined ? '' : ` outlet=1 after=${outletAfter}`;
  socket.write(`attach${subject} ${wanted}${form}${outlet}\n`);
  const line = await tap.line();
  if (!line?.startsWith('ok ')) {
    socket.destroy();
    throw line === undefined
      ? unavailable(
          'the process has gone before it could be attached to: it has just ended, or its monitor was killed; try again',
        )
      : parseError(line);
  }
  const said = words(line);
  return {
    log: Number(said['log']),
    seq: Number(said['seq']),
    outletAfter: said['outlet'] === '1' ? Number(said['after'] ?? 0) : undefined,
    output: tap.rest(),
    socket,
  };
}

const openMonitor = (stateDir: string): Promise<Socket> => reach(stateDir, open);

async function reach<Connection>(stateDir: string, opened: (path: string) => Promise<Connection>): Promise<Connection> {
  const path = join(stateDir, SOCKET);
  try {
    return await opened(path).catch(async (error: unknown) => {
      const holder = isNameless(error) ? connected.get(stateDir) : undefined;
      if (!holder) throw error;
      // Somebody else may have given it back its name in the meantime.
      await holder.listenAgain(stateDir).catch(() => undefined);
      return opened(path);
    });
  } catch (error) {
    if (error instanceof NotListening)
      throw unavailable(
        'the monitor of the process has gone: it was killed, or the process has just ended; try again',
        {
          cause: error,
        },
      );
    throw error;
  }
}

const isNameless = (error: unknown): boolean => error instanceof NotListening && codeOf(error.cause) === 'ENOENT';

/** What a command was answered. */
function expectOk(line: string | undefined): void {
  if (line === 'ok') return;
  throw line === undefined ? conflict('the process has ended') : parseError(line);
}

/** `key=value` words of a line. */
function words(line: string): Record<string, string> {
  const pairs = line.split(' ').filter((word) => word.includes('='));
  return Object.fromEntries(pairs.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
}

function parseState(line: string): MonitorState | undefined {
  const [head, phase] = line.split(' ', 2);
  if (head !== 'state' || (phase !== 'created' && phase !== 'running' && phase !== 'exited')) return undefined;
  const said = words(line);
  return {
    phase,
    pid: Number(said['pid'] ?? 0),
    started: said['started'] ?? '',
    ...(phase === 'exited' && { exit: parseExit(said) }),
  };
}

const parseExit = (said: Record<string, string>): MonitorExit => ({
  code: Number(said['code'] ?? 0),
  signal: Number(said['signal'] ?? 0),
  oom: said['oom'] === '1',
  finished: said['finished'] ?? new Date().toISOString(),
});

/** `error ERRNO STEP MESSAGE…` */
function parseError(line: string): EngineError {
  const [, errno, step, message] = /^error (\d+) (\S+) ?(.*)$/.exec(line) ?? [];
  return system(message || line, { cause: { errno: Number(errno ?? 0), step: step ?? '' } satisfies StartFailure });
}
