/** Limits by their effect: what a container was given when it was made, and what it is given while it runs. On cgroup v2: guest.test.ts. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ContainerStats } from '../../main/contract/stats.js';
import { makeDisk } from '../fixtures/disk.js';
import { kernelHasIoWeights } from '../fixtures/io-weights.js';
import {
  api,
  docker,
  loadBusybox,
  request,
  startDockerd,
  startEngine,
  type RunningEngine,
} from '../fixtures/engine.js';

const MEBI = 1024 * 1024;
/** Holds so many MiB for a moment, in a file system of its own memory. */
const hold = (mebibytes: number) =>
  `dd if=/dev/zero of=/dev/shm/held bs=1M count=${mebibytes} 2>/dev/null && echo held; rm -f /dev/shm/held`;
/** How many of twelve processes at once there may be. */
const FORKS =
  'p=; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 9 & p="$p $!"; done 2>/dev/null; jobs | wc -l; kill $p; wait';

describe('limits', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
  let engine: RunningEngine;
  before(async () => {
    engine = await startEngine();
    await loadBusybox(engine);
  });
  after(() => engine[Symbol.asyncDispose]());

  const run = async (...args: string[]) => {
    const ran = await docker(engine, ['run', '--network', 'none', ...args]);
    return { ...ran, said: ran.stdout.trim() };
  };
  const inside = async (name: string, script: string) =>
    (await docker(engine, ['exec', name, 'sh', '-c', script])).stdout.trim();
  const update = async (name: string, ...flags: string[]) => {
    const ran = await docker(engine, ['update', ...flags, name]);
    assert.equal(ran.code, 0, ran.stderr);
  };
  /** The share of one processor that it takes over a second. */
  const share = async (name: string) => {
    const {
      cpu_stats: now,
      precpu_stats: then,
      ...times
    } = await api<ContainerStats>(engine.socket, 'GET', `/containers/${name}/stats?stream=0`);
    const used = (now.cpu_usage.total_usage - then.cpu_usage.total_usage) / 1e6;
    return used / (Date.parse(times.read) - Date.parse(times.preread));
  };

  /** For how many periods the scheduler held it back. */
  const throttled = async (name: string) => {
    const { cpu_stats } = await api<ContainerStats>(
      engine.socket,
      'GET',
      `/containers/${name}/stats?stream=0&one-shot=1`,
    );
    return cpu_stats.throttling_data.throttled_periods;
  };

  test('writes to a device keep to their rate, and stats counts them', async () => {
    await using disk = await makeDisk(64);
    const write = `dd if=/dev/zero of=/disk/x bs=256k count=32 oflag=direct 2>/dev/null; sleep 1000`;
    const mount = ['-v', `${disk.folder}:/disk`, 'busybox:test', 'sh', '-c', write];
    const began = Date.now();
    await run('-d', '--name', 'writer', '--device-write-bps', `${disk.device}:4mb`, ...mount);
    const written = async () => {
      const { blkio_stats } = await api<ContainerStats>(
        engine.socket,
        'GET',
        '/containers/writer/stats?stream=0&one-shot=1',
      );
      return (blkio_stats.io_service_bytes_recursive ?? [])
        .filter(({ op }) => op === 'write')
        .reduce((sum, { value }) => sum + value, 0);
    };
    let seen = 0;
    for (; seen < 8 * MEBI; seen = await written()) await new Promise((resolve) => setTimeout(resolve, 50));
    const took = Date.now() - began;
    assert.ok(seen < 10 * MEBI, `8 MiB written show as ${seen / MEBI}`);
    assert.ok(took > 1000, `8 MiB at 4 MiB a second took ${took} ms`);
    await docker(engine, ['rm', '-f', 'writer']);

    const slow = Date.now();
    const few = await run(
      '--rm',
      '--device-write-iops',
      `${disk.device}:10`,
      '-v',
      `${disk.folder}:/disk`,
      'busybox:test',
      'dd',
      'if=/dev/zero',
      'of=/disk/x',
      'bs=4k',
      'count=20',
      'oflag=direct',
    );
    assert.equal(few.code, 0, few.stderr);
    assert.ok(Date.now() - slow > 1000, `20 writes at 10 a second took ${Date.now() - slow} ms`);
    const read = Date.now();
    await run(
      '--rm',
      '--device-read-bps',
      `${disk.device}:4mb`,
      '-v',
      `${disk.folder}:/disk`,
      'busybox:test',
      'sh',
      '-c',
      'dd if=/dev/zero of=/disk/y bs=1M count=8 oflag=direct; dd if=/disk/y of=/dev/null bs=256k iflag=direct',
    );
    assert.ok(Date.now() - read > 1000, `8 MiB read at 4 MiB a second took ${Date.now() - read} ms`);
    const often = Date.now();
    await run(
      '--rm',
      '--device-read-iops',
      `${disk.device}:10`,
      '-v',
      `${disk.folder}:/disk`,
      'busybox:test',
      'dd',
      'if=/disk/y',
      'of=/dev/null',
      'bs=4k',
      'count=20',
      'iflag=direct',
    );
    assert.ok(Date.now() - often > 1000, `20 reads at 10 a second took ${Date.now() - often} ms`);
  });

  test('a device that is not there, or is none, is named when the container is started', async () => {
    const missing = await run('--rm', '--device-read-bps', '/dev/nothing:1mb', 'busybox:test', 'true');
    assert.match(missing.stderr, /stat \/dev\/nothing: no such file or directory/);
    const none = await run('--rm', '--device-read-bps', '/dev/null:1mb', 'busybox:test', 'true');
    assert.match(none.stderr, /\/dev\/null is no block device/);
    const weight = await run(
      '--rm',
      '--blkio-weight',
      '300',
      'busybox:test',
      'sh',
      '-c',
      'cat /sys/fs/cgroup/blkio/blkio*.weight /sys/fs/cgroup/io*.weight 2>/dev/null',
    );
    if (await kernelHasIoWeights()) assert.match(weight.said, /300/);
    else assert.match(weight.stderr, /does not support Block I\/O weight .* Weight discarded/);
  });

  test('processors, open files, the memory that is kept free and the OOM killer are as they were asked for', async () => {
    assert.equal((await run('--rm', '--cpuset-cpus', '0', 'busybox:test', 'nproc')).said, '1');
    const files = await run(
      '--rm',
      '-u',
      'app',
      '--ulimit',
      'nofile=64:128',
      'busybox:test',
      'sh',
      '-c',
      'ulimit -n; ulimit -Hn',
    );
    assert.equal(files.said, '64\n128');
    const settings = 'cat /sys/fs/cgroup/memory/memory.soft_limit_in_bytes /sys/fs/cgroup/memory/memory.swappiness';
    const reserved = await run(
      '--rm',
      '--memory-reservation',
      '32m',
      '--memory-swappiness',
      '7',
      'busybox:test',
      'sh',
      '-c',
      settings,
    );
    assert.equal(reserved.said, `${32 * MEBI}\n7`);
    // Without the killer, who touches more memory of its own waits: it is there, and it has not got what it wanted. (A write to a tmpfs
    // would not do: the kernel fails it at once instead.)
    await run(
      '-d',
      '--name',
      'patient',
      '--memory',
      '16m',
      '--memory-swap',
      '16m',
      '--oom-kill-disable',
      'busybox:test',
      'sh',
      '-c',
      'x=0123456789abcdef; for i in $(seq 22); do x=$x$x; done; echo ended',
    );
    await new Promise((resolve) => setTimeout(resolve, 700));
    const { State } = await api<{ State: { Running: boolean; OOMKilled: boolean } }>(
      engine.socket,
      'GET',
      '/containers/patient/json',
    );
    assert.deepEqual(
      [State.Running, State.OOMKilled, (await docker(engine, ['logs', 'patient'])).stdout],
      [true, false, ''],
    );
    assert.equal((await docker(engine, ['rm', '-f', 'patient'])).code, 0);
    const unbounded = await run('--rm', '--oom-kill-disable', 'busybox:test', 'true');
    assert.match(unbounded.stderr, /OOM killer is disabled for the container, but no memory limit is set/);
  });

  test('what cannot be limited here is refused by its name', async () => {
    const realtime = await run('--rm', '--cpu-rt-runtime', '10000', 'busybox:test', 'true');
    assert.equal(realtime.code, 125);
    assert.match(realtime.stderr, /real-time scheduling \(--cpu-rt-period, --cpu-rt-runtime\)/);
    const kernel = await request(engine.socket, 'POST', '/v1.41/containers/create?name=kernel', {
      Image: 'busybox:test',
      HostConfig: { KernelMemory: 64 * MEBI },
    });
    assert.match(kernel.body.toString(), /does not support kernel memory limit/);
  });

  test('an update takes effect at once, and again at the next start', async () => {
    await run('-d', '--name', 'updated', 'busybox:test', 'sh', '-c', 'while :; do :; done');
    assert.equal(await throttled('updated'), 0);
    assert.equal(await inside('updated', hold(48)), 'held');
    assert.equal(await inside('updated', FORKS), '12');
    await update('updated', '--cpus', '0.1', '--memory', '24m', '--memory-swap', '24m', '--pids-limit', '6');
    const held = async () => {
      const used = await share('updated');
      while ((await throttled('updated')) === 0);
      assert.ok(used < 0.2, `a tenth of a processor shows as ${used}`);
      assert.equal(await inside('updated', hold(48)), '');
      assert.ok(Number((await inside('updated', FORKS)).split('\n')[0]) < 6);
    };
    await held();
    const { HostConfig } = await api<{ HostConfig: Record<string, unknown> }>(
      engine.socket,
      'GET',
      '/containers/updated/json',
    );
    assert.deepEqual([HostConfig['NanoCpus'], HostConfig['Memory'], HostConfig['PidsLimit']], [1e8, 24 * MEBI, 6]);
    await docker(engine, ['restart', '-t', '0', 'updated']);
    await held();
    await docker(engine, ['kill', 'updated']);
    await update('updated', '--cpus', '1', '--memory', '128m', '--memory-swap', '-1', '--pids-limit', '-1');
    await docker(engine, ['start', 'updated']);
    assert.equal(await inside('updated', hold(48)), 'held');
    assert.equal(await inside('updated', FORKS), '12');
    await update('updated', '--pids-limit', '6');
    await update('updated', '--pids-limit', '-1');
    assert.equal(await inside('updated', FORKS), '12');
    await docker(engine, ['rm', '-f', 'updated']);
  });

  test('a restart policy given later brings the container back, one taken away does not', async () => {
    await run('-d', '--name', 'policy', 'busybox:test', 'sleep', '1000');
    const restarts = async () =>
      (await docker(engine, ['inspect', '--format', '{{.RestartCount}} {{.State.Status}}', 'policy'])).stdout.trim();
    const die = async () => {
      const { State } = await api<{ State: { Pid: number } }>(engine.socket, 'GET', '/containers/policy/json');
      assert.ok(State.Pid > 1, `its process is ${State.Pid}`);
      process.kill(State.Pid, 'SIGKILL');
    };
    await update('policy', '--restart', 'on-failure:3');
    await die();
    for (let tries = 0; tries < 500 && (await restarts()) !== '1 running'; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await restarts(), '1 running');
    await update('policy', '--restart', 'no');
    await die();
    await docker(engine, ['wait', 'policy']);
    assert.match(await restarts(), /exited$/);
    await docker(engine, ['rm', '-f', 'policy']);
  });

  test('dockerd answers the same to the same updates', async () => {
    await using oracle = await startDockerd();
    await loadBusybox(oracle);
    const updates: object[] = [
      ...[
        { Memory: 64 * MEBI },
        { Memory: 64 * MEBI, MemorySwap: 64 * MEBI },
        { Memory: 128 * MEBI },
        { Memory: MEBI },
      ],
      ...[{ MemorySwap: 32 * MEBI, Memory: 64 * MEBI }, { MemoryReservation: 1 }, { CpuQuota: 5 }, { CpuPeriod: 5 }],
      ...[
        { NanoCpus: 5e8, CpuPeriod: 1000 },
        { NanoCpus: 5e8 },
        { CpuPeriod: 100_000 },
        { CpuQuota: 100_000 },
        { NanoCpus: 99e9 },
      ],
      ...[{ CpusetCpus: '99' }, { PidsLimit: 0 }, { PidsLimit: 7 }, { CpuShares: 512 }, {}],
      { RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } },
      { RestartPolicy: { Name: 'sometimes' } },
      { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } },
    ];
    const answers = async ({ socket }: { socket: string }) => {
      const create = async (name: string, AutoRemove: boolean) =>
        (
          await api<{ Id: string }>(socket, 'POST', `/v1.41/containers/create?name=${name}`, {
            Image: 'busybox:test',
            Cmd: ['sleep', '1000'],
            HostConfig: { NetworkMode: 'none', AutoRemove },
          })
        ).Id;
      const id = await create('plain', false);
      const other = await create('fleeting', true);
      const all: string[] = [];
      const ask = async (name: string, body: object) => {
        const { status, body: text } = await request(socket, 'POST', `/v1.41/containers/${name}/update`, body);
        all.push(
          `${name} ${JSON.stringify(body)}: ${status} ${text.toString().trim()}`
            .replaceAll(id, 'ID')
            .replaceAll(other, 'ID'),
        );
      };
      for (const body of updates) await ask('plain', body);
      await api(socket, 'POST', '/v1.41/containers/plain/start');
      for (const body of updates) await ask('plain', body);
      await ask('fleeting', { RestartPolicy: { Name: 'always' } });
      await ask('nobody', { PidsLimit: 7 });
      const { HostConfig } = await api<{ HostConfig: Record<string, unknown> }>(
        socket,
        'GET',
        '/v1.41/containers/plain/json',
      );
      const kept = 'Memory MemorySwap NanoCpus CpuPeriod CpuQuota CpuShares CpusetCpus PidsLimit RestartPolicy'.split(
        ' ',
      );
      return [...all, ...kept.map((key) => `${key} is ${JSON.stringify(HostConfig[key])}`)];
    };
    assert.deepEqual(await answers(engine), await answers(oracle));
  });
});
