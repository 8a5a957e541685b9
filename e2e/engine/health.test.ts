/** Health checks: run by the container's monitor, shown and told by the engine, side by side with Debian's dockerd. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  api,
  docker,
  loadBusybox,
  request,
  startDockerd,
  startEngine,
  type RunningEngine,
} from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
const options = { skip, timeout: 600_000 };
let ours: RunningEngine;
let theirs: Awaited<ReturnType<typeof startDockerd>>;

before(async () => {
  if (skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startDockerd()]);
  await Promise.all([loadBusybox(ours), loadBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

type Where = { socket: string };
interface Health {
  Status: string;
  FailingStreak: number;
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
}
interface Inspect {
  State: { Status: string; Health?: Health };
}

const MS = 1_000_000;
const often = { Interval: 100 * MS, Timeout: 60_000 * MS, Retries: 2 };

async function start({ socket }: Where, name: string, healthcheck: object, cmd = 'sleep 1000'): Promise<string> {
  const { Id } = await api<{ Id: string }>(socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', cmd],
    Healthcheck: healthcheck,
    HostConfig: { NetworkMode: 'none' },
  });
  await api(socket, 'POST', `/containers/${Id}/start`);
  return Id;
}

async function healthOf({ socket }: Where, id: string): Promise<Health | undefined> {
  return (await api<Inspect>(socket, 'GET', `/containers/${id}/json`)).State.Health;
}

async function until(where: Where, id: string, reached: (health: Health | undefined) => boolean): Promise<Health> {
  for (let tries = 0; tries < 4000; tries++) {
    const health = await healthOf(where, id);
    if (reached(health)) return health as Health;
    await sleep(25);
  }
  throw new Error(`still ${JSON.stringify(await healthOf(where, id))}`);
}

/** What was told but for the probes' own execs, which our engine never hears of. */
async function told({ socket }: Where, id: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ container: { [id]: true } }));
  const end = (Date.now() / 1000 + 0.2).toFixed(3);
  const { body } = await request(socket, 'GET', `/events?since=1&until=${end}&filters=${filters}`);
  const actions = body.toString().split('\n').filter(Boolean);
  return actions
    .map((line) => (JSON.parse(line) as { Action: string }).Action)
    .filter((action) => !action.startsWith('exec_'));
}

async function listed(where: Where, name: string, health: string): Promise<boolean> {
  const { stdout } = await docker(where, ['ps', '-aq', '--filter', `name=^/${name}$`, '--filter', `health=${health}`]);
  return stdout !== '';
}

