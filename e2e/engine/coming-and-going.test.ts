/** Who has the data root, and what happens when an engine ends, is killed or is asked to let go. Headless, with real containers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { api, docker, loadBusybox, request, root, run, startEngine, type RunningEngine } from '../fixtures/engine.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 300_000 };
const daemon = path.join(root, 'out/daemon.cjs');

interface Features {
  pid: number;
  host: string;
}

const features = (engine: { socket: string }) => api<Features>(engine.socket, 'GET', '/slipway/features');

/** The engine's answer once it is another process than `before`. */
async function successor(engine: { socket: string }, before: number): Promise<Features> {
  for (let tries = 0; tries < 2000; tries++) {
    const found = await features(engine).catch(() => undefined);
    if (found && found.pid !== before) return found;
    await sleep(25);
  }
  throw new Error('no other engine has come');
}

const flagsOf = ({ dataRoot, runDir, socket }: RunningEngine) => [
  ...['--data-root', dataRoot, '--exec-root', runDir, '--host', `unix://${socket}`],
];

/** A container that prints numbered lines without end; how many are in its log, which has no gap. */
const count = 'i=0; while :; do echo line $i; i=$((i+1)); usleep 2000; done';
async function linesOf(engine: { socket: string }, name: string): Promise<number> {
  const { stdout } = await docker(engine, ['logs', name]);
  const lines = stdout.trimEnd().split('\n');
  lines.forEach((line, i) => assert.equal(line, `line ${i}`));
  return lines.length;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

test('a second engine on the same data is told whose it is, and changes nothing', needs, async () => {
  await using engine = await startEngine();
  const { pid } = await features(engine);
  const elsewhere = ['--exec-root', `${engine.runDir}2`, '--host', `unix://${engine.socket}2`];
  const second = await run(process.execPath, [daemon, '--data-root', engine.dataRoot, ...elsewhere]);
  assert.equal(second.code, 1);
  assert.equal(second.stderr.trim(), `slipway: another engine (pid ${pid}) already uses ${engine.dataRoot}`);
  const same = await run(process.execPath, [daemon, ...flagsOf(engine)]);
  assert.equal(same.code, 1);
  assert.equal((await features(engine)).pid, pid);
});

test(
  'ended by SIGTERM with nothing running, the engine takes its helper along and leaves no socket',
  needs,
  async () => {
    await using engine = await startEngine();
    await loadBusybox(engine);
    await docker(engine, ['run', '--rm', 'busybox:test', 'true']);
    const helpers = async () => (await run('pgrep', ['-f', `slipway-helper serve --run-dir ${engine.runDir} `])).stdout;
    assert.notEqual(await helpers(), '');
    await engine.stop();
    assert.equal(engine.process.exitCode, 0);
    for (let tries = 0; tries < 400 && (await helpers()) !== ''; tries++) await sleep(50);
    assert.equal(await helpers(), '');
    assert.equal(await exists(engine.socket), false);
    assert.equal(await exists(path.join(engine.dataRoot, 'LOCK')), false);
    assert.deepEqual(await readdir(path.join(engine.runDir, 'c')), []);
  },
);

test('ended by SIGTERM while a container runs, the container goes on, and the next engine has it', needs, async () => {
  await using engine = await startEngine();
  await loadBusybox(engine);
  await docker(engine, ['run', '-d', '--name', 'web', 'busybox:test', 'sh', '-c', count]);
  await engine.stop();
  await sleep(300);
  await engine.restart();
  const before = await linesOf(engine, 'web');
  while ((await linesOf(engine, 'web')) === before) await sleep(50);
  assert.equal((await docker(engine, ['exec', 'web', 'echo', 'inside'])).stdout, 'inside\n');
  assert.equal((await docker(engine, ['stop', '-t', '0', 'web'])).code, 0);
  assert.equal((await docker(engine, ['wait', 'web'])).stdout, '137\n');
});

test('killed with a watchdog, the engine comes back by itself, and nothing is lost', needs, async () => {
  await using engine = await startEngine({ flags: ['--watchdog'] });
  await loadBusybox(engine);
  await docker(engine, ['run', '-d', '--name', 'web', 'busybox:test', 'sh', '-c', count]);
  await docker(engine, ['run', '-d', '--name', 'short', 'busybox:test', 'sh', '-c', 'sleep 0.3; exit 9']);
  const { pid } = await features(engine);
  await engine.kill();
  const back = await successor(engine, pid);
  try {
    await linesOf(engine, 'web');
    assert.equal((await docker(engine, ['wait', 'short'])).stdout, '9\n');
  } finally {
    await docker(engine, ['rm', '-f', 'web', 'short']);
    process.kill(back.pid, 'SIGTERM');
    for (let tries = 0; tries < 1000 && (await exists(path.join(engine.dataRoot, 'LOCK'))); tries++) await sleep(50);
  }
});

test('killed without a watchdog, the engine stays away', needs, async () => {
  await using engine = await startEngine();
  await engine.kill();
  await sleep(1000);
  assert.equal(await features(engine).catch(() => undefined), undefined);
});

test('a standby engine lets go when it is asked to; one that was started on purpose does not', needs, async () => {
  await using engine = await startEngine();
  const refused = await request(engine.socket, 'POST', '/slipway/handover');
  assert.equal(refused.status, 409);
  assert.match(String(refused.body), /started on purpose/);
  await loadBusybox(engine);
  await docker(engine, ['run', '-d', '--name', 'web', 'busybox:test', 'sh', '-c', count]);
  await engine.stop();

  const standby = spawn(process.execPath, [daemon, '--standby', ...flagsOf(engine)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(standby.stdout, 'data');
  const gone = once(standby, 'exit');
  const answer = await api<{ pid: number }>(engine.socket, 'POST', '/slipway/handover');
  assert.equal(answer.pid, standby.pid);
  assert.deepEqual(await gone, [0, null]);
  await engine.restart();
  assert.equal((await docker(engine, ['ps', '--format', '{{.Names}}'])).stdout, 'web\n');
  await linesOf(engine, 'web');
});

test('the socket and the data are their owner’s alone', needs, async () => {
  await using engine = await startEngine();
  const mode = (file: string) => stat(file).then((found) => found.mode & 0o777);
  assert.equal(await mode(engine.socket), 0o660);
  assert.equal(await mode(engine.runDir), 0o700);
  assert.equal(await mode(path.join(engine.dataRoot, 'slipway.db')), 0o600);
  assert.equal((await mode(engine.dataRoot)) & 0o066, 0);
  const lock = JSON.parse(await readFile(path.join(engine.dataRoot, 'LOCK'), 'utf8')) as { pid: number };
  assert.equal(lock.pid, engine.process.pid);
});

test('npm’s SIGTERM reaches the engine it runs, and nothing is left', needs, async () => {
  await using engine = await startEngine();
  const { pid: first } = await features(engine);
  await engine.stop();
  const npm = spawn('npm', ['run', 'engine', '--', ...flagsOf(engine)], { cwd: root, stdio: 'ignore' });
  const ended = once(npm, 'exit');
  const { pid } = await successor(engine, first);
  npm.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  assert.equal(await exists(`/proc/${pid}`), false);
  assert.equal(await exists(engine.socket), false);
});
