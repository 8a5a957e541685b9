/** What our engine, its helper and its monitors cost when nothing happens, and whether anything is left of what has happened. */
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { hijack } from '../fixtures/engine.js';
import { isWanted, note, noteOne } from './measure.js';
import {
  count,
  create,
  monitorsOf,
  processesOf,
  pss,
  pssOf,
  remove,
  sleeper,
  start,
  ticksOf,
  times,
  wholeRun,
  type Idle,
  type Peers,
} from './peers.js';
import { exec } from './streams.js';

const IDLE = 20;
const CROWD = 200;
const MIB = 1024;
/** How long an engine may take to come to rest: collectors of garbage and background work have a moment of their own. */
const REST_MS = 15_000;
const QUIET_MS = 20_000;
/** So many of anything, and the engine's heap has its size. */
const WARM_UP = 2000;
const STEPS = 20;

export interface MemoryOptions {
  /** The 100,000 execs in the place of a sample, and of the rest in proportion. */
  long: boolean;
}

interface Repetition {
  /** What a sample repeats, and the full count. */
  counts: [sample: number, full: number];
  once(idle: Idle): Promise<unknown>;
}

export async function memoryBench(peers: Peers, { long }: MemoryOptions): Promise<void> {
  if (isWanted('memory') || isWanted('idle')) await atRest(peers);
  for (const [measure, { counts, once }] of Object.entries(repetitions(peers)))
    if (isWanted(`memory after ${measure}`)) await flat(peers, measure, counts[long ? 1 : 0], once);
}

// ---- at rest

async function atRest({ ours, theirs, both }: Peers): Promise<void> {
  const [engine, dockerd] = [await processesOf(ours), await processesOf(theirs)];
  await times(50, 4, () => wholeRun(ours)); // what is loaded with the first requests belongs to the engine, not to its containers
  await sleep(REST_MS);
  const rest = await pssOf(engine);
  note('memory of the engine at rest, PSS', ['slipway', 'dockerd'], [[rest / MIB], [(await pssOf(dockerd)) / MIB]], {
    unit: 'MiB',
    target: 1,
  });
  const idle: Idle[] = [];
  for (let i = 0; i < IDLE; i++) idle.push({ ...ours, container: await sleeper(ours) });
  await sleep(REST_MS);
  const monitors = await monitorsOf(ours);
  if (monitors.length !== IDLE) throw new Error(`${monitors.length} monitors for ${IDLE} containers`);
  note('memory of an idle container’s monitor, PSS', ['slipway'], [await Promise.all(monitors.map(pss))], {
    unit: 'KiB',
    target: 0.4 * 1024,
  });
  const grown = (await pssOf([...engine, ...monitors])) - rest;
  noteOne('memory per idle container, engine and helper included, PSS', Math.max(0, grown / IDLE / MIB), {
    unit: 'MiB',
    target: 0.4,
  });
  const before = await ticksOf([...engine, ...monitors]);
  await sleep(QUIET_MS);
  noteOne(
    `processor time of engine, helper and ${IDLE} idle containers’ monitors in ${QUIET_MS / 1000} s`,
    ((await ticksOf([...engine, ...monitors])) - before) * 10,
    { unit: 'ms', target: 0 },
  );
  for (const { socket, container } of idle) await remove(socket, container);
  const crowds = await Promise.all(
    both.map(async ({ subject }) => {
      const made: string[] = [];
      await times(CROWD, 2, async () => made.push(await create(subject.socket, ['true'])));
      return made;
    }),
  );
  await sleep(REST_MS);
  note(
    `memory of the engine with ${CROWD} stopped containers, PSS`,
    ['slipway', 'dockerd'],
    [[(await pssOf(engine)) / MIB], [(await pssOf(dockerd)) / MIB]],
    { unit: 'MiB', target: 1 },
  );
  for (const [index, { subject }] of both.entries())
    await times(CROWD, 4, (turn) => remove(subject.socket, crowds[index]![turn]!));
}

// ---- flat over time

/** What is done again and again, by its name. */
function repetitions({ ours }: Peers): Record<string, Repetition> {
  const { socket } = ours;
  return {
    execs: { counts: [2000, 100_000], once: (idle) => exec(idle, ['true']) },
    'create, start and remove': {
      counts: [500, 10_000],
      once: async () => {
        const id = await create(socket, ['true']);
        await start(socket, id);
        await remove(socket, id);
      },
    },
    'attached clients that leave': {
      counts: [1000, 20_000],
      once: async ({ container }) => {
        const stream = await hijack(socket, `/containers/${container}/attach?stream=1&stdout=1&stdin=1`);
        stream.socket.destroy();
      },
    },
    'readers of logs': {
      counts: [1000, 20_000],
      once: ({ container }) => count(socket, `/containers/${container}/logs?stdout=1&tail=5`),
    },
    'followers of logs and events that leave': {
      counts: [1000, 20_000],
      once: async ({ container }) => {
        await left(socket, `/containers/${container}/logs?stdout=1&follow=1`);
        await left(socket, '/events');
      },
    },
  };
}

/** Asks, and goes once the answer has begun. */
async function left(socket: string, url: string): Promise<void> {
  const asked = http.get({ socketPath: socket, path: url, agent: false });
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream & { destroy(): void }];
  answer.on('error', () => undefined);
  answer.destroy();
}

/**
 * Repeats something and says how much more memory the engine and its helper have in the second half than in the first, after a time in which
 * code, caches and the heap find their size. What a collector of garbage leaves lying about goes up and down, so the lowest points are compared.
 */
async function flat(
  { ours }: Peers,
  measure: string,
  total: number,
  once: (idle: Idle) => Promise<unknown>,
): Promise<void> {
  const idle: Idle = { ...ours, container: await sleeper(ours) };
  const engine = await processesOf(ours);
  await times(Math.min(total, WARM_UP), 4, () => once(idle));
  const open = await descriptorsOf(engine);
  const seen: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    await times(total / STEPS, 4, () => once(idle));
    seen.push(await pssOf(engine));
  }
  const growth = Math.min(...seen.slice(STEPS / 2)) - Math.min(...seen.slice(0, STEPS / 2));
  noteOne(`memory after ${measure}, ${total} times: growth of the lowest PSS`, Math.max(0, growth) / MIB, {
    unit: 'MiB',
    target: 4,
  });
  await sleep(1000); // connections that were closed are still being noticed
  const left = Math.max(0, (await descriptorsOf(engine)) - open);
  noteOne(`memory after ${measure}, ${total} times: descriptors still open`, left, { unit: 'descriptors', target: 0 });
  await remove(ours.socket, idle.container);
}

async function descriptorsOf(pids: number[]): Promise<number> {
  const each = await Promise.all(pids.map((pid) => readdir(`/proc/${pid}/fd`).catch(() => [])));
  return each.reduce((sum, names) => sum + names.length, 0);
}
