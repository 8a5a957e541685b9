/** Limits on cgroup v2, which this kind of machine has only in a guest: by their effect, as root and as an ordinary user of systemd. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { busyboxArchive, root, run } from '../fixtures/engine.js';

const cache = path.join(root, 'node_modules/.cache/slipway-test/guest');
const guest = await stat(path.join(cache, 'root.img')).then(
  () => true,
  () => false,
);

interface Outcome {
  output: string;
  code: number;
  oom: boolean;
  warnings: string[];
}
interface Result {
  uid: number;
  cgroupVersion: string;
  memory: Outcome;
  memoryFree: Outcome;
  pids: Outcome;
  cpu: Outcome;
  device: Outcome;
}

describe(
  'cgroup v2 in the guest',
  { skip: !guest && 'NO GUEST: this machine could not make one, so cgroup v2 was not tested (set-up said why)' },
  () => {
    let share: string;
    before(async () => {
      share = await mkdtemp(path.join(tmpdir(), 'slipway-share-'));
      await mkdir(path.join(share, 'native'), { recursive: true });
      await cp(path.join(root, 'out'), path.join(share, 'out'), {
        recursive: true,
        filter: (name) => !name.includes('renderer') && !name.endsWith('.map'),
      });
      await cp(path.join(root, 'native/build'), path.join(share, 'native/build'), {
        recursive: true,
        filter: (name) => !/\.(o|d)$/.test(name),
      });
      for (const name of ['libsql', '@libsql', '@neon-rs', 'detect-libc'])
        await cp(path.join(root, 'node_modules', name), path.join(share, 'node_modules', name), { recursive: true });
      await cp(path.join(root, 'e2e/guest/limits.mjs'), path.join(share, 'limits.mjs'));
      await cp(await busyboxArchive(), path.join(share, 'busybox.tar'));
      await cp(path.join(root, 'package.json'), path.join(share, 'package.json'));
      await run('chmod', ['-R', 'a+rX', share]);
    });
    after(() => rm(share, { recursive: true, force: true }));

    for (const user of ['root', 'dev'] as const)
      test(`memory, process and cpu limits take effect for ${user === 'root' ? 'root' : 'an ordinary user'}`, async () => {
        const ran = await run(
          path.join(root, 'e2e/guest/guest.sh'),
          ['run', '--user', user, '--share', share, '--', 'node', '/mnt/share/limits.mjs'],
          {
            env: { GUEST_CACHE: cache, GUEST_TIMEOUT: '240' },
            timeout: 250_000,
          },
        );
        assert.equal(ran.code, 0, ran.stderr + ran.stdout);
        const result = JSON.parse(ran.stdout.trim().split('\n').pop()!) as Result;
        assert.equal(result.cgroupVersion, '2');
        assert.equal(result.uid, user === 'root' ? 0 : 1000);
        assert.deepEqual([result.memory.code, result.memory.oom], [137, true], JSON.stringify(result.memory));
        assert.match(result.memoryFree.output, /survived/);
        assert.match(result.pids.output, /^8\r\n/);
        assert.match(result.pids.output, /can't fork|Resource temporarily unavailable/);
        assert.match(result.cpu.output, /^20000 100000\r\n/);
        assert.ok(Number(/nr_throttled (\d+)/.exec(result.cpu.output)?.[1]) > 5, result.cpu.output);
        assert.doesNotMatch(result.device.output, /opened: 0/, 'a device outside the allowed list was opened');
        assert.match(result.device.output, /1\r\n$/);
      });
  },
);
