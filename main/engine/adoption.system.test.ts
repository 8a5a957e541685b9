import '../base/scopes.js';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cannotRun,
  closeRooms,
  createContainer,
  enginePlace,
  openRooms,
  readAll,
  testProgram,
  unframed,
  type Place,
  type Rooms,
} from './testing-rooms.js';

const [node, ...program] = testProgram('testing-engine') as [string, ...string[]];
const output = { stdin: false, stdout: true, stderr: true, stream: true, logs: false };

/** An engine in a process of its own: what it printed, and its end by SIGKILL. */
async function engine(place: Place, wish: object): Promise<{ lines: string[]; kill(): Promise<void> }> {
  const child = spawn(node, [...program, JSON.stringify({ root: place.root, ...wish })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  let over = false;
  void gone.then(() => (over = true));
  while (!over && !lines.includes('started')) await sleep(5);
  return {
    lines,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function reopened(place: Place): Promise<Rooms> {
  const rooms = await openRooms(place);
  place.before(() => closeRooms(rooms));
  return rooms;
}

async function logsOf({ containers }: Rooms, id: string, follow = false): Promise<string> {
  const chunks: Uint8Array[] = [];
  const request = { follow, stdout: true, stderr: true, timestamps: false, details: false };
  for await (const chunk of containers.logs(id, request).chunks) chunks.push(chunk);
  return unframed(Buffer.concat(chunks)).out;
}

const counting = (until: number) =>
  `i=0; while [ $i -lt ${until} ]; do echo $i; i=$((i+1)); [ $((i%50)) = 0 ] && sleep 0.02; done; exit 6`;
const numbers = (until: number): string => Array.from({ length: until }, (_, i) => `${i}\n`).join('');
const killed = (name: string, body: (place: Place) => Promise<void>) =>
  test(name, { skip: cannotRun, timeout: 300_000 }, async (t) => body(await enginePlace(t)));

killed(
  'the engine killed while a container prints: it goes on, its log has no gap, its end is known',
  async (place) => {
    const signal = join(place.root, 'signal');
    await mkdir(signal);
    const script =
      'i=0; until [ -e /signal/go ]; do echo $i; i=$((i+1)); [ $((i%50)) = 0 ] && sleep 0.02; done; exit 6';
    const first = await engine(place, {
      cmd: ['sh', '-c', script],
      body: { HostConfig: { Binds: [`${signal}:/signal`] } },
      attach: true,
    });
    const [id] = first.lines as [string];
    await sleep(50);
    await first.kill();
    const rooms = await reopened(place);
    const { State } = await rooms.containers.inspect(id);
    assert.deepEqual([State.Status, State.Running], ['running', true]);
    const attached = readAll(await rooms.containers.attach(id, { ...output, logs: true }));
    const ended = rooms.containers.wait(id);
    await sleep(50);
    await writeFile(join(signal, 'go'), '');
    assert.deepEqual(await ended, { StatusCode: 6 });
    const { out } = await attached;
    assert.equal(out === numbers(out.split('\n').length - 1), true);
    assert.equal((await logsOf(rooms, id)) === out, true);
  },
);

killed('a container that ended while no engine was there has its exit status and its whole log', async (place) => {
  const first = await engine(place, { cmd: ['sh', '-c', counting(500)] });
  const [id] = first.lines as [string];
  await first.kill();
  const exitFile = join(place.root, 'containers', id, 'exit.json');
  while (!(await access(exitFile).then(() => true, () => false))) await sleep(20); // prettier-ignore
  const rooms = await reopened(place);
  const { State } = await rooms.containers.inspect(id);
  assert.deepEqual([State.Status, State.ExitCode, State.Error], ['exited', 6, '']);
  assert.ok(Date.parse(State.FinishedAt) > Date.parse(State.StartedAt));
  assert.equal(await logsOf(rooms, id), numbers(500));
  assert.deepEqual(rooms.heard.map(({ Action }) => Action).filter((action) => action === 'die').length <= 1, true);
  // Read once: another opening finds nothing new.
  await closeRooms(rooms);
  const again = await openRooms(place);
  assert.equal((await again.containers.inspect(id)).State.FinishedAt, State.FinishedAt);
  await closeRooms(again);
});

killed('killed after making the process and before letting it go, there was no start', async (place) => {
  const first = await engine(place, { cmd: ['echo', 'ran'], dieAt: 'run' });
  const [id] = first.lines as [string];
  const rooms = await reopened(place);
  assert.equal((await rooms.containers.inspect(id)).State.Status, 'created');
  await rooms.containers.start(id);
  assert.deepEqual(await rooms.containers.wait(id), { StatusCode: 0 });
  assert.equal(await logsOf(rooms, id), 'ran\n');
});

killed('a monitor that was killed takes its container along, and the engine says so', async (place) => {
  const first = await engine(place, { cmd: ['sleep', '1000'] });
  const [id] = first.lines as [string];
  await first.kill();
  const state = JSON.parse(await readFile(join(place.runDir, 'c', id.slice(0, 16), 'monitor.json'), 'utf8')) as {
    pid: number;
    container: { pid: number };
  };
  process.kill(state.pid, 'SIGKILL');
  const rooms = await reopened(place);
  const { State } = await rooms.containers.inspect(id);
  assert.deepEqual([State.Status, State.ExitCode], ['exited', 137]);
  assert.match(State.Error, /monitor was killed/);
  for (let i = 0; i < 2000 && (await alive(state.container.pid)); i++) await sleep(10);
  assert.equal(await alive(state.container.pid), false);
});

killed('what ran is not taken for never started where the run directory is lost as well', async (place) => {
  const first = await engine(place, { cmd: ['sleep', '1000'] });
  const [id] = first.lines as [string];
  await first.kill();
  const stateDir = join(place.runDir, 'c', id.slice(0, 16));
  const { pid } = JSON.parse(await readFile(join(stateDir, 'monitor.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  await rm(stateDir, { recursive: true });
  const { containers } = await reopened(place);
  const { State } = await containers.inspect(id);
  assert.deepEqual([State.Status, State.ExitCode], ['exited', 137]);
  assert.notEqual(State.StartedAt, '0001-01-01T00:00:00Z');
});

killed('a monitor killed under a living engine ends its container with 137', async (place) => {
  const rooms = await reopened(place);
  const id = await createContainer(rooms, ['sleep', '1000']);
  await rooms.containers.start(id);
  const ended = rooms.containers.wait(id);
  const path = join(place.runDir, 'c', id.slice(0, 16), 'monitor.json');
  process.kill((JSON.parse(await readFile(path, 'utf8')) as { pid: number }).pid, 'SIGKILL');
  assert.equal((await ended).StatusCode, 137);
});

killed('the helper killed is started again, and containers never noticed', async (place) => {
  const rooms = await reopened(place);
  const id = await createContainer(rooms, ['sh', '-c', 'sleep 0.5; echo still here']);
  await rooms.containers.start(id);
  process.kill(rooms.helper.hello.pid, 'SIGKILL');
  const other = await createContainer(rooms, ['echo', 'new']);
  await rooms.containers.start(other);
  assert.equal((await rooms.containers.wait(other)).StatusCode, 0);
  assert.equal((await rooms.containers.wait(id)).StatusCode, 0);
  assert.equal(await logsOf(rooms, id), 'still here\n');
});

killed('--rm and restart policies are seen to by the next engine', async (place) => {
  const gone = await engine(place, { cmd: ['true'], body: { HostConfig: { AutoRemove: true } } });
  await gone.kill();
  const policy = { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } };
  const back = await engine(place, { cmd: ['sh', '-c', 'echo run; sleep 0.3; exit 1'], body: { HostConfig: policy } });
  await back.kill();
  await sleep(600);
  const rooms = await reopened(place);
  const [id] = back.lines as [string];
  for (let i = 0; i < 2000 && (await logsOf(rooms, id)).length < 8; i++) await sleep(20);
  assert.match(await logsOf(rooms, id), /^run\nrun\n/);
  const there = async () => (await rooms.containers.list({ all: true })).map(({ Id }) => Id).join();
  while ((await there()) !== id) await sleep(20);
  await rooms.containers.stop(id, { t: 0 });
});

killed('after another boot everything is stopped, as nothing can be left of it', async (place) => {
  const first = await engine(place, { cmd: ['sleep', '1000'] });
  const [id] = first.lines as [string];
  await first.kill();
  const rooms = await openRooms(place);
  await rooms.containers.kill(id);
  await rooms.containers.remove(id);
  const other = await rooms.containers.create({ Image: 'busybox', Cmd: ['true'], HostConfig: { NetworkMode: 'none' } });
  const record = {
    ...(await recordOf(rooms, other.Id)),
    running: true,
    bootId: 'another',
    startedAt: '2026-01-01T00:00:00Z',
  };
  await rooms.store.commit((change) => change.put('containers', other.Id, record));
  await closeRooms(rooms);
  const next = await reopened(place);
  const { State } = await next.containers.inspect(other.Id);
  assert.deepEqual([State.Status, State.ExitCode], ['exited', 255]);
});

killed('an exec outlives its engine: the next one knows of it and of its end', async (place) => {
  const first = await engine(place, {
    cmd: ['sleep', '1000'],
    exec: ['sh', '-c', 'until [ -e /go ]; do sleep 0.02; done; exit 4'],
  });
  const [id, exec] = first.lines as [string, string];
  await first.kill();
  const rooms = await reopened(place);
  assert.equal(rooms.execs.inspect(exec).Running, true);
  assert.deepEqual((await rooms.containers.inspect(id)).ExecIDs, [exec]);
  await rooms.execs.start((await rooms.execs.create(id, { Cmd: ['touch', '/go'] })).Id, { detach: true });
  for (let i = 0; i < 3000 && rooms.execs.inspect(exec).Running; i++) await sleep(10);
  assert.equal(rooms.execs.inspect(exec).ExitCode, 4);
});

killed('a directory without a row is given to the trash', async (place) => {
  const stray = join(place.root, 'containers', 'ab'.repeat(32));
  const rooms = await openRooms(place);
  await rooms.containers.create({ Image: 'busybox', Cmd: ['true'] });
  await closeRooms(rooms);
  await mkdir(stray, { recursive: true });
  await writeFile(join(stray, 'x'), '');
  await reopened(place);
  await assert.rejects(access(stray), { code: 'ENOENT' });
});

/** What the store would have for a container; read from where the rooms keep it. */
async function recordOf(rooms: Rooms, id: string): Promise<object> {
  let found: object | undefined;
  const commit = rooms.store.commit.bind(rooms.store);
  rooms.store.commit = (build) =>
    commit((change) =>
      build({
        ...change,
        put: (table, key, record) => {
          if (key === id) found = record as object;
          change.put(table, key, record);
        },
      } as typeof change),
    );
  await rooms.containers.rename(id, 'recorded');
  rooms.store.commit = commit;
  assert.ok(found);
  return found;
}

/** A zombie that nobody has reaped yet is gone too. */
async function alive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z');
  return !/\) [ZX]/.test(stat);
}
