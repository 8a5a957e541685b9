/** What a container may ask of the kernel: the same as in dockerd's, call by call, over more than 500 numbers in two ABIs. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { docker, loadBusybox, root, run, startDockerd, startEngine } from '../fixtures/engine.js';

const EPERM = 1;

/**
 * Ours is the current Docker profile, Debian's dockerd (20.10) has an older one; and ours refuses two address families that Docker allows
 * (main reference: the AF_ALG kernel bug; AF_VSOCK reaches the hypervisor). Each difference with its reason; the test pins them.
 */
const DIFFERENCES: Record<string, string> = {
  'socket 38': 'AF_ALG is refused by us',
  'socket 40': 'AF_VSOCK is refused by us (and by current Docker)',
};

/** Calls whose answer hangs on time, process ids or what else runs: compared only as allowed or refused. */
const outcomes = (text: string) =>
  new Map(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').pop())]),
  );

test(
  'more than 500 system calls are allowed and refused as in a container of dockerd',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'slipway-syscalls-'));
    try {
      const program = path.join(folder, 'syscalls');
      const built = await run('musl-gcc', ['-static', '-O1', '-o', program, path.join(root, 'e2e/engine/syscalls.c')]);
      assert.equal(built.code, 0, built.stderr);
      await using ours = await startEngine();
      await using theirs = await startDockerd();
      const [mine, oracle] = await Promise.all(
        [ours, theirs].map(async (engine) => {
          await loadBusybox(engine);
          const ran = await docker(
            engine,
            ['run', '--rm', '--network', 'none', '-v', `${folder}:/t:ro`, 'busybox:test', '/t/syscalls'],
            { timeout: 200_000 },
          );
          assert.equal(ran.code, 0, ran.stderr);
          return outcomes(ran.stdout);
        }),
      );
      assert.ok(oracle!.size > 900, `only ${oracle!.size} calls were tried`);
      const refused = (value: number | undefined) => value === EPERM;
      const different = [...oracle!].filter(([call, theirs]) => refused(theirs) !== refused(mine!.get(call)));
      assert.deepEqual(
        different
          .map(([call, theirs]) => `${call}: dockerd ${theirs}, ours ${mine!.get(call)}`)
          .filter((line) => !DIFFERENCES[line.split(':')[0]!]),
        [],
      );
      assert.equal(mine!.get('socket 38'), EPERM);
      assert.equal(mine!.get('socket 40'), EPERM);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
