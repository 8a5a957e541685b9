/** Our engine and Debian's dockerd side by side, and what the measures ask of either through the same API. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { api, loadBusybox, request, startDockerd, startEngine, type RunningEngine } from '../fixtures/engine.js';
import type { Contender } from './measure.js';

export interface Peer {
  socket: string;
  /** Below which its run-time state is kept. */
  runDir: string;
}

/** An engine with a container to ask about. */
export interface Idle extends Peer {
  container: string;
}

export interface Peers extends AsyncDisposable {
  ours: RunningEngine;
  theirs: Peer;
  /** Ours first. */
  both: Contender<Peer>[];
}

/** Both engines, each with the busybox image. Their run-time state is kept in memory, as in /run on a machine with systemd. */
export async function openPeers(): Promise<Peers> {
  const memory = await mkdtemp('/dev/shm/slipway-bench-');
  const ours = await startEngine({ runDir: path.join(memory, 'slipway') });
  const runDir = path.join(memory, 'docker');
  const dockerd = await startDockerd({ runDir }).catch(async (error: unknown) => {
    await ours[Symbol.asyncDispose]();
    throw error;
  });
  const theirs = { ...dockerd, runDir };
  const both = [
    { name: 'slipway', subject: ours },
    { name: 'dockerd', subject: theirs },
  ];
  for (const { subject } of both) await loadBusybox(subject);
  return {
    ours,
    theirs,
    both,
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]();
      await theirs[Symbol.asyncDispose]();
      await rm(memory, { recursive: true, force: true });
    },
  };
}

/** Without a network unless `HostConfig` says otherwise. */
export const create = (socket: string, Cmd: string[], HostConfig: object = {}) =>
  api<{ Id: string }>(socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd,
    AttachStdout: true,
    HostConfig: { NetworkMode: 'none', ...HostConfig },
  }).then(({ Id }) => Id);

export const start = (socket: string, id: string) => api(socket, 'POST', `/containers/${id}/start`);

export const waited = (socket: string, id: string) => api(socket, 'POST', `/containers/${id}/wait`);

export const remove = (socket: string, id: string) => request(socket, 'DELETE', `/containers/${id}?force=1`);

/** Create, start, wait, remove. */
export async function wholeRun({ socket }: Peer): Promise<void> {
  const id = await create(socket, ['true']);
  await start(socket, id);
  await waited(socket, id);
  await remove(socket, id);
}

/** The same peers, each with a container of its own that `make` returns. */
export async function withContainers(
  both: Contender<Peer>[],
  make: (peer: Peer) => Promise<string>,
): Promise<Contender<Idle>[]> {
  const made: Contender<Idle>[] = [];
  for (const { name, subject } of both) made.push({ name, subject: { ...subject, container: await make(subject) } });
  return made;
}

/** A container that sleeps. */
export async function sleeper({ socket }: Peer): Promise<string> {
  const id = await create(socket, ['sleep', '36000']);
  await start(socket, id);
  return id;
}

/** Removes what `withContainers` made. */
export async function removeAll(containers: Contender<Idle>[]): Promise<void> {
  for (const { subject } of containers) await remove(subject.socket, subject.container);
}

/** The bytes of an answer, which is not kept. */
export function count(socket: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http
      .get({ socketPath: socket, path: url }, (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
        answer.once('end', () =>
          answer.statusCode === 200 ? resolve(bytes) : reject(new Error(`GET ${url}: ${answer.statusCode}`)),
        );
        answer.once('error', reject);
      })
      .once('error', reject);
  });
}

/** Runs `work` so many times, several at once. */
export async function times(total: number, atOnce: number, work: (turn: number) => Promise<unknown>): Promise<void> {
  let turn = 0;
  const runner = async () => {
    while (turn < total) await work(turn++);
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
}

// ---- processes

/** The processes that have a path of this engine in their command line: itself, its helper, its shims. */
export async function processesOf({ runDir }: Peer): Promise<number[]> {
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(runDir)) pids.push(Number(name));
  }
  return pids;
}

/** The monitors of our engine's containers. */
export async function monitorsOf({ runDir }: RunningEngine): Promise<number[]> {
  const states = path.join(runDir, 'c');
  const pids: number[] = [];
  for (const name of await readdir(states)) {
    const said = await readFile(path.join(states, name, 'monitor.json'), 'utf8').catch(() => undefined);
    if (said) pids.push((JSON.parse(said) as { pid: number }).pid);
  }
  return pids;
}

/** Proportional set size in KiB, what is shared counted once; 0 for who has gone. */
export async function pss(pid: number): Promise<number> {
  const smaps = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+)/m.exec(smaps)?.[1] ?? 0);
}

export const pssOf = async (pids: number[]): Promise<number> =>
  (await Promise.all(pids.map(pss))).reduce((sum, each) => sum + each, 0);

/** Clock ticks (10 ms) of user and system time of all threads. */
export async function ticksOf(pids: number[]): Promise<number> {
  let sum = 0;
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    sum += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return sum;
}
