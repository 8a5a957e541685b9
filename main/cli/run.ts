/** `run`, `attach`, `start -a` and `exec`: the commands that join this terminal to a process. */
import { ApiError } from '../client/index.js';
import type { ContainerCreate, ContainerWait } from '../contract/containers.js';
import type { Context } from './context.js';
import { sentence, startFailureCode } from './failures.js';
import { complain, print } from './output.js';
import { pullImage } from './pull.js';
import { attachedStreams, createBody, type RunFlags } from './run-flags.js';
import { joinStreams, proxySignals } from './session.js';

/** Creates, starts and stays with a container; answers the exit code that docker would. */
export async function run(context: Context, image: string, command: string[], flags: RunFlags): Promise<number> {
  const { client, host } = context;
  if (flags.tty && flags.interactive && !flags.detach) requireTerminal();
  if (flags.detach && flags.attach.length > 0) throw new Error('Conflicting options: -a and -d');
  let id: string;
  try {
    id = await createPulling(context, await createBody(image, command, flags), flags);
  } catch (error) {
    await complain(`slipway: ${sentence(error, host)}`);
    return 125;
  }
  if (flags.detach) {
    const started = client.containers.start(id, { detachKeys: flags.detachKeys });
    const code = await started.then(
      () => 0,
      (error: unknown) => failedStart(context, error),
    );
    await print(`${id}\n`);
    return code;
  }
  const streams = attachedStreams(flags);
  const connection = await client.containers.attach(id, { ...streams, detachKeys: flags.detachKeys });
  // Waiting is registered before the start: a container that ends at once is not missed, nor one that removes itself.
  const { result } = await client.containers.wait(id, flags.rm ? 'removed' : 'next-exit');
  const tty = flags.tty ?? false;
  const resize = (rows: number, cols: number) => client.containers.resize(id, rows, cols);
  const joined = joinStreams(connection, { tty, stdin: streams.stdin, detachKeys: flags.detachKeys, resize });
  joined.catch(() => undefined);
  try {
    await client.containers.start(id, { detachKeys: flags.detachKeys });
  } catch (error) {
    connection.close();
    await joined.catch(() => undefined);
    // A container of --rm that did not start removes itself; its name is free again once that is done.
    if (flags.rm) await result.catch(() => undefined);
    return failedStart(context, error);
  }
  if (tty && process.stdout.isTTY) await resize(process.stdout.rows, process.stdout.columns).catch(() => undefined);
  const proxied = flags.sigProxy !== false && !tty;
  const stop = proxied ? proxySignals((signal) => client.containers.kill(id, signal)) : () => undefined;
  try {
    return (await joined) === 'detached' ? 0 : await exitCode(result);
  } finally {
    stop();
  }
}

async function failedStart({ host }: Context, error: unknown): Promise<number> {
  await complain(`slipway: ${sentence(error, host)}`);
  return startFailureCode(error);
}

async function exitCode(result: Promise<ContainerWait>): Promise<number> {
  const { StatusCode, Error: failure } = await result;
  if (failure?.Message) await complain(`Error waiting for container: ${failure.Message}`);
  return StatusCode;
}

/** An image that is not there is fetched first, unless the person said not to. */
async function createPulling(context: Context, body: ContainerCreate, flags: RunFlags): Promise<string> {
  const { client } = context;
  const image = body.Image ?? '';
  const pull = () => pullImage(context, image, { quiet: flags.quiet, platform: flags.platform, to: process.stderr });
  const create = async () => {
    const { Id, Warnings } = await client.containers.create(body, { name: flags.name, platform: flags.platform });
    for (const warning of Warnings ?? []) await complain(`WARNING: ${warning}`);
    return Id;
  };
  if (flags.pull === 'always') await pull();
  try {
    return await create();
  } catch (error) {
    const missing = error instanceof ApiError && error.kind === 'not-found' && /no such image/i.test(error.message);
    if (!missing || flags.pull === 'never') throw error;
    if (!flags.quiet)
      await complain(`Unable to find image '${image.includes(':') ? image : `${image}:latest`}' locally`);
    await pull();
    return create();
  }
}

export interface AttachFlags {
  stdin?: boolean;
  sigProxy?: boolean;
  detachKeys?: string;
}

