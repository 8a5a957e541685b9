/** The engine is killed with SIGKILL while containers run; the next one has everything. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { api, docker, hijack, loadBusybox, startEngine, type RunningEngine } from '../fixtures/engine.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 600_000 };
/** Numbered lines until somebody makes /go, then an exit status of its own. */
const counting = 'i=0; until [ -e /go ]; do echo $i; i=$((i+1)); [ $((i%50)) = 0 ] && sleep 0.02; done; exit 6';

/** `docker attach` to a container that prints, once it shows what it prints; `left` is its exit code. */
async function attached({ socket }: { socket: string }, name: string) {
  const client = spawn('docker', ['attach', name], {
    env: { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: '/nonexistent' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const left = once(client, 'close').then(([code]) => code as number | null);
  let seen = '';
  client.stdout.setEncoding('utf8').on('data', (text: string) => (seen += text));
  await once(client.stdout, 'data');
  return { left, seen: () => seen };
}

async function withEngine(body: (engine: RunningEngine) => Promise<void>): Promise<void> {
  await using engine = await startEngine();
  await loadBusybox(engine);
  await body(engine);
}

test(
  'killed while a container prints and a client is attached: no line is missing, the exit status is right',
  options,
  () =>
    withEngine(async (engine) => {
      const started = await docker(engine, [
        'run',
        '-d',
        '--name',
        'counter',
        '--network',
        'none',
        'busybox:test',
        'sh',
        '-c',
        counting,
      ]);
      assert.equal(started.code, 0, started.stderr);
      const client = await attached(engine, 'counter');
      await engine.kill();
      await client.left;
      await sleep(200);
      await engine.restart();
      const { State } = await api<{ State: { Status: string } }>(engine.socket, 'GET', '/containers/counter/json');
      assert.equal(State.Status, 'running');
      const again = await attached(engine, 'counter');
      // What it ends may end it too, before it could exit by itself.
      await docker(engine, ['exec', 'counter', 'touch', '/go']);
      assert.equal(await again.left, 6);
      const { stdout } = await docker(engine, ['logs', 'counter']);
      const count = stdout.split('\n').length - 1;
      assert.equal(stdout, Array.from({ length: count }, (_, line) => `${line}\n`).join(''));
      assert.ok(again.seen().endsWith(stdout.slice(-100)));
      assert.equal((await docker(engine, ['wait', 'counter'])).stdout, '6\n');
    }),
);

test('what ended while no engine was there is told by the next one, once', options, () =>
  withEngine(async (engine) => {
    await docker(engine, [
      'run',
      '-d',
      '--name',
      'brief',
      '--network',
      'none',
      'busybox:test',
      'sh',
      '-c',
      'sleep 0.3; echo done; exit 7',
    ]);
    await docker(engine, ['run', '-d', '--rm', '--name', 'gone', '--network', 'none', 'busybox:test', 'sleep', '0.3']);
    await engine.kill();
    await sleep(800);
    await engine.restart();
    assert.equal((await docker(engine, ['wait', 'brief'])).stdout, '7\n');
    assert.equal((await docker(engine, ['logs', 'brief'])).stdout, 'done\n');
    for (let tries = 0; tries < 500; tries++) {
      if ((await docker(engine, ['ps', '-aq', '--filter', 'name=gone'])).stdout === '') return;
      await sleep(50);
    }
    assert.fail('the --rm container is still there');
  }),
);

test('a terminal that was attached before attaches again to the same shell', options, () =>
  withEngine(async (engine) => {
    const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', {
      Image: 'busybox:test',
      Cmd: ['sh'],
      Tty: true,
      OpenStdin: true,
      HostConfig: { NetworkMode: 'none' },
    });
    await api(engine.socket, 'POST', `/containers/${Id}/start`);
    await engine.kill();
    await engine.restart();
    const { State } = await api<{ State: { Running: boolean } }>(engine.socket, 'GET', `/containers/${Id}/json`);
    assert.equal(State.Running, true);
    const { socket } = await hijack(engine.socket, `/containers/${Id}/attach?stream=1&stdin=1&stdout=1&stderr=1`);
    socket.write('echo still $((40+2)); exit 9\n');
    let said = '';
    for await (const chunk of socket) said += String(chunk);
    assert.match(said, /still 42\r\n/);
    assert.equal((await docker(engine, ['wait', Id])).stdout, '9\n');
  }),
);
