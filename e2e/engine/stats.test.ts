/** What containers use: against what a load really does, and beside dockerd, which is asked the same. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ContainerStats, StatsTick, UsageHistory } from '../../main/contract/stats.js';
import {
  api,
  docker,
  loadBusybox,
  request,
  startDockerd,
  startEngine,
  type RunningEngine,
} from '../fixtures/engine.js';
import { makePerson } from '../fixtures/person.js';

const MEBI = 1024 * 1024;
const BUSY = 'while :; do :; done';

/** Every frame of a stream until `enough` says so. */
function frames(engine: { socket: string }, name: string, enough: (seen: ContainerStats[]) => boolean) {
  return new Promise<ContainerStats[]>((resolve, reject) => {
    const seen: ContainerStats[] = [];
    let text = '';
    const path = `/v1.47/containers/${name}/stats`;
    const outgoing = http.get({ socketPath: engine.socket, path }, (incoming) => {
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) if (!enough(seen)) seen.push(JSON.parse(line) as ContainerStats);
        if (enough(seen)) outgoing.destroy();
      });
      incoming.on('close', () => resolve(seen));
    });
    outgoing.on('error', (error) => (seen.length > 0 ? resolve(seen) : reject(error)));
  });
}

/** As the docker CLI counts: 100 is one processor. */
const percent = ({ cpu_stats: now, precpu_stats: before }: ContainerStats): number =>
  ((now.cpu_usage.total_usage - before.cpu_usage.total_usage) /
    ((now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0))) *
  (now.online_cpus ?? 0) *
  100;

const ONE_SHOT = 'stream=false&one-shot=true';
const once = (engine: { socket: string }, name: string, query = 'stream=false') =>
  api<ContainerStats>(engine.socket, 'GET', `/v1.41/containers/${name}/stats?${query}`);

/**
 * What the container's first process took of the processors, over two seconds and until it is half of one: by the stats, and the least and the
 * most that the kernel has counted for the process itself; in milliseconds.
 */
async function loadOf(engine: { socket: string }, name: string) {
  const { State } = await api<{ State: { Pid: number } }>(engine.socket, 'GET', `/containers/${name}/json`);
  const taken = async () => {
    const fields = (await readFile(`/proc/${State.Pid}/stat`, 'utf8')).replace(/.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  };
  // However long a look takes on a busy machine: it lies between two of the kernel's own.
  const look = async () => {
    const before = await taken();
    const frame = await once(engine, name, ONE_SHOT);
    return { before, frame, told: frame.cpu_stats.cpu_usage.total_usage / 1e6, after: await taken() };
  };
  const first = await look();
  do await new Promise((resolve) => setTimeout(resolve, 2000));
  while ((await taken()) < first.after + 500);
  const second = await look();
  return {
    told: second.told - first.told,
    least: second.before - first.after,
    most: second.after - first.before,
    share: percent({ ...second.frame, precpu_stats: first.frame.cpu_stats }),
    took: Date.parse(second.frame.read) - Date.parse(first.frame.read),
  };
}

const run = async (engine: { socket: string }, name: string, ...args: string[]) => {
  const ran = await docker(engine, ['run', '-d', '--name', name, ...args]);
  assert.equal(ran.code, 0, ran.stderr);
};

/** The names of all fields, in order, without what lies in lists. */
const shapeOf = (value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? Array.isArray(value)
      ? 'list'
      : typeof value
    : Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]);

