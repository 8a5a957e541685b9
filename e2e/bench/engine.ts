/** Our engine and Debian's dockerd through the same API: how long a start, a first byte, an exec, output, logs and lists take. */
import { once } from 'node:events';
import http from 'node:http';
import { api, hijack, loadBusybox, request, startDockerd, startEngine } from '../fixtures/engine.js';
import { compare, elapsed, note } from './measure.js';

type Peer = { socket: string };
type Idle = Peer & { container: string };

/** Create, then attach and start, until the first byte of `echo x`; the container is removed afterwards, unmeasured. */
async function firstByte({ socket }: Peer, network: string): Promise<number> {
  const { Id } = await create(socket, ['echo', 'x'], network);
  const time = await elapsed(async () => {
    const stream = await hijack(socket, `/containers/${Id}/attach?stream=1&stdout=1&stderr=1`);
    const byte = stream.head.length > 0 ? Promise.resolve() : once(stream.socket.resume(), 'data');
    await api(socket, 'POST', `/containers/${Id}/start`);
    await byte;
    stream.socket.destroy();
  });
  await request(socket, 'DELETE', `/containers/${Id}?force=1`);
  return time;
}

async function startUntilAnswer({ socket }: Peer, network: string): Promise<number> {
  const { Id } = await create(socket, ['true'], network);
  const time = await elapsed(() => api(socket, 'POST', `/containers/${Id}/start`));
  await api(socket, 'POST', `/containers/${Id}/wait`);
  await request(socket, 'DELETE', `/containers/${Id}?force=1`);
  return time;
}

async function wholeRun({ socket }: Peer): Promise<number> {
  return elapsed(async () => {
    const { Id } = await create(socket, ['true'], 'none');
    await api(socket, 'POST', `/containers/${Id}/start`);
    await api(socket, 'POST', `/containers/${Id}/wait`);
    await request(socket, 'DELETE', `/containers/${Id}?force=1`);
  });
}

async function execTrue({ socket, container }: Idle): Promise<number> {
  return elapsed(async () => {
    const { Id } = await api<{ Id: string }>(socket, 'POST', `/containers/${container}/exec`, {
      Cmd: ['true'],
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await hijack(socket, `/exec/${Id}/start`, { Detach: false, Tty: false });
    await once(stream.socket.resume(), 'end');
    stream.socket.destroy();
  });
}

/** A container that sleeps; from the signal to the answer of who waits. */
async function killUntilWaited({ socket }: Peer): Promise<number> {
  const { Id } = await create(socket, ['sleep', '3600'], 'none');
  await api(socket, 'POST', `/containers/${Id}/start`);
  const ended = api(socket, 'POST', `/containers/${Id}/wait`);
  await new Promise((resolve) => setTimeout(resolve, 30)); // both engines have the wait by then
  const time = await elapsed(async () => {
    await api(socket, 'POST', `/containers/${Id}/kill`);
    await ended;
  });
  await request(socket, 'DELETE', `/containers/${Id}?force=1`);
  return time;
}

async function fiftyRuns(peer: Peer): Promise<number> {
  let left = 50;
  const runner = async () => {
    while (left-- > 0) await wholeRun(peer);
  };
  return elapsed(() => Promise.all(Array.from({ length: 10 }, runner)));
}

/** 256 MiB through an exec without a terminal: frames and all, counted. */
async function execOutput({ socket, container }: Idle): Promise<number> {
  const bytes = 256 * 2 ** 20;
  const { Id } = await api<{ Id: string }>(socket, 'POST', `/containers/${container}/exec`, {
    Cmd: ['dd', 'if=/dev/zero', 'bs=1M', 'count=256', 'status=none'],
    AttachStdout: true,
  });
  let seen = 0;
  const time = await elapsed(async () => {
    const stream = await hijack(socket, `/exec/${Id}/start`, { Detach: false, Tty: false });
    seen = stream.head.length;
    stream.socket.on('data', (chunk: Buffer) => (seen += chunk.length));
    await once(stream.socket.resume(), 'end');
    stream.socket.destroy();
  });
  if (seen < bytes) throw new Error(`an exec's output was cut off: ${seen} of ${bytes} bytes`);
  return time;
}

const LINES = 200_000;
const LINE = 100;

/** A container that has written 20 MB of log, and ended. */
async function logger({ socket }: Peer): Promise<string> {
  const line = 'x'.repeat(LINE - 1);
  const { Id } = await create(socket, ['sh', '-c', `yes ${line} | head -n ${LINES}`], 'none');
  await api(socket, 'POST', `/containers/${Id}/start`);
  await api(socket, 'POST', `/containers/${Id}/wait`);
  return Id;
}

const readLogs = ({ socket, container }: Idle, query: string, least: number) =>
  elapsed(async () => {
    const seen = await count(socket, `/containers/${container}/logs?stdout=1${query}`);
    if (seen < least) throw new Error(`logs are missing: ${seen} of at least ${least} bytes`);
  });

/** The bytes of an answer, which is not kept. */
function count(socket: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http
      .get({ socketPath: socket, path }, (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
        answer.once('end', () => resolve(bytes)).once('error', reject);
      })
      .once('error', reject);
  });
}