/** Joins a container that runs. */
export async function attach({ client }: Context, name: string, flags: AttachFlags): Promise<number> {
  const { Id: id, State, Config } = await client.containers.inspect(name);
  if (!State.Running) throw new Error('You cannot attach to a stopped container, start it first');
  if (State.Paused) throw new Error('You cannot attach to a paused container, unpause it first');
  const stdin = flags.stdin !== false && Config.OpenStdin;
  if (stdin && Config.Tty) requireTerminal();
  const { result } = await client.containers.wait(id);
  const connection = await client.containers.attach(id, {
    stdin,
    stdout: true,
    stderr: true,
    detachKeys: flags.detachKeys,
  });
  const proxied = flags.sigProxy !== false && !Config.Tty;
  const stop = proxied ? proxySignals((signal) => client.containers.kill(id, signal)) : () => undefined;
  const resize = (rows: number, cols: number) => client.containers.resize(id, rows, cols);
  try {
    const end = await joinStreams(connection, { tty: Config.Tty, stdin, detachKeys: flags.detachKeys, resize });
    // As docker has it: leaving a `run` is success, leaving an `attach` or an `exec` is not.
    return end === 'detached' ? left() : await exitCode(result);
  } finally {
    stop();
  }
}

/** Starts one container and stays with it. */
export async function startAttached(
  { client }: Context,
  name: string,
  flags: AttachFlags & { interactive?: boolean },
): Promise<number> {
  const { Id: id, Config, HostConfig } = await client.containers.inspect(name);
  const stdin = (flags.interactive ?? false) && Config.OpenStdin;
  const connection = await client.containers.attach(id, {
    stdin,
    stdout: true,
    stderr: true,
    detachKeys: flags.detachKeys,
  });
  const { result } = await client.containers.wait(id, HostConfig.AutoRemove ? 'removed' : 'next-exit');
  const resize = (rows: number, cols: number) => client.containers.resize(id, rows, cols);
  const joined = joinStreams(connection, { tty: Config.Tty, stdin, detachKeys: flags.detachKeys, resize });
  joined.catch(() => undefined);
  try {
    await client.containers.start(id);
  } catch (error) {
    connection.close();
    throw error;
  }
  return (await joined) === 'detached' ? 0 : exitCode(result);
}

export interface ExecFlags {
  detach?: boolean;
  detachKeys?: string;
  env: string[];
  interactive?: boolean;
  privileged?: boolean;
  tty?: boolean;
  user?: string;
  workdir?: string;
}

/** Runs a further command in a container. */
export async function exec({ client }: Context, name: string, command: string[], flags: ExecFlags): Promise<number> {
  const { tty = false, interactive = false, detach = false } = flags;
  if (tty && interactive && !detach) requireTerminal();
  const size: [number, number] | undefined =
    tty && process.stdout.isTTY ? [process.stdout.rows, process.stdout.columns] : undefined;
  const id = await client.exec.create(name, {
    AttachStdin: interactive && !detach,
    AttachStdout: !detach,
    AttachStderr: !detach,
    Tty: tty,
    Env: flags.env.flatMap((entry) => (entry.includes('=') ? [entry] : own(entry))),
    Cmd: command,
    Privileged: flags.privileged ?? false,
    User: flags.user ?? '',
    WorkingDir: flags.workdir ?? '',
    DetachKeys: flags.detachKeys,
    ...(size && { ConsoleSize: size }),
  });
  if (detach) {
    await client.exec.startDetached(id, { Tty: tty });
    return 0;
  }
  const connection = await client.exec.start(id, { Tty: tty, ...(size && { ConsoleSize: size }) });
  const resize = (rows: number, cols: number) => client.exec.resize(id, rows, cols);
  const end = await joinStreams(connection, { tty, stdin: interactive, detachKeys: flags.detachKeys, resize });
  if (end === 'detached') return left();
  const { ExitCode } = await client.exec.inspect(id);
  return ExitCode ?? 0;
}

async function left(): Promise<number> {
  await complain('read escape sequence');
  return 1;
}

const own = (name: string): string[] => {
  const value = process.env[name];
  return value === undefined ? [] : [`${name}=${value}`];
};

function requireTerminal(): void {
  if (!process.stdin.isTTY) throw new Error('the input device is not a TTY');
}
