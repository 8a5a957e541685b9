/** What a container may ask of the kernel: the same as in dockerd's, call by call, over more than 500 numbers in two ABIs. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { docker, loadBusybox, root, run, startDockerd, startEngine } from '../fixtures/engine.js';

const EPERM = 1;

/**
 * Ours is the current Docker profile, Debian's dockerd (20.10) has an older one; and ours refuses AF_ALG, which Docker allows. Each
 * difference with its reason; a difference that is not here fails, and so does one that is here and does not come out.
 */
const DIFFERENCES: { calls: string[]; why: string }[] = [
  { calls: ['socket 40'], why: 'AF_VSOCK, the way to the hypervisor: refused by the current profile' },
  { calls: ['socket 38'], why: 'AF_ALG: refused by us, a kernel attack surface that containers do not need' },
  {
    calls: ['x86_64 41'],
    why: 'socket(2) with an address family above 32 bits: refused by us instead of being invalid',
  },
  { calls: ['x86_64 303', 'i386 341'], why: 'name_to_handle_at: allowed by the current profile' },
  {
    calls: ['x86_64 310', 'x86_64 311', 'i386 347', 'i386 348'],
    why: 'process_vm_readv and _writev: allowed by the current profile',
  },
  {
    calls: ['x86_64 329', 'x86_64 330', 'x86_64 331', 'i386 380', 'i386 381', 'i386 382'],
    why: 'pkey_*: allowed by the current profile',
  },
  {
    calls: ['x86_64 425', 'x86_64 426', 'x86_64 427', 'i386 425', 'i386 426', 'i386 427'],
    why: 'io_uring: refused by the current profile',
  },
  {
    calls: ['x86_64 450', 'i386 450'],
    why: 'set_mempolicy_home_node: known to the current profile, which wants CAP_SYS_NICE',
  },
  {
    calls: ['x86_64 459', 'x86_64 460', 'x86_64 461'],
    why: 'lsm_*: known to the current profile, which wants CAP_SYS_ADMIN',
  },
  {
    calls: Array.from({ length: 13 }, (_, index) => `i386 ${457 + index}`),
    why: 'younger than libseccomp: the 32-bit twin answers "not permitted" where 20.10 says "no such call"',
  },
];

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
            { timeout: 600_000 },
          );
          assert.equal(ran.code, 0, ran.stderr);
          return outcomes(ran.stdout);
        }),
      );
      assert.ok(oracle!.size > 900, `only ${oracle!.size} calls were tried`);
      const refused = (value: number | undefined) => value === EPERM;
      const different = [...oracle!]
        .filter(([call, theirs]) => refused(theirs) !== refused(mine!.get(call)))
        .map(([call]) => call);
      assert.deepEqual(different.sort(), DIFFERENCES.flatMap(({ calls }) => calls).sort());
      assert.equal(mine!.get('socket 38'), EPERM);
      assert.equal(mine!.get('socket 40'), EPERM);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
