import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, EngineError, invalid, messageOf, notFound } from '../../base/errors.js';
import { newId, shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { ExecCreate, ExecInspect } from '../../contract/containers.js';
import type { DebugCreate } from '../../contract/files.js';
import {
  asRuncSays,
  Attachment,
  parseDetachKeys,
  type AttachStream,
  type Containers,
  type HelperRoom,
  type RunningContainer,
  type StoreRoom,
} from '../containers/index.js';
import { Monitor, type MonitorListener } from '../helper/index.js';
import { execRecord, foreignExec, planExec, type ExecPlan } from './request.js';

export interface ExecsOptions {
  runDir: string;
  store: StoreRoom;
  helper: HelperRoom;
  containers: Containers;
  /** The path of this machine's static busybox; refused where there is none. */
  toolbox: () => Promise<string>;
}

/** What the store keeps of an exec that runs, so that the next engine finds it. */
interface ExecRecord {
  id: string;
  containerId: string;
  body: ExecCreate;
  /** A program of this machine that runs in the place of one of the container's. */
  toolbox?: string;
  place?: Place;
}

/** Who holds an exec: the monitor of its container, or one of its own where the container's runtime is not ours. */
interface Place {
  stateDir: string;
  /** Its name among the container's execs; undefined with a monitor of its own. */
  name?: string;
  /** Where the container's monitor leaves word of ends that nobody was told of. */
  notes: string;
}

/** A further process of a container, from its creation to after its end. */
interface Exec extends ExecRecord {
  state: 'created' | 'starting' | 'running' | 'exited';
  /** The first process of the container when it was made: it belongs to that run. */
  run?: number;
  pid: number;
  exitCode: number | null;
  monitor?: Monitor;
  /** Resolves once it runs or will never do. */
  started: Promise<void>;
  start(): void;
}

const TABLE = 'execs';
/** As many ended execs can still be asked for their exit status. */
const REMEMBERED = 512;
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const KILLED = 137;

const log = createLog('exec');

/** Further processes in running containers. */
export class Execs {
  /** The tables of the store that are this room's. */
  static readonly tables = [TABLE];

  readonly #options: ExecsOptions;
  readonly #execs = new Map<string, Exec>();
  /** Ids of ended execs, oldest first. */
  readonly #ended: string[] = [];
  #lastCapability = 0;
  #closed = false;

  private constructor(options: ExecsOptions) {
    this.#options = options;
  }

  /** Takes over what runs, and reads how the rest ended. */
  static async open(options: ExecsOptions): Promise<Execs> {
    const execs = new Execs(options);
    execs.#lastCapability = Number(await readFile('/proc/sys/kernel/cap_last_cap', 'utf8'));
    const records = [...options.store.rows<ExecRecord>(TABLE).values()];
    await Promise.all(records.map((record) => execs.#adopt(record)));
    await Promise.all(
      [...new Set(records.map(({ place }) => place?.notes))].map((notes) => notes && rm(notes, { force: true })),
    );
    return execs;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { monitor } of this.#execs.values()) monitor?.close();
  }

  async create(containerReference: string, body: ExecCreate): Promise<{ Id: string }> {
    const { containers } = this.#options;
    if (!body.Cmd?.length) throw invalid('No exec command specified');
    parseDetachKeys(body.DetachKeys, 'escape');
    const { record, pid } = await containers.running(containerReference, 'exec');
    return this.#remember(newExec({ id: newId(), containerId: record.id, body }), pid);
  }

  /** One that brings its program along, for images without a shell: nothing of the image is run, and no file is left in the container. */
  async createDebug(containerReference: string, { Cmd, ...wish }: DebugCreate): Promise<{ Id: string }> {
    const { containers } = this.#options;
    parseDetachKeys(wish.DetachKeys, 'escape');
    const { record, pid } = await containers.running(containerReference, 'exec');
    if (record.runtime)
      throw conflict(`container ${record.id} runs with another runtime than Slipway's own, which has no debug shell`);
    const toolbox = await this.#options.toolbox();
    const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
    const body: ExecCreate = { ...streams, ...wish, Cmd: Cmd?.length ? Cmd : ['sh'] };
    return this.#remember(newExec({ id: newId(), containerId: record.id, body, toolbox }), pid);
  }

  /** Whether a debug shell can be had on this machine. */
  async hasToolbox(): Promise<boolean> {
    return this.#options.toolbox().then(
      () => true,
      () => false,
    );
  }

  #remember(exec: Exec, pid: number): { Id: string } {
    const { containers } = this.#options;
    exec.run = pid;
    this.#execs.set(exec.id, exec);
    containers.addExec(exec.containerId, exec.id);
    this.#announce(exec, 'exec_create');
    this.#forgetOld(exec.id);
    return { Id: exec.id };
  }

  /**
   * The stream comes at once, as Docker's does: what goes wrong after that is said in it. Detached: once it runs.
   * `tty` is what the client takes the stream for, a terminal's without frames, whatever the process has.
   */
  async start(
    id: string,
    options: { detach?: boolean; tty?: boolean; consoleSize?: [number, number] | null | undefined } = {},
  ): Promise<AttachStream | undefined> {
    const exec = this.#find(id);
    if (exec.state !== 'created') throw conflict(`Error: Exec command ${id} has already run`);
    const container = await this.#options.containers.running(exec.containerId, 'exec');
    exec.state = 'starting';
    this.#announce(exec, 'exec_start');
    if (options.detach) {
      await this.#launch(exec, container, options.consoleSize);
      return undefined;
    }
    const { body } = exec;
    const tty = body.Tty ?? false;
    const framed = !(options.tty ?? tty);
    const attachment = new Attachment({
      lend: (...errand) => this.#options.helper.lend(...errand),
      tty,
      framed,
      stdin: body.AttachStdin ?? false,
      stdout: body.AttachStdout ?? false,
      // Without frames nobody could tell the two apart: as with dockerd, stdout is what comes.
      stderr: framed && (body.AttachStderr ?? false),
      detachKeys: parseDetachKeys(body.DetachKeys),
      onDetach: () => this.#announce(exec, 'exec_detach'),
    });
    void this.#launch(exec, container, options.consoleSize, attachment)
      .catch((error: unknown) => {
        const text = Buffer.from(`${messageOf(error)}\r\n`);
        attachment.send(once(framed ? inFrame(text) : text));
      })
      .finally(() => attachment.finish());
    return attachment;
  }

  inspect(id: string): ExecInspect {
    const { containerId, body, state, pid, exitCode } = this.#find(id);
    const [entrypoint = '', ...rest] = body.Cmd;
    return {
      ID: id,
      Running: state === 'running',
      ExitCode: exitCode,
      ProcessConfig: {
        tty: body.Tty ?? false,
        entrypoint,
        arguments: rest,
        privileged: body.Privileged ?? false,
        ...(body.User && { user: body.User }),
      },
      OpenStdin: body.AttachStdin ?? false,
      OpenStderr: body.AttachStderr ?? false,
      OpenStdout: body.AttachStdout ?? false,
      CanRemove: false,
      ContainerID: containerId,
      DetachKeys: body.DetachKeys ?? '',
      Pid: pid,
    };
  }

  /** A client may ask before the process is there: it waits until it is. */
  async resize(id: string, rows: number, columns: number): Promise<void> {
    const exec = this.#find(id);
    if (exec.state === 'created') throw conflict(`exec ${id} is not running`);
    await exec.started;
    if (exec.state !== 'running' || !exec.monitor) throw notFound(`No such exec instance: ${id}`);
    await exec.monitor.resize(rows, columns);
  }

  #find(id: string): Exec {
    const exec = this.#execs.get(id);
    if (exec && this.#isStale(exec)) this.#forget(exec);
    else if (exec) return exec;
    throw notFound(`No such exec instance: ${id}`);
  }

  /** It was never started, and what it was made for has ended. */
  #isStale({ state, run, containerId }: Exec): boolean {
    return state === 'created' && this.#options.containers.glance(containerId)?.pid !== run;
  }

  #forget({ id, containerId }: Exec): void {
    this.#execs.delete(id);
    this.#options.containers.dropExec(containerId, id);
  }

  async #launch(
    exec: Exec,
    container: RunningContainer,
    consoleSize?: [number, number] | null,
    attachment?: Attachment,
  ): Promise<void> {
    const { id, containerId, body } = exec;
    exec.place = this.#placeOf(id, container);
    const { stateDir, name, notes } = exec.place;
    try {
      const recorded = this.#options.store.commit((change) => {
        change.passing();
        change.put(TABLE, id, { id, containerId, body, place: { stateDir, notes, ...(name && { name }) } });
      });
      // The row is for the next engine. Without it, on a full disk, the command runs all the same.
      recorded.catch((error: unknown) =>
        log.warn(`exec ${shortId(id)} would be lost with this engine: ${messageOf(error)}`),
      );
      const size = consoleSize ?? body.ConsoleSize;
      const plan = planExec(body, container, this.#lastCapability, size, exec.toolbox);
      await (name
        ? this.#run(exec, stateDir, name, plan, attachment)
        : this.#runForeign(exec, stateDir, plan, container, attachment));
      await recorded.catch(() => undefined);
      if (exec.state === 'starting') exec.state = 'running';
      else delete exec.monitor; // it is over already
      exec.start();
    } catch (cause) {
      const message = asRuncSays(messageOf(cause));
      exec.state = 'exited';
      exec.exitCode = /^exec: .*(executable file not found|no such file or directory)/i.test(message)
        ? NOT_FOUND
        : NOT_EXECUTABLE;
      exec.monitor?.close();
      exec.start();
      await this.#settle(exec);
      const kind = cause instanceof EngineError && cause.kind !== 'system' ? cause.kind : 'invalid';
      // A monitor that is not there any more has gone with its container.
      if (kind === 'unavailable' && !container.record.runtime)
        throw conflict(`container ${containerId} is not running`, { cause });
      throw new EngineError(
        kind,
        /^unable to find/.test(message)
          ? message
          : `OCI runtime exec failed: exec failed: unable to start container process: ${message}: unknown`,
        {
          cause,
        },
      );
    }
  }

  #placeOf(id: string, { record, paths }: RunningContainer): Place {
    const notes = join(paths.directory, 'execs');
    if (!record.runtime) return { stateDir: paths.stateDir, name: shortName(id), notes };
    return { stateDir: join(this.#options.runDir, 'x', shortName(id)), notes };
  }

  /** By the container's own monitor: process, streams and start in one go. */
  async #run(exec: Exec, stateDir: string, name: string, plan: ExecPlan, attachment?: Attachment): Promise<void> {
    const joined = attachment?.join(stateDir, name);
    joined?.catch(() => undefined); // where there is no exec to join, that says why
    exec.monitor = await Monitor.exec(stateDir, name, execRecord(plan, attachment !== undefined), this.#listener(exec));
    await joined;
  }

  /** By the helper, and a monitor of its own. */
  async #runForeign(
    exec: Exec,
    stateDir: string,
    plan: ExecPlan,
    container: RunningContainer,
    attachment?: Attachment,
  ): Promise<void> {
    exec.pid = (await this.#options.helper.exec(foreignExec(exec.id, stateDir, plan, container))).pid;
    [exec.monitor] = await Promise.all([Monitor.connect(stateDir, this.#listener(exec)), attachment?.join(stateDir)]);
    await exec.monitor.start();
  }

  #listener(exec: Exec): MonitorListener {
    let said = false;
    return {
      started: (pid) => (exec.pid = pid),
      exited: ({ code }) => {
        said = true;
        if (exec.state !== 'starting' || exec.pid > 0) void this.#end(exec, code);
      },
      closed: () => {
        // Killed, or its container with everything in it; a start that failed speaks for itself.
        if (!said && !this.#closed && exec.state === 'running') void this.#end(exec, KILLED);
      },
    };
  }

  async #end(exec: Exec, code: number): Promise<void> {
    if (exec.state === 'exited') return;
    exec.state = 'exited';
    exec.exitCode = code;
    exec.monitor?.close();
    delete exec.monitor;
    this.#announce(exec, 'exec_die', { exitCode: String(code) });
    await this.#settle(exec);
  }

  /** What it had outside our memory is given back; its exit status stays for a while. */
  async #settle(exec: Exec): Promise<void> {
    const { containers, helper, store } = this.#options;
    containers.dropExec(exec.containerId, exec.id);
    this.#ended.push(exec.id);
    try {
      await Promise.all([
        exec.place && !exec.place.name && helper.delete(exec.id, { exec: true }),
        store.commit((change) => {
          change.passing();
          change.remove(TABLE, exec.id);
        }),
      ]);
    } catch (error) {
      log.warn(`what exec ${shortId(exec.id)} left could not be cleared away: ${messageOf(error)}`);
    }
  }

  #forgetOld(newest: string): void {
    while (this.#ended.length > REMEMBERED) this.#execs.delete(this.#ended.shift() as string);
    // Created and never started: nothing ends them.
    if (this.#execs.size <= 4 * REMEMBERED) return;
    for (const exec of this.#execs.values()) {
      if (exec.state !== 'created' || exec.id === newest) continue;
      this.#forget(exec);
      return;
    }
  }

  async #adopt(record: ExecRecord): Promise<void> {
    const exec = newExec(record);
    this.#execs.set(exec.id, exec);
    exec.state = 'starting';
    const { place } = exec;
    const monitor =
      place && (await Monitor.connect(place.stateDir, this.#listener(exec), place.name).catch(() => undefined));
    if (monitor) exec.monitor = monitor;
    exec.start();
    if (monitor?.state.phase === 'running') {
      exec.state = 'running';
      exec.pid = monitor.state.pid;
      this.#options.containers.addExec(exec.containerId, exec.id);
      return;
    }
    // Made but never let go: its client has gone with the engine that made it.
    if (monitor?.state.phase === 'created') await monitor.signal(9).catch(() => undefined);
    await this.#end(exec, monitor?.state.exit?.code ?? (place && (await exitCodeOf(place))) ?? KILLED);
  }

  #announce(exec: Exec, action: string, attributes: Record<string, string> = {}): void {
    const [entrypoint, ...rest] = exec.body.Cmd;
    const said =
      action === 'exec_create' || action === 'exec_start' ? `${action}: ${entrypoint} ${rest.join(' ')}` : action;
    this.#options.containers.announce(exec.containerId, said, { execID: exec.id, ...attributes });
  }
}

function newExec(record: ExecRecord): Exec {
  let start!: () => void;
  const started = new Promise<void>((resolve) => (start = resolve));
  return { ...record, state: 'created', pid: 0, exitCode: null, started, start };
}

const shortName = (id: string): string => id.slice(0, 16);

/** How one ended that no engine was told of. */
async function exitCodeOf({ stateDir, name, notes }: Place): Promise<number | undefined> {
  try {
    if (!name) return (JSON.parse(await readFile(join(stateDir, 'exit.json'), 'utf8')) as { code: number }).code;
    const line = (await readFile(notes, 'utf8')).split('\n').find((text) => text.startsWith(`${name} `));
    const [, code] = / code=(\d+) /.exec(line ?? '') ?? [];
    return code === undefined ? undefined : Number(code);
  } catch {
    return undefined;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** As a frame of stdout, where dockerd puts its own words too. */
function inFrame(text: Buffer): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(text.length, 4);
  return Buffer.concat([header, text]);
}