const statusOf = async (where: Where, name: string): Promise<string> =>
  (await docker(where, ['ps', '-a', '--filter', `name=^/${name}$`, '--format', '{{.Status}}'])).stdout
    .trim()
    .replace(/^(Up|Exited \(\d+\)) .*?( ago)?(?= \(|$)/, '$1');

function same(name: string, story: (where: Where, name: string) => Promise<{ id: string; seen: unknown }>): void {
  test(`as with dockerd: ${name}`, options, async () => {
    const own = name.replace(/\W+/g, '-');
    const run = async (where: Where) => {
      const { id, seen } = await story(where, own);
      const events = await told(where, id);
      // dockerd remembers 256 events: the probes of this container would push those of the next one out.
      await request(where.socket, 'DELETE', `/containers/${id}?force=1`);
      return { seen, told: events };
    };
    const [mine, oracle] = await Promise.all([run(ours), run(theirs)]);
    assert.deepEqual(mine, oracle);
  });
}

same('healthy after the first success, and shown wherever it is looked for', async (where, name) => {
  const probe = 'until [ -e /looked ]; do sleep 0.05; done; echo it is $((40+2))';
  const id = await start(where, name, { Test: ['CMD-SHELL', probe], ...often });
  const before = [await healthOf(where, id), await statusOf(where, name), await listed(where, name, 'starting')];
  await docker(where, ['exec', name, 'touch', '/looked']);
  const health = await until(where, id, (at) => at?.Status === 'healthy');
  const [first] = health.Log;
  const after = [await statusOf(where, name), await listed(where, name, 'healthy'), await listed(where, name, 'none')];
  return { id, seen: [before, health.FailingStreak, first?.ExitCode, first?.Output, after] };
});

same('unhealthy after so many failures in a row, and healthy again', async (where, name) => {
  const id = await start(where, name, { Test: ['CMD', 'test', '-e', '/well'], ...often });
  const ill = await until(where, id, (at) => at?.Status === 'unhealthy');
  const words = [ill.FailingStreak >= 2, ill.Log[0]?.ExitCode, await statusOf(where, name)];
  await docker(where, ['exec', name, 'touch', '/well']);
  const well = await until(where, id, (at) => at?.Status === 'healthy');
  return { id, seen: [words, well.FailingStreak, await statusOf(where, name)] };
});

same('what takes too long has failed', async (where, name) => {
  const id = await start(where, name, { Test: ['CMD-SHELL', 'echo slow; sleep 100'], ...often, Timeout: 300 * MS });
  const { Log } = await until(where, id, (at) => at?.Status === 'unhealthy');
  return { id, seen: [Log[0]?.ExitCode, Log[0]?.Output.replace(/:.*\s*/, '')] };
});

same('failures do not count while it starts', async (where, name) => {
  const starting = { StartPeriod: 4000 * MS, StartInterval: often.Interval };
  const id = await start(where, name, { Test: ['CMD', 'false'], ...often, Retries: 1, ...starting });
  const early = await until(where, id, (at) => (at?.Log.length ?? 0) > 1);
  const late = await until(where, id, (at) => at?.Status === 'unhealthy');
  return { id, seen: [early.Status, early.FailingStreak, late.Status] };
});

same('after a stop it is not well, and a start begins anew', async (where, name) => {
  // However late somebody looks, the second run is not found well or ill.
  const check = { Test: ['CMD', 'test', '-e', '/well'], ...often, Retries: 1000, StartPeriod: 3_600_000 * MS };
  const id = await start(where, name, check);
  await docker(where, ['exec', name, 'touch', '/well']);
  await until(where, id, (at) => at?.Status === 'healthy');
  await docker(where, ['exec', name, 'rm', '/well']);
  await api(where.socket, 'POST', `/containers/${id}/stop?t=0`);
  const ended = await healthOf(where, id);
  const words = [
    ended?.Status,
    (ended?.Log.length ?? 0) > 0,
    await statusOf(where, name),
    await listed(where, name, 'unhealthy'),
  ];
  await api(where.socket, 'POST', `/containers/${id}/start`);
  const again = await healthOf(where, id);
  return { id, seen: [words, again?.Status, again?.FailingStreak] };
});

same('none where none is wanted', async (where, name) => {
  const id = await start(where, name, { Test: ['NONE'] });
  return { id, seen: [await healthOf(where, id), await statusOf(where, name), await listed(where, name, 'none')] };
});

test('what makes no sense is refused in the words of dockerd', options, async () => {
  for (const check of [{ Interval: 5 }, { Timeout: 5 }, { StartPeriod: 5 }, { Retries: -1 }]) {
    const body = { Image: 'busybox:test', Healthcheck: { Test: ['CMD', 'true'], ...check } };
    const [mine, oracle] = await Promise.all(
      [ours, theirs].map(async ({ socket }) => {
        const { status, body: text } = await request(socket, 'POST', '/containers/create', body);
        return `${status} ${text.toString().trim()}`;
      }),
    );
    assert.equal(mine, oracle);
  }
});

test('the next engine knows how a container is, and hears what becomes of it', options, async () => {
  const well = await start(ours, 'well', { Test: ['CMD', 'true'], ...often });
  const ill = await start(ours, 'ill', { Test: ['CMD', 'test', '-e', '/well'], ...often });
  await until(ours, well, (at) => at?.Status === 'healthy');
  await until(ours, ill, (at) => at?.Status === 'unhealthy');
  await ours.kill();
  await ours.restart();
  assert.equal(await statusOf(ours, 'well'), 'Up (healthy)');
  assert.equal(await statusOf(ours, 'ill'), 'Up (unhealthy)');
  await docker(ours, ['exec', 'ill', 'touch', '/well']);
  await until(ours, ill, (at) => at?.Status === 'healthy');
  assert.deepEqual(await told(ours, ill), ['health_status: healthy']);
});
