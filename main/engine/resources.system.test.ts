/** Limits and what is told of their use, by their effect; also run in the guest, where there is cgroup v2 with systemd. */
import '../base/scopes.js';
import assert from 'node:assert/strict';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerCreate } from '../contract/containers.js';
import type { ContainerStats } from '../contract/stats.js';
import { Stats } from './stats/index.js';
import {
  cannotRun,
  closeRooms,
  createContainer,
  enginePlace,
  openRooms,
  readAll,
  type Rooms,
} from './testing-rooms.js';

const MEBI = 2 ** 20;
const unified = await access('/sys/fs/cgroup/cgroup.controllers').then(
  () => true,
  () => false,
);
const limits = unified || process.getuid?.() === 0;
const BUSY = 'while :; do :; done';
/** Holds so many MiB for a moment. */
const hold = (mebibytes: number): string =>
  `dd if=/dev/zero of=/dev/shm/held bs=1M count=${mebibytes} 2>/dev/null && echo held; rm -f /dev/shm/held`;
const FORKS =
  'p=; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 9 & p="$p $!"; done 2>/dev/null; jobs | wc -l; kill $p; wait';

describe('limits and their use', { skip: cannotRun, timeout: 1_800_000 }, () => {
  let engine: Rooms;
  let stats: Stats;
  const steps: (() => void | Promise<void>)[] = [];
  before(async () => {
    engine = await openRooms(await enginePlace({ after: (step) => void steps.push(step as () => Promise<void>) }));
    stats = new Stats(engine.containers);
  });
  after(async () => {
    await closeRooms(engine);
    for (const step of steps.reverse()) await step();
  });

  const start = async (script: string, HostConfig: ContainerCreate['HostConfig'] = {}): Promise<string> => {
    const id = await createContainer(engine, ['sh', '-c', script], { HostConfig });
    await engine.containers.start(id);
    return id;
  };
  const inside = async (id: string, script: string): Promise<string> => {
    const { Id } = await engine.execs.create(id, { Cmd: ['sh', '-c', script], AttachStdout: true });
    const stream = await engine.execs.start(Id);
    return stream ? (await readAll(stream)).out.trim() : '';
  };
  const look = async (id: string, oneShot = false): Promise<ContainerStats> => {
    for await (const frame of stats.read(id, { stream: false, oneShot })) return frame;
    throw new Error('nothing was told');
  };
  /**
   * Milliseconds of processor time over a second and a half, or longer where it got little of a busy machine (`took`): what stats tell, and the
   * least and the most that the kernel has counted for the process itself.
   */
  const load = async (id: string): Promise<{ told: number; least: number; most: number; took: number }> => {
    const { State } = await engine.containers.inspect(id);
    const taken = async () => {
      const fields = (await readFile(`/proc/${State.Pid}/stat`, 'utf8')).replace(/.*\) /, '').split(' ');
      return 10 * (Number(fields[11]) + Number(fields[12]));
    };
    // However long a look takes on a busy machine: it lies between two of the kernel's own.
    const both = async () => {
      const before = await taken();
      const frame = await look(id, true);
      return { before, told: frame.cpu_stats.cpu_usage.total_usage / 1e6, after: await taken() };
    };
    const began = performance.now();
    const first = await both();
    do await sleep(1500);
    while ((await taken()) < first.after + 400);
    const second = await both();
    return {
      told: second.told - first.told,
      least: second.before - first.after,
      most: second.after - first.before,
      took: performance.now() - began,
    };
  };

  test('stats tell the processor time, the memory and the processes of a load', async () => {
    const idle = 'sleep 1000 & sleep 1000 &'; // as many as there never are before
    const id = await start(`dd if=/dev/zero of=/dev/shm/held bs=1M count=16 2>/dev/null; ${idle} ${BUSY}`);
    while ((await look(id, true)).pids_stats.current !== 3) await sleep(100);
    const { told, least, most } = await load(id);
    assert.ok(told > least - 100 && told < most + 100, `${least} to ${most} ms of a processor show as ${told} ms`);
    assert.ok(told > 300, `a busy process shows as ${told} ms`);
    const { memory_stats, networks } = await look(id);
    assert.equal(networks, undefined);
    assert.ok((memory_stats.usage ?? 0) < (memory_stats.limit ?? 0));
    // What nobody's process holds alone is seen by control groups only.
    if (limits) assert.ok((memory_stats.usage ?? 0) >= 16 * MEBI, JSON.stringify(memory_stats));
    await engine.containers.remove(id, { force: true });
    assert.equal((await look(await createContainer(engine, ['true']))).pids_stats.current, undefined);
  });

  test(
    'memory, processes and processor time are limited, and told with their limits',
    { skip: !limits && 'no limits for this user' },
    async () => {
      const id = await start(BUSY, { Memory: 32 * MEBI, MemorySwap: 32 * MEBI, PidsLimit: 6, NanoCpus: 200_000_000 });
      const { told, took } = await load(id);
      assert.ok(told < took / 5 + 300, `a fifth of a processor is ${told} ms of ${took}`);
      const frame = await look(id);
      assert.deepEqual([frame.memory_stats.limit, frame.pids_stats.limit], [32 * MEBI, 6]);
      while ((await look(id, true)).cpu_stats.throttling_data.throttled_periods === 0) await sleep(100);
      await engine.containers.update(id, { NanoCpus: 1_000_000_000 });
      assert.equal(await inside(id, hold(8)), 'held');
      assert.equal(await inside(id, hold(64)), '');
      assert.ok(Number((await inside(id, FORKS)).split('\n')[0]) < 6);
      await engine.containers.remove(id, { force: true });
    },
  );

  test(
    'an update of a container that runs takes effect at once',
    { skip: !limits && 'no limits for this user' },
    async () => {
      const id = await start('sleep 1000');
      assert.equal(await inside(id, FORKS), '12');
      const { containers } = engine;
      await containers.update(id, { PidsLimit: 6, Memory: 24 * MEBI, MemorySwap: 24 * MEBI, CpuShares: 512 });
      assert.equal(await inside(id, hold(48)), '');
      assert.ok(Number((await inside(id, FORKS)).split('\n')[0]) < 6);
      await containers.update(id, { PidsLimit: -1, Memory: 96 * MEBI, MemorySwap: 96 * MEBI });
      assert.equal(await inside(id, FORKS), '12');
      assert.equal(await inside(id, hold(48)), 'held');
      const { HostConfig } = await containers.inspect(id);
      assert.deepEqual([HostConfig.Memory, HostConfig.PidsLimit, HostConfig.CpuShares], [96 * MEBI, null, 512]);
      await containers.remove(id, { force: true });
    },
  );

  test(
    'writes to the disk keep to their rate',
    { skip: process.getuid?.() !== 0 && 'block devices are not delegated to ordinary users' },
    async (t) => {
      const disk = await diskOf(engine.root);
      if (!disk) return t.skip('the data root is on no disk of its own');
      const write = 'dd if=/dev/zero of=/written bs=256k count=16 oflag=direct 2>/dev/null; sleep 1000';
      const began = Date.now();
      const id = await start(write, { BlkioDeviceWriteBps: [{ Path: disk, Rate: 2 * MEBI }] });
      const written = async (): Promise<number> => {
        const entries = (await look(id, true)).blkio_stats.io_service_bytes_recursive ?? [];
        return entries.filter(({ op }) => op === 'write').reduce((sum, { value }) => sum + value, 0);
      };
      while ((await written()) < 4 * MEBI) await sleep(100);
      const took = Date.now() - began;
      assert.ok(took > 1000, `4 MiB at 2 MiB a second took ${took} ms`);
      await engine.containers.remove(id, { force: true });
    },
  );

  test(
    'a rate of a disk is set, changed and lifted while the container goes on',
    { skip: process.getuid?.() !== 0 && 'block devices are not delegated to ordinary users' },
    async (t) => {
      const disk = await diskOf(engine.root);
      if (!disk) return t.skip('the data root is on no disk of its own');
      const id = await start('sleep 1000');
      const { Pid } = (await engine.containers.inspect(id)).State;
      const write = async (): Promise<number> => {
        const began = Date.now();
        await inside(id, 'dd if=/dev/zero of=/written bs=256k count=8 oflag=direct 2>/dev/null');
        return Date.now() - began;
      };
      const rate = async (Rate: number): Promise<number> => {
        const change = { HostConfig: { BlkioDeviceWriteBps: Rate > 0 ? [{ Path: disk, Rate }] : null } };
        const preview = await engine.containers.previewChange(id, change);
        assert.deepEqual([preview.NeedsRestart, preview.Changes.length], [false, 1]);
        await engine.containers.change(id, change);
        return write();
      };
      assert.ok((await rate(MEBI)) > 1000);
      // A disk may be busy with others: once is enough, for at the first rate it could never be.
      for (const lifted of [64 * MEBI, 0])
        for (let took = await rate(lifted); took > 1000; took = await write()) t.diagnostic(`${took} ms at ${lifted}`);
      assert.equal((await engine.containers.inspect(id)).State.Pid, Pid);
      await engine.containers.remove(id, { force: true });
    },
  );

  test(
    'a device outside the list is not opened',
    { skip: process.getuid?.() !== 0 && 'an ordinary user opens none anyway' },
    async () => {
      const script = 'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg; echo $?; head -c 3 /dev/zero | wc -c';
      const id = await start('sleep 1000');
      assert.equal(await inside(id, script), '1\n3');
      await engine.containers.remove(id, { force: true });
    },
  );

  test('what this user cannot limit here is warned of by its name', async () => {
    const HostConfig = { CpusetCpus: '0', BlkioWeight: 300, MemorySwappiness: 10, PidsLimit: 50 };
    const { Id, Warnings } = await engine.containers.create({ Image: 'busybox', Cmd: ['true'], HostConfig });
    const { controllers, ioWeights } = engine.helper.hello.cgroup;
    const said = (name: string): boolean => Warnings.some((warning) => warning.includes(name));
    assert.equal(said('cpuset'), !controllers.includes('cpuset'));
    const blockIO = controllers.includes(unified ? 'io' : 'blkio');
    assert.equal(said('Block I/O weight'), !blockIO || !ioWeights);
    assert.equal(said('pids limit'), !controllers.includes('pids'));
    assert.equal(said('wappiness') || said('memory limit'), unified || !controllers.includes('memory'));
    await engine.containers.remove(Id);
  });
});

/** The device that a path's file system is on, where that is a whole disk. */
async function diskOf(path: string): Promise<string | undefined> {
  const { dev } = await stat(path);
  for (const name of await readdir('/sys/block')) {
    const numbers = (await readFile(`/sys/block/${name}/dev`, 'utf8')).trim();
    if (numbers === `${(dev >>> 8) & 0xfff}:${dev & 0xff}`) return `/dev/${name}`;
  }
  return undefined;
}