describe('stats', { skip: process.getuid?.() !== 0 && 'needs root', timeout: 900_000 }, () => {
  let engine: RunningEngine;
  before(async () => {
    engine = await startEngine({ flags: ['--stats-history'] });
    await loadBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());

  test('a load shows as what it is: its share of a processor, its memory, its processes, what it received', async () => {
    const load = `sleep 1000 & dd if=/dev/zero of=/dev/shm/held bs=1M count=40 2>/dev/null; ${BUSY}`;
    await run(
      engine,
      'load',
      '--cpus',
      '0.2',
      '--memory',
      '128m',
      '--pids-limit',
      '20',
      'busybox:test',
      'sh',
      '-c',
      load,
    );
    await run(engine, 'guest', '--network', 'container:load', 'busybox:test', 'sleep', '1000');
    // All is there, and who has made it is gone.
    const isSettled = ({ memory_stats, pids_stats }: ContainerStats) =>
      (memory_stats.usage ?? 0) > 40 * MEBI && pids_stats.current === 2;
    const settled = await frames(engine, 'load', (seen) => seen.length > 1 && seen.slice(-1).every(isSettled));
    assert.ok(settled.length > 1);
    const { told, least, most, share, took } = await loadOf(engine, 'load');
    assert.ok(told > least - 150 && told < most + 150, `${least} to ${most} ms of a processor show as ${told} ms`);
    assert.ok(Math.abs(share - (told / took) * 100) < 10, `${told} ms of ${took} show as ${share} %`);
    assert.ok(share < 30, `at most a fifth of a processor shows as ${share} %`);
    let last = await once(engine, 'load', ONE_SHOT);
    while (last.cpu_stats.throttling_data.throttled_periods === 0) last = await once(engine, 'load', ONE_SHOT);
    const { total_usage, usage_in_kernelmode, usage_in_usermode } = last.cpu_stats.cpu_usage;
    assert.ok(
      Math.abs(total_usage - usage_in_kernelmode - usage_in_usermode) < total_usage * 0.2,
      JSON.stringify(last),
    );
    const { usage = 0, limit, stats = {} } = last.memory_stats;
    const used = usage - (stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0);
    assert.ok(used >= 40 * MEBI && used < 60 * MEBI, `40 MiB held show as ${used / MEBI} MiB`);
    assert.equal(limit, 128 * MEBI);
    assert.deepEqual(last.pids_stats, { current: 2, limit: 20 });
    const before = (await once(engine, 'load', ONE_SHOT)).networks?.['eth0'];
    await docker(engine, [
      'exec',
      'guest',
      'sh',
      '-c',
      'ping -c 5 -s 1000 -i 0.1 $(ip route | sed -n "s/default via \\([^ ]*\\).*/\\1/p")',
    ]);
    const after = (await once(engine, 'guest', ONE_SHOT)).networks?.['eth0'];
    const received = (after?.rx_bytes ?? 0) - (before?.rx_bytes ?? 0);
    assert.ok(received >= 5 * 1000 && received < 20_000, `5 answers of 1000 bytes show as ${received}`);
  });

  test('each frame says what was before it; two who watch share the samples; one look waits for two samples, one shot for none', async () => {
    const [one, two] = await Promise.all([
      frames(engine, 'load', (seen) => seen.length === 3),
      frames(engine, 'load', (seen) => seen.length === 3),
    ]);
    const times = (seen: ContainerStats[]) => new Set(seen.map(({ read }) => read));
    assert.ok([...times(one)].filter((time) => times(two).has(time)).length >= 2, 'they were sampled apart');
    for (const [index, frame] of one.slice(1).entries()) {
      assert.equal(frame.preread, one[index]?.read);
      assert.deepEqual(frame.precpu_stats, one[index]?.cpu_stats);
      // After one that was late the next may come sooner, as long as there is half a second in between.
      const apart = Date.parse(frame.read) - Date.parse(frame.preread);
      assert.ok(apart > 400, `a frame came after ${apart} ms`);
    }
    const look = await once(engine, 'load');
    assert.ok(percent(look) > 0 && percent(look) < 40, String(percent(look)));
    const shot = await once(engine, 'load', ONE_SHOT);
    assert.equal(shot.preread, '0001-01-01T00:00:00Z');
    assert.equal(shot.precpu_stats.cpu_usage.total_usage, 0);
    assert.ok(shot.cpu_stats.cpu_usage.total_usage > 0);
    assert.equal((await request(engine.socket, 'GET', '/containers/load/stats?one-shot=1')).status, 400);
    assert.equal((await request(engine.socket, 'GET', '/containers/nobody/stats')).status, 404);
  });

  test('all that runs in one stream of few numbers, which agree with the long ones', async () => {
    const inspect = (name: string) => api<{ Id: string }>(engine.socket, 'GET', `/containers/${name}/json`);
    const [load, guest] = [(await inspect('load')).Id, (await inspect('guest')).Id];
    const look = (query = '') => api<StatsTick>(engine.socket, 'GET', `/slipway/stats?${query}`);
    const { at, containers } = await look();
    const long = await once(engine, 'load', ONE_SHOT);
    assert.ok(Math.abs(at - Date.parse(long.read)) < 3000);
    assert.deepEqual(Object.keys(containers).sort(), [load, guest].sort());
    const few = containers[load];
    assert.ok(few && few.cpu !== undefined && few.cpu > 0 && few.cpu < 40, JSON.stringify(few));
    assert.ok(few.memory >= 40 * MEBI && few.memory < 60 * MEBI, JSON.stringify(few));
    assert.deepEqual([few.memoryLimit, few.pids], [128 * MEBI, 2]);
    const { rx_bytes = 0, tx_bytes = 0 } = long.networks?.['eth0'] ?? {};
    assert.ok(few.netRx > 5000 && few.netRx <= rx_bytes && few.netTx > 0 && few.netTx <= tx_bytes);
    assert.ok((containers[guest]?.cpu ?? 100) < 5);
    assert.deepEqual(Object.keys((await look(`ids=${guest},nobody&every=250`)).containers), [guest]);
    assert.equal((await request(engine.socket, 'GET', '/slipway/stats?every=1')).status, 400);
  });

  test('a watched container stops, starts and goes: empty frames, full ones, the end of the stream', async () => {
    await run(engine, 'fleeting', '--network', 'none', 'busybox:test', 'sleep', '1000');
    let step = 0;
    const steps = [
      ['kill', 'fleeting'],
      ['start', 'fleeting'],
      ['rm', '-f', 'fleeting'],
    ];
    const seen = await frames(engine, 'fleeting', (all) => {
      const idle = all.at(-1)?.read.startsWith('0001') ?? false;
      if (all.length > 0 && step < steps.length && idle === (step === 1))
        void docker(engine, steps[step++] as string[]);
      return false;
    });
    const kinds = seen.map(({ read }) => (read.startsWith('0001') ? 'empty' : 'full'));
    assert.deepEqual(kinds.filter((kind, index) => kind !== kinds[index - 1]).slice(0, 3), ['full', 'empty', 'full']);
    assert.equal(step, 3);
    assert.ok(seen.every(({ name, networks }) => name === '/fleeting' && networks === undefined));
  });

  test('docker stats: all containers at once, those that stopped, and those that come and go while it runs', async () => {
    const format = '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}';
    const list = await docker(engine, ['stats', '--no-stream', '--format', format]);
    assert.match(list.stdout, /^load \d+\.\d+% 4\d(\.\d+)?MiB \/ 128MiB 2$/m);
    assert.match(list.stdout, /^guest 0\.\d+% .* 1$/m);
    await docker(engine, ['kill', 'guest']);
    const all = await docker(engine, ['stats', '--no-stream', '-a', '--format', format]);
    assert.match(all.stdout, /^guest 0\.00% 0B \/ 0B 0$/m);
    const watching = spawn('docker', ['stats', '--format', '{{.Name}}={{.PIDs}};'], {
      env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}`, DOCKER_CONFIG: '/nonexistent' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    watching.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const says = async (what: RegExp) => {
      while (!what.test(said)) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await says(/load=2;/);
    await run(engine, 'late', '--network', 'none', 'busybox:test', 'sleep', '1000');
    await says(/late=1;/);
    await docker(engine, ['rm', '-f', 'late']);
    // What it prints from some moment on, twice a second, is without the one that went.
    await says(/late=1;((?!late)[^])*load=2;((?!late)[^])*load=2;((?!late)[^])*$/);
    watching.kill();
  });

  test('where it is kept, the last hour comes in columns, also of a container that has ended', async () => {
    const history = async () => api<UsageHistory>(engine.socket, 'GET', '/slipway/containers/load/stats/history');
    while ((await history()).at.length < 2) await new Promise((resolve) => setTimeout(resolve, 1000));
    await docker(engine, ['kill', 'load']);
    const { every, at, cpu, memory } = await history();
    assert.equal(every, 10_000);
    assert.ok(Date.now() - (at.at(-1) ?? 0) < 15_000);
    assert.ok(
      cpu.every((share) => share > 0 && share < 40),
      String(cpu),
    );
    assert.ok((memory.at(-1) ?? 0) >= 40 * MEBI);
    assert.equal((await request(engine.socket, 'GET', '/slipway/containers/nobody/stats/history')).status, 404);
    const { can } = await api<{ can: string[] }>(engine.socket, 'GET', '/slipway/features');
    assert.ok(can.includes('stats') && can.includes('stats-history'));
  });

  test('an ordinary user whose containers have no control groups is told what their processes tell', async () => {
    await using person = await makePerson({ window: false });
    const folder = await mkdtemp(path.join(tmpdir(), 'slipway-e-'));
    await chown(folder, person.uid, person.gid);
    const command = [...person.become, process.execPath, path.join(person.checkout, 'out/daemon.cjs')];
    {
      await using theirs = await startEngine({ command, folder, env: { HOME: folder } });
      await loadBusybox(theirs);
      const idle = 'sleep 1000 & sleep 1000 & sleep 1000 & sleep 1000 &'; // more than there ever are before
      const load = `x=$(dd if=/dev/zero bs=1M count=8 2>/dev/null | tr '\\0' x); ${idle} ${BUSY}`;
      await run(theirs, 'unlimited', '--network', 'none', 'busybox:test', 'sh', '-c', load);
      await frames(theirs, 'unlimited', (all) => all.at(-1)?.pids_stats.current === 5);
      const { told, least, most } = await loadOf(theirs, 'unlimited');
      assert.ok(told > least - 150 && told < most + 150, `${least} to ${most} ms of a processor show as ${told} ms`);
      const { usage = 0, limit = 0 } = (await once(theirs, 'unlimited', ONE_SHOT)).memory_stats;
      assert.ok(usage > 8 * MEBI && usage < 40 * MEBI, `8 MiB held show as ${usage / MEBI}`);
      assert.ok(limit >= usage);
      const [few] = Object.values((await api<StatsTick>(theirs.socket, 'GET', '/slipway/stats')).containers);
      assert.ok(few?.cpu !== undefined && few.cpu > 0 && few.cpu < 120, JSON.stringify(few));
      assert.equal(few.pids, 5);
      assert.ok(few.memory > 8 * MEBI && few.memory < 40 * MEBI, JSON.stringify(few));
      const { status } = await request(theirs.socket, 'GET', '/slipway/containers/unlimited/stats/history');
      assert.equal(status, 501);
    }
    await rm(folder, { recursive: true, force: true });
  });

  test("dockerd tells the same of the same: the document's shape, and the CLI's numbers", async () => {
    await using oracle = await startDockerd();
    await loadBusybox(oracle);
    const load = `dd if=/dev/zero of=/dev/shm/held bs=1M count=20 2>/dev/null; ${BUSY}`;
    const shapes: unknown[] = [];
    const numbers: { cpu: number; memory: number; pids: number }[] = [];
    for (const each of [engine, oracle]) {
      await api(each.socket, 'POST', '/v1.41/containers/create?name=same', {
        Image: 'busybox:test',
        Cmd: ['sh', '-c', load],
        HostConfig: { NanoCpus: 100_000_000, Memory: 64 * MEBI, PidsLimit: 10 },
      });
      const idle = await once(each, 'same');
      await api(each.socket, 'POST', '/v1.41/containers/same/start');
      while (((await once(each, 'same', ONE_SHOT)).memory_stats.usage ?? 0) < 20 * MEBI);
      const busy = await once(each, 'same');
      const { stats = {}, ...memory } = busy.memory_stats;
      const known = 'cache rss total_inactive_file inactive_file total_rss pgfault total_cache'.split(' ');
      assert.deepEqual(
        known.filter((key) => !(key in stats)),
        [],
      );
      shapes.push([shapeOf({ ...idle, id: '' }), shapeOf({ ...busy, memory_stats: memory })]);
      const [, cpu, usage, pids] =
        /([\d.]+)% ([\d.]+)MiB \/ 64MiB (\d+)/.exec(
          (await docker(each, ['stats', '--no-stream', '--format', '{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}', 'same']))
            .stdout,
        ) ?? [];
      numbers.push({ cpu: Number(cpu), memory: Number(usage), pids: Number(pids) });
      await docker(each, ['rm', '-f', 'same']);
    }
    assert.deepEqual(shapes[0], shapes[1]);
    const [ours, theirs] = numbers as [(typeof numbers)[0], (typeof numbers)[0]];
    assert.ok(Math.abs(ours.cpu - theirs.cpu) < 7, JSON.stringify(numbers));
    assert.ok(Math.abs(ours.memory - theirs.memory) < 3, JSON.stringify(numbers));
    assert.equal(ours.pids, theirs.pids);
  });
});
