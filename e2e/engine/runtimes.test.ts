/** Whose program runs the containers: ours and nobody else's by default; another OCI runtime by a setting, with the same behaviour. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker, loadBusybox, startEngine, type RunningEngine } from '../fixtures/engine.js';

const needsRoot = { skip: process.getuid?.() !== 0 && 'needs root' };

/** What users of any runtime rely on; each case is what the docker CLI prints and how it exits. */
const CASES: { name: string; args: string[]; code: number; stdout?: RegExp; stderr?: RegExp }[] = [
  { name: 'output and exit code', args: ['busybox:test', 'sh', '-c', 'echo out; exit 7'], code: 7, stdout: /^out\n$/ },
  {
    name: 'stderr apart',
    args: ['busybox:test', 'sh', '-c', 'echo wrong >&2'],
    code: 0,
    stdout: /^$/,
    stderr: /^wrong\n$/,
  },
  {
    name: 'a command that does not exist is 127',
    args: ['busybox:test', 'nope'],
    code: 127,
    stderr: /executable file not found/,
  },
  {
    name: 'a file that cannot be executed is 126',
    args: ['busybox:test', '/etc/passwd'],
    code: 126,
    stderr: /permission denied/,
  },
  {
    name: 'pid 1, a hostname of its own',
    args: ['--hostname', 'slip', 'busybox:test', 'sh', '-c', 'echo $$ $(hostname)'],
    code: 0,
    stdout: /^1 slip\n$/,
  },
  { name: 'a user by name', args: ['-u', 'app', 'busybox:test', 'id', '-u'], code: 0, stdout: /^1000\n$/ },
  { name: 'a terminal', args: ['-t', 'busybox:test', 'tty'], code: 0, stdout: /^\/dev\/pts\/0\r\n$/ },
  { name: 'a read-only root', args: ['--read-only', 'busybox:test', 'touch', '/x'], code: 1, stderr: /Read-only/ },
  {
    name: 'a memory limit',
    args: [
      '--memory',
      '32m',
      'busybox:test',
      'sh',
      '-c',
      'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true',
    ],
    code: 0,
    stdout: /^33554432\n$/,
  },
  {
    name: 'a process limit',
    args: [
      '--pids-limit',
      '17',
      'busybox:test',
      'sh',
      '-c',
      'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; true',
    ],
    code: 0,
    stdout: /^17\n$/,
  },
  {
    name: 'default capabilities',
    args: ['busybox:test', 'grep', 'CapEff', '/proc/self/status'],
    code: 0,
    stdout: /00000000a80425fb/,
  },
  {
    name: 'no new privileges',
    args: ['--security-opt', 'no-new-privileges', 'busybox:test', 'grep', 'NoNewPrivs', '/proc/self/status'],
    code: 0,
    stdout: /1\n$/,
  },
  { name: 'seccomp is on', args: ['busybox:test', 'grep', 'Seccomp:', '/proc/self/status'], code: 0, stdout: /2\n$/ },
];

async function sameCases(engine: RunningEngine, runtime: string[]) {
  const wrong: string[] = [];
  for (const { name, args, code, stdout, stderr } of CASES) {
    const ran = await docker(engine, ['run', '--rm', '--network', 'none', ...runtime, ...args]);
    const right = ran.code === code && (stdout?.test(ran.stdout) ?? true) && (stderr?.test(ran.stderr) ?? true);
    if (!right)
      wrong.push(
        `${name}: exit ${ran.code}, stdout ${JSON.stringify(ran.stdout)}, stderr ${JSON.stringify(ran.stderr)}`,
      );
  }
  return wrong;
}

test('the same cases come out on our helper and on runc', needsRoot, async () => {
  await using engine = await startEngine({ flags: ['--add-runtime', 'runc=/usr/sbin/runc'] });
  await loadBusybox(engine);
  assert.deepEqual(await sameCases(engine, []), []);
  assert.deepEqual(await sameCases(engine, ['--runtime', 'runc']), []);
});

test("a start executes our monitor and the container's own command, nothing else", needsRoot, async () => {
  await using engine = await startEngine();
  await loadBusybox(engine);
  const helper = await pidOf('slipway-helper', engine.runDir);
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-trace-'));
  try {
    const log = path.join(folder, 'log');
    const pids = [helper, engine.process.pid!].flatMap((pid) => ['-p', String(pid)]);
    const strace = spawn('strace', ['-f', '-qq', '-e', 'trace=execve,execveat', '-o', log, ...pids], {
      stdio: 'ignore',
    });
    for (const pid of [helper, engine.process.pid!]) while (!(await isTraced(pid))) await sleep(20);
    const ran = await docker(engine, ['run', '--rm', '--network', 'none', 'busybox:test', 'true']);
    assert.equal(ran.code, 0, ran.stderr);
    const ended = once(strace, 'exit');
    strace.kill('SIGINT');
    await ended;
    const calls = (await readFile(log, 'utf8'))
      .split('\n')
      .filter((line) => /exec(ve|veat)\(/.test(line) && / = 0$/.test(line));
    assert.ok(calls.length >= 2, `the trace is empty: ${calls.join('\n')}`);
    const programs = calls
      .map((line) => /"([^"]*)", \["([^"]*)"/.exec(line))
      .map((found) => found?.[1] || found?.[2] || '');
    assert.deepEqual(
      programs.filter((name) => !/slipway-(monitor|helper)$|^true$|^\/bin\/true$|^$/.test(name)),
      [],
    );
    assert.doesNotMatch(calls.join('\n'), /docker|runc|crun/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Whether somebody follows all its threads. */
async function isTraced(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const each = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/status`, 'utf8').catch(() => ''));
  return (await Promise.all(each)).every((status) => !/^TracerPid:\t0$/m.test(status));
}

async function pidOf(program: string, argument: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.split('\0')[0]!.endsWith(program) && command.includes(argument)) return Number(pid);
  }
  throw new Error(`no ${program} with ${argument} runs`);
}
