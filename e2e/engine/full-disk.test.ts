/** A disk that has no room left: what runs goes on, what ends is known, and it can be freed with the docker CLI. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { api, docker, loadBusybox, run, startEngine } from '../fixtures/engine.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 900_000 };

describe('an engine on a small disk', options, () => {
  let folder: string;
  let runDir: string;
  let engine: Awaited<ReturnType<typeof startEngine>>;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-full-'));
    runDir = await mkdtemp(path.join(tmpdir(), 'slipway-full-run-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'full', folder]);
    engine = await startEngine({ folder, runDir });
    await loadBusybox(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await run('umount', ['-l', folder]);
    await rm(folder, { recursive: true });
    await rm(runDir, { recursive: true });
  });

  const free = async () => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
  const does = async (...args: string[]) => {
    const ran = await docker(engine, args);
    assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  };

  test('a volume that the disk has no room to fill is not made, and what was copied by then is gone', async () => {
    const fill = 'mkdir /data; dd if=/dev/zero of=/data/big bs=1M count=12 2>/dev/null; echo small > /data/small';
    await does('run', '--name', 'seed', '--network=none', 'busybox:test', 'sh', '-c', fill);
    await does('commit', 'seed', 'seeded:test');
    await does('rm', 'seed');
    await does('volume', 'create', 'there');
    const entries = (name: string) => readdir(path.join(engine.dataRoot, name));
    const filler = path.join(folder, 'filler');
    const gone = async () => (await Promise.all(['trash', 'containers'].map(entries))).flat().length === 0;
    while (!(await gone())) await new Promise((resolve) => setTimeout(resolve, 50));
    await run('fallocate', ['-l', String((await free()) - 8 * 2 ** 20), filler]);
    for (const volume of ['there', 'new']) {
      const made = await docker(engine, ['create', '--name', 'none', '-v', `${volume}:/data`, 'seeded:test']);
      assert.notEqual(made.code, 0);
      assert.match(made.stderr, /no space left on device/i);
      assert.deepEqual(await readdir(path.join(engine.dataRoot, 'volumes/there/_data')), []);
    }
    assert.equal(await does('volume', 'ls', '-q'), 'there');
    assert.equal(await does('ps', '-aq'), '');
    assert.deepEqual(await readdir(path.join(engine.dataRoot, 'volumes/there')), ['_data']);
    while ((await free()) < 7 * 2 ** 20) await new Promise((resolve) => setTimeout(resolve, 50));
    await rm(filler);
    assert.equal(
      await does('run', '--rm', '--network=none', '-v', 'there:/data', 'seeded:test', 'cat', '/data/small'),
      'small',
    );
    await does('rmi', 'seeded:test');
  });

  test('containers that have filled the disk can be entered, stopped and removed, by the next engine too', async () => {
    const start = (name: string, script: string, ...flags: string[]) =>
      does('run', '-d', '--name', name, '--network=none', ...flags, 'busybox:test', 'sh', '-c', script);
    const state = (name: string) => does('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name);
    const ended = async (name: string) => {
      while ((await state(name)).startsWith('running')) await new Promise((resolve) => setTimeout(resolve, 50));
      return state(name);
    };

    const fill = 'dd if=/dev/zero of=/fill bs=64k 2>/dev/null; dd if=/dev/zero of=/rest bs=1k 2>/dev/null; echo full';
    const talk = 'i=0; while [ $i -lt 10000 ]; do echo line $i; i=$((i+1)); sleep 0.01; done';
    await start('talker', talk, '--restart=always');
    await start('seen', 'while [ ! -e /go ]; do sleep 0.05; done; exit 7', '--tmpfs=/tmp');
    await start('unseen', 'while [ ! -e /tmp/go ]; do sleep 0.05; done; sleep 1; exit 8', '--tmpfs=/tmp');
    await start('filler', `${fill}; sleep 1000`);
    while ((await free()) > 0) await new Promise((resolve) => setTimeout(resolve, 50));

    assert.equal((await docker(engine, ['exec', 'filler', 'sh', '-c', 'echo inside; exit 3'])).code, 3);
    const late = await docker(engine, ['run', '--rm', '--network=none', 'busybox:test', 'true']);
    assert.match(late.stderr, /full|no space left/i);
    await does('kill', '-s', 'KILL', 'seen');
    assert.equal(await ended('seen'), 'exited 137');
    await does('stop', '-t', '0', 'talker');

    await does('exec', 'unseen', 'touch', '/tmp/go');
    await engine.kill();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await engine.restart();
    assert.equal(await ended('unseen'), 'exited 8');
    // Its policy has it started again, which may not succeed yet.
    assert.match(await state('talker'), /^(exited 137|running 0|restarting \d+)$/);

    await does('rm', '-f', 'filler');
    while ((await free()) < 8 * 2 ** 20) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(await does('run', '--rm', '--network=none', 'busybox:test', 'echo', 'again'), 'again');
    await does('rm', '-f', 'talker', 'seen', 'unseen');
    assert.deepEqual(await api(engine.socket, 'GET', '/containers/json?all=1'), []);
  });
});
