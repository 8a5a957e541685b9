import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { conflict, EngineError, invalid, messageOf, notFound } from '../../base/errors.js';
import { newId, shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { ExecCreate, ExecInspect } from '../../contract/containers.js';
import {
  Attachment,
  capabilitiesOf,
  cgroupOf,
  environmentOf,
  hostNameOf,
  mergeEnvironment,
  parseDetachKeys,
  securityOptions,
  type AttachStream,
  type Containers,
  type HelperRoom,
  type RunningContainer,
  type StoreRoom,
} from '../containers/index.js';
import { Monitor } from '../helper/index.js';

export interface ExecsOptions {
  runDir: string;
  store: StoreRoom;
  helper: HelperRoom;
  containers: Containers;
}

/** What the store keeps of an exec that runs, so that the next engine finds it. */
interface ExecRecord {
  id: string;
  containerId: string;
  body: ExecCreate;
}

/** A further process of a container, from its creation to after its end. */
interface Exec extends ExecRecord {
  state: 'created' | 'starting' | 'running' | 'exited';
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

/** A slow reader holds the process back as a pipe would; only after long does the rest go to a file. */
const EXEC_SPOOL = { memory: 4 * 2 ** 20, patience: 10_000, cap: 2 ** 30 };

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
    return execs;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { monitor } of this.#execs.values()) monitor?.close();
  }

  async create(containerReference: string, body: ExecCreate): Promise<{ Id: string }> {
    const { containers } = this.#options;
    if (!body.Cmd?.length) throw invalid('No exec command specified');
    parseDetachKeys(body.DetachKeys);
    const { record } = await containers.running(containerReference, 'exec');
    const exec = newExec({ id: newId(), containerId: record.id, body });
    this.#execs.set(exec.id, exec);
    containers.addExec(record.id, exec.id);
    this.#announce(exec, 'exec_create');
    this.#forgetOld(exec.id);
    return { Id: exec.id };
  }

  /** The stream comes at once, as Docker's does: what goes wrong after that is said in it. Detached: once it runs. */
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
    const attachment = new Attachment({
      tty,
      stdin: body.AttachStdin ?? false,
      stdout: body.AttachStdout ?? false,
      stderr: body.AttachStderr ?? false,
      detachKeys: parseDetachKeys(body.DetachKeys),
      onDetach: () => this.#announce(exec, 'exec_detach'),
      spool: { ...EXEC_SPOOL, directory: container.paths.directory },
    });
    void this.#launch(exec, container, options.consoleSize, attachment).catch(async (error: unknown) => {
      const text = Buffer.from(`${messageOf(error)}\r\n`);
      await attachment.send(tty ? text : framed(text));
      attachment.finish();
    });
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
    if (!exec) throw notFound(`No such exec instance: ${id}`);
    return exec;
  }

  async #launch(
    exec: Exec,
    container: RunningContainer,
    consoleSize?: [number, number] | null,
    attachment?: Attachment,
  ): Promise<void> {
    const { helper, store } = this.#options;
    const stateDir = this.#stateDir(exec.id);
    const { id, containerId, body } = exec;
    try {
      const recorded = store.commit((change) => change.put(TABLE, id, { id, containerId, body }));
      recorded.catch(() => undefined);
      const { pid } = await helper.exec(this.#request(exec, container, consoleSize ?? body.ConsoleSize));
      const [monitor] = await Promise.all([this.#watch(exec, stateDir), attachment?.connect(stateDir), recorded]);
      await monitor.start();
      exec.pid = pid;
      if (exec.state === 'starting') exec.state = 'running';
      exec.start();
    } catch (cause) {
      const message = messageOf(cause);
      exec.state = 'exited';
      exec.exitCode = /^exec: .*(executable file not found|no such file or directory)/i.test(message)
        ? NOT_FOUND
        : NOT_EXECUTABLE;
      exec.monitor?.close();
      exec.start();
      await this.#settle(exec);
      const kind = cause instanceof EngineError && cause.kind !== 'system' ? cause.kind : 'invalid';
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

  #request(exec: Exec, { record, paths, pid, pidStart }: RunningContainer, consoleSize?: [number, number] | null) {
    const { body } = exec;
    const { config, hostConfig } = record;
    const tty = body.Tty ?? false;
    const privileged = body.Privileged ?? false;
    const capabilities = capabilitiesOf(
      privileged ? { ...hostConfig, Privileged: true } : hostConfig,
      this.#lastCapability,
    );
    const [rows = 0, cols = 0] = consoleSize ?? [];
    const environment = environmentOf({ config: { ...config, Tty: tty } }, hostNameOf(record));
    return {
      id: exec.id,
      container: record.id,
      pid,
      pidStart,
      bundle: paths.bundle,
      process: {
        terminal: tty,
        ...(tty && rows > 0 && cols > 0 && { consoleSize: { height: rows, width: cols } }),
        user: { uid: 0, gid: 0 },
        args: body.Cmd,
        env: mergeEnvironment(environment, body.Env ?? []),
        cwd: body.WorkingDir || config.WorkingDir || '/',
        capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
        noNewPrivileges: !privileged && securityOptions(hostConfig.SecurityOpt).noNewPrivileges,
        oomScoreAdj: hostConfig.OomScoreAdj,
      },
      user: body.User || config.User,
      groups: hostConfig.GroupAdd ?? [],
      privileged,
      stateDir: this.#stateDir(exec.id),
      cgroup: cgroupOf(record.id),
      io: { tty, stdin: body.AttachStdin ?? false, stdinOnce: true, rows, cols },
      exitFile: join(this.#stateDir(exec.id), 'exit.json'),
      runtime: record.runtime,
    };
  }

  async #watch(exec: Exec, stateDir: string): Promise<Monitor> {
    let said = false;
    const monitor = await Monitor.connect(stateDir, {
      exited: ({ code }) => {
        said = true;
        void this.#end(exec, code);
      },
      closed: () => {
        // Killed, or its container with everything in it; a start that failed speaks for itself.
        if (!said && !this.#closed && exec.state === 'running') void this.#end(exec, KILLED);
      },
    });
    exec.monitor = monitor;
    return monitor;
  }

  async #end(exec: Exec, code: number): Promise<void> {
    if (exec.state === 'exited') return;
    exec.state = 'exited';
    exec.exitCode = code;
    exec.monitor?.close();
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
        helper.delete(exec.id, { exec: true }),
        store.commit((change) => change.remove(TABLE, exec.id)),
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
      this.#execs.delete(exec.id);
      this.#options.containers.dropExec(exec.containerId, exec.id);
      return;
    }
  }

  async #adopt(record: ExecRecord): Promise<void> {
    const exec = newExec(record);
    this.#execs.set(exec.id, exec);
    exec.state = 'starting';
    const stateDir = this.#stateDir(exec.id);
    const monitor = await this.#watch(exec, stateDir).catch(() => undefined);
    exec.start();
    if (monitor?.state.phase === 'running') {
      exec.state = 'running';
      exec.pid = monitor.state.pid;
      this.#options.containers.addExec(exec.containerId, exec.id);
      return;
    }
    // Made but never let go: its client has gone with the engine that made it.
    if (monitor?.state.phase === 'created') await monitor.signal(9).catch(() => undefined);
    await this.#end(exec, monitor?.state.exit?.code ?? (await exitCodeIn(stateDir)) ?? KILLED);
  }

  #stateDir(id: string): string {
    return join(this.#options.runDir, 'x', id.slice(0, 16));
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

async function exitCodeIn(stateDir: string): Promise<number | undefined> {
  try {
    return (JSON.parse(await readFile(join(stateDir, 'exit.json'), 'utf8')) as { code: number }).code;
  } catch {
    return undefined;
  }
}

/** As a frame of stdout, where dockerd puts its own words too. */
function framed(text: Buffer): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(text.length, 4);
  return Buffer.concat([header, text]);
}
