/** The helper as an OCI runtime in its own right: other people's engines run containers with it, as they do with runc. */
import assert from 'node:assert/strict';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { busyboxArchive, docker, loadBusybox, root, run, startDockerd, type Ran } from '../fixtures/engine.js';

const helper = path.join(root, 'native/build/slipway-helper');
const runtimes = { slipway: helper, runc: '/usr/sbin/runc' };
const STAY = 'trap "echo ending; exit 5" TERM; echo up; sleep 1000 & wait';

/** One step of a container's life: the words of the command line, and what is to come of it. */
interface Step {
  args: string[];
  code?: number;
  out?: RegExp;
  input?: string;
}

/** What an engine asks of its runtime in a container's life. `flags` are those of `run`; `changed`: an update to 32 MiB. */
const life = (name: string, flags: string[], changed: Step[]): Step[] => [
  { args: ['run', '--rm', ...flags, 'busybox:test', 'sh', '-c', 'echo out; exit 7'], code: 7, out: /^out\n$/ },
  { args: ['run', '--rm', '-t', ...flags, 'busybox:test', 'tty'], out: /^\/dev\/pts\/0\r?\n$/ },
  { args: ['run', '--rm', ...flags, 'busybox:test', 'no-such-command'], code: 127 },
  {
    args: ['run', '--rm', '-u', 'app', '--read-only', ...flags, 'busybox:test', 'sh', '-c', 'id -u; touch /x'],
    code: 1,
    out: /^1000\n/,
  },
  { args: ['run', '-d', '--name', name, '--memory', '64m', ...flags, 'busybox:test', 'sh', '-c', STAY] },
  { args: ['exec', name, 'sh', '-c', `cat ${memoryFile}; exit 3`], code: 3, out: /^67108864\n$/ },
  { args: ['exec', '-i', name, 'cat'], input: 'input\n', out: /^input\n$/ },
  { args: ['exec', '-t', name, 'tty'], out: /^\/dev\/pts\/\d\r?\n$/ },
  { args: ['exec', '-d', name, 'touch', '/tmp/detached'] },
  { args: ['exec', name, 'sh', '-c', 'until [ -e /tmp/detached ]; do :; done; ls /tmp'], out: /^detached\n$/ },
  { args: ['top', name], out: /sleep 1000|sh -c trap/ },
  { args: ['pause', name] },
  { args: ['ps', '-a', '--format', '{{.Names}} {{.Status}}'], out: new RegExp(`^${name} .*Paused`, 'm') },
  { args: ['unpause', name] },
  ...changed,
  { args: ['exec', name, 'cat', memoryFile], out: /^33554432\n$/ },
  { args: ['stop', '-t', '60', name] },
  { args: ['logs', name], out: /^up\nending\n$/ },
  { args: ['inspect', name, '--format', '{{.State.ExitCode}}'], out: /^5\n$/ },
  { args: ['start', name] },
  { args: ['kill', name] },
  { args: ['wait', name], out: /^137\n$/ },
  { args: ['rm', name] },
];

/** Runs the steps one after the other; what came out otherwise than it should, in words. */
async function lived(steps: Step[], command: (args: string[], input?: string) => Promise<Ran>): Promise<string[]> {
  const wrong: string[] = [];
  for (const { args, code = 0, out, input } of steps) {
    const ran = await command(args, input);
    if (ran.code !== code || (out && !out.test(ran.stdout)))
      wrong.push(`${args.join(' ')}: exit ${ran.code}, stdout ${JSON.stringify(ran.stdout)}, stderr ${ran.stderr}`);
  }
  return wrong;
}

const unified = await access('/sys/fs/cgroup/cgroup.controllers').then(
  () => true,
  () => false,
);
const memoryFile = unified ? '/sys/fs/cgroup/memory.max' : '/sys/fs/cgroup/memory/memory.limit_in_bytes';

describe(
  'other engines run containers with our helper, as with runc',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  () => {
    test('dockerd', async () => {
      await using dockerd = await startDockerd({ flags: ['--add-runtime', `slipway=${helper}`] });
      await loadBusybox(dockerd);
      const command = (args: string[], input?: string) => docker(dockerd, args, { input: input ?? '' });
      const lives = Object.keys(runtimes).map((name) => {
        const limits = ['--memory', '32m', '--memory-swap', '32m', '--cpus', '0.5', '--pids-limit', '40'];
        const changed: Step[] = [
          { args: ['update', ...limits, name] },
          { args: ['stats', '--no-stream', '--format', '{{.MemUsage}} {{.PIDs}}', name], out: /\/ 32MiB 2\n$/ },
        ];
        return lived(life(name, ['--runtime', name], changed), command);
      });
      assert.deepEqual(await Promise.all(lives), [[], []]);
    });

    test('podman', async () => {
      const base = await mkdtemp(path.join(tmpdir(), 'slipway-podman-'));
      const folders = ['root', 'runroot', 'tmpdir'].flatMap((name) => [`--${name}`, path.join(base, name)]);
      const modest = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--storage-driver', 'vfs'];
      const podman = (runtime: string) => (args: string[], input?: string) =>
        run('podman', ['--runtime', runtime, ...folders, ...modest, ...args], { input: input ?? '' });
      // Podman asks for more open files than an engine without CAP_SYS_RESOURCE may give.
      const flags = ['--network', 'none', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
      try {
        const loaded = await podman(helper)(['load', '-q', '-i', await busyboxArchive()]);
        assert.equal(loaded.code, 0, loaded.stderr);
        const lives = Object.entries(runtimes).map(([name, program]) =>
          lived(life(name, flags, [{ args: ['update', '--memory', '32m', name] }]), podman(program)),
        );
        assert.deepEqual(await Promise.all(lives), [[], []]);
      } finally {
        await rm(base, { recursive: true, force: true });
      }
    });
  },
);
