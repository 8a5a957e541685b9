/** Further processes and what a container says, ours and dockerd's: execs, their output, logs written and read. */
import { once } from 'node:events';
import { api, hijack } from '../fixtures/engine.js';
import { compare, elapsed, isWanted } from './measure.js';
import {
  count,
  create,
  remove,
  removeAll,
  sleeper,
  start,
  waited,
  withContainers,
  type Idle,
  type Peer,
  type Peers,
} from './peers.js';

/** Creates an exec, starts it and reads its output to the end; returns how many bytes came, frames and all. */
export async function exec({ socket, container }: Idle, Cmd: string[]): Promise<number> {
  const { Id } = await api<{ Id: string }>(socket, 'POST', `/containers/${container}/exec`, {
    Cmd,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await hijack(socket, `/exec/${Id}/start`, { Detach: false, Tty: false });
  let seen = stream.head.length;
  stream.socket.on('data', (chunk: Buffer) => (seen += chunk.length));
  await once(stream.socket.resume(), 'end');
  stream.socket.destroy();
  return seen;
}

/** 256 MiB through an exec without a terminal. */
async function execOutput(idle: Idle): Promise<number> {
  const bytes = 256 * 2 ** 20;
  let seen = 0;
  const time = await elapsed(async () => {
    seen = await exec(idle, ['dd', 'if=/dev/zero', 'bs=1M', 'count=256', 'status=none']);
  });
  if (seen < bytes) throw new Error(`an exec's output was cut off: ${seen} of ${bytes} bytes`);
  return time;
}

const LINES = 200_000;
const LINE = 100;

/** A container that writes 20 MB of log, into one file: engines differ in when they rotate. */
const logger = ({ socket }: Peer): Promise<string> =>
  create(socket, ['sh', '-c', `yes ${'x'.repeat(LINE - 1)} | head -n ${LINES}`], {
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1g' } },
  });

async function writeLogs(peer: Peer): Promise<number> {
  const { socket } = peer;
  const id = await logger(peer);
  const time = await elapsed(async () => {
    await start(socket, id);
    await waited(socket, id);
  });
  await remove(socket, id);
  return time;
}

const readLogs = ({ socket, container }: Idle, query: string, least: number): Promise<number> =>
  elapsed(async () => {
    const seen = await count(socket, `/containers/${container}/logs?stdout=1${query}`);
    if (seen < least) throw new Error(`logs are missing: ${seen} of at least ${least} bytes`);
  });

export async function streamsBench({ both }: Peers): Promise<void> {
  if (isWanted('exec')) {
    const idle = await withContainers(both, sleeper);
    await compare('exec true', idle, (each) => elapsed(() => exec(each, ['true'])), { target: 0.15, n: 60 });
    await compare('exec output, 256 MiB', idle, execOutput, { target: 1 / 3, n: 7 });
    await removeAll(idle);
  }
  await compare('log write, 20 MB', both, writeLogs, { target: 1 / 1.5, n: 7 });
  if (!isWanted('logs')) return;
  const logs = await withContainers(both, async (peer) => {
    const id = await logger(peer);
    await start(peer.socket, id);
    await waited(peer.socket, id);
    return id;
  });
  await compare('logs whole, 20 MB', logs, (each) => readLogs(each, '', LINES * LINE), { target: 1 / 8, n: 9 });
  await compare('logs tail=10 of 20 MB', logs, (each) => readLogs(each, '&tail=10', 10 * LINE), { target: 1, n: 100 });
  await removeAll(logs);
}