const create = (socket: string, Cmd: string[], NetworkMode: string) =>
  api<{ Id: string }>(socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd,
    AttachStdout: true,
    HostConfig: { NetworkMode },
  });

export async function engineBench(): Promise<void> {
  await using ours = await startEngine();
  await using theirs = await startDockerd();
  const peers = [
    { name: 'slipway', subject: ours as Peer },
    { name: 'dockerd', subject: theirs as Peer },
  ];
  for (const { subject } of peers) await loadBusybox(subject);
  await compare('start until answered, network none', peers, (peer) => startUntilAnswer(peer, 'none'), {
    target: 0.08,
  });
  await compare('start until answered, network bridge', peers, (peer) => startUntilAnswer(peer, 'bridge'), {
    target: 0.12,
  });
  await compare('attach + start to first byte, network none', peers, (peer) => firstByte(peer, 'none'), {
    target: 0.12,
  });
  await compare('attach + start to first byte, network bridge', peers, (peer) => firstByte(peer, 'bridge'), {
    target: 0.12,
  });
  await compare('create + start + wait + remove, network none', peers, wholeRun, { target: 0.15 });
  await compare('kill until wait answers', peers, killUntilWaited, { target: 0.15 });
  await compare('50 runs, ten at once', peers, fiftyRuns, { target: 0.1, n: 3 });
  const idle = [];
  for (const { name, subject } of peers) {
    const { Id } = await create(subject.socket, ['sleep', '3600'], 'none');
    await api(subject.socket, 'POST', `/containers/${Id}/start`);
    idle.push({ name, subject: { ...subject, container: Id } });
  }
  await compare('exec true', idle, execTrue, { target: 0.15, n: 30 });
  await compare('exec output, 256 MiB', idle, execOutput, { target: 1 / 3, n: 5 });
  note('monitor of an idle container, PSS', ['slipway'], [await monitorMemory()], { unit: 'KiB', target: 410 });
  const loggers = [];
  for (const { name, subject } of peers)
    loggers.push({ name, subject: { ...subject, container: await logger(subject) } });
  await compare('logs whole, 20 MB', loggers, (peer) => readLogs(peer, '', LINES * LINE), { target: 0.125, n: 5 });
  await compare('logs tail=10 of 20 MB', loggers, (peer) => readLogs(peer, '&tail=10', 10 * LINE), { target: 1 });
  for (const { subject } of peers) for (let i = 0; i < 200; i++) await create(subject.socket, ['true'], 'none');
  const list = ({ socket }: Peer) => elapsed(() => count(socket, '/containers/json?all=1'));
  await compare('list 200 containers', peers, list, { target: 0.35, n: 30 });
  const inspect = ({ socket, container }: Idle) => elapsed(() => count(socket, `/containers/${container}/json`));
  await compare('inspect a container', idle, inspect, { target: 1, n: 100 });
}

/** PSS of each of our monitors in KiB. */
async function monitorMemory(): Promise<number[]> {
  const { readdir, readFile } = await import('node:fs/promises');
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.split('\0')[0]!.endsWith('slipway-monitor')) continue;
    const smaps = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    const pss = /^Pss:\s+(\d+)/m.exec(smaps)?.[1];
    if (pss) found.push(Number(pss));
  }
  if (found.length === 0) throw new Error('no monitor was found to measure');
  return found;
}
