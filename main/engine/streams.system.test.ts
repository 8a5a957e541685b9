import '../base/scopes.js';
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cannotRun,
  closeRooms,
  createContainer,
  enginePlace,
  openRooms,
  readAll,
  unframed,
  type Rooms,
} from './testing-rooms.js';

async function rooms(t: TestContext): Promise<Rooms> {
  const place = await enginePlace(t);
  const opened = await openRooms(place);
  place.before(() => closeRooms(opened));
  return opened;
}

const output = { stdin: false, stdout: true, stderr: true, stream: true, logs: false };
const numbers = (text: string): number[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.slice('line-'.length)));

/** Every line from the first to the last, each once. */
function assertWhole(text: string, last: number): void {
  const seen = numbers(text);
  assert.equal(seen.at(-1), last);
  const gap = seen.findIndex((number, i) => number !== (seen[0] as number) + i);
  assert.equal(gap, -1, `after ${seen[gap - 1]} comes ${seen[gap]}`);
}

test(
  'a log that is rotated again and again loses no line, to a follower nor to an attach with logs',
  { skip: cannotRun, timeout: 300_000 },
  async (t) => {
    const engine = await rooms(t);
    const { containers } = engine;
    const last = 8000;
    const script = `i=0; while [ $i -le ${last} ]; do echo line-$i; i=$((i+1)); [ $((i%40)) = 0 ] && sleep 0.01; done; true`;
    const id = await createContainer(engine, ['sh', '-c', script], {
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '64k', 'max-file': '9' } } },
    });
    await containers.start(id);
    const follow = async (): Promise<string> => {
      const chunks: Uint8Array[] = [];
      const { chunks: log } = containers.logs(id, {
        follow: true,
        stdout: true,
        stderr: true,
        timestamps: false,
        details: false,
      });
      for await (const chunk of log) chunks.push(Buffer.from(chunk));
      return unframed(Buffer.concat(chunks)).out;
    };
    const followed = follow();
    const attached: Promise<{ out: string }>[] = [];
    for (let i = 0; i < 6; i++) {
      attached.push(readAll(await containers.attach(id, { ...output, logs: true })));
      await sleep(60);
    }
    assertWhole(await followed, last);
    assert.equal(numbers(await followed)[0], 0);
    for (const { out } of await Promise.all(attached)) assertWhole(out, last);
  },
);

test('of what was before, an attach replays the last entries that were asked for', { skip: cannotRun }, async (t) => {
  const engine = await rooms(t);
  const { containers } = engine;
  const script = 'i=0; while [ $i -le 50 ]; do echo line-$i; i=$((i+1)); done; read x; echo line-51';
  const id = await createContainer(engine, ['sh', '-c', script], { OpenStdin: true, StdinOnce: true });
  const input = await containers.attach(id, { ...output, stdin: true, logs: false });
  const said = readAll(input);
  await containers.start(id);
  const waits = async () => {
    const log = { follow: false, stdout: true, stderr: true, timestamps: false, details: false };
    const chunks: Uint8Array[] = [];
    for await (const chunk of containers.logs(id, log).chunks) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).includes('line-50');
  };
  while (!(await waits())) await sleep(20);
  const late = readAll(await containers.attach(id, { ...output, logs: true, tail: '3' }));
  await input.write(Buffer.from('\n'));
  assert.deepEqual(numbers((await late).out), [48, 49, 50, 51]);
  assertWhole((await said).out, 51);
  const over = readAll(await containers.attach(id, { ...output, stream: false, logs: true, tail: '3' }));
  assert.deepEqual(numbers((await over).out), [49, 50, 51]);
});

test(
  'a log of one file that begins anew loses no line for who follows it',
  { skip: cannotRun, timeout: 300_000 },
  async (t) => {
    const engine = await rooms(t);
    const { containers } = engine;
    const last = 2400;
    // Slow enough for a reader who is held up for a second: what was written over is gone.
    const script = `i=0; while [ $i -le ${last} ]; do echo line-$i; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.04; done; true`;
    const id = await createContainer(engine, ['sh', '-c', script], {
      HostConfig: { LogConfig: { Type: 'json-file', Config: { 'max-size': '64k' } } },
    });
    await containers.start(id);
    const chunks: Uint8Array[] = [];
    const wish = { follow: true, stdout: true, stderr: true, timestamps: false, details: false };
    for await (const chunk of containers.logs(id, wish).chunks) chunks.push(Buffer.from(chunk));
    const { out } = unframed(Buffer.concat(chunks));
    assertWhole(out, last);
    assert.equal(numbers(out)[0], 0);
  },
);

test(
  'an attached client that stops reading holds nobody back, and has everything when it reads on',
  { skip: cannotRun, timeout: 300_000 },
  async (t) => {
    const engine = await rooms(t);
    const { containers } = engine;
    const bytes = 24 * 2 ** 20;
    const id = await createContainer(engine, ['dd', 'if=/dev/zero', 'bs=65536', `count=${bytes / 65536}`], {
      HostConfig: { LogConfig: { Type: 'none', Config: {} } },
    });
    const slow = await containers.attach(id, { ...output, stderr: false });
    const ended = containers.wait(id, 'next-exit');
    await containers.start(id);
    assert.deepEqual(await ended, { StatusCode: 0 });
    let seen = 0;
    for await (const chunk of slow.readable) seen += chunk.length;
    assert.ok(seen >= bytes, `${seen} of ${bytes}`);
  },
);

test(
  'execs at once and one after the other each have their own words, status and input',
  { skip: cannotRun, timeout: 300_000 },
  async (t) => {
    const engine = await rooms(t);
    const { containers, execs } = engine;
    const id = await createContainer(engine, ['sleep', '1000']);
    await containers.start(id);
    const run = async (n: number): Promise<void> => {
      const { Id } = await execs.create(id, {
        Cmd: ['sh', '-c', `read x; echo $x-${n} >&2; exit ${n}`],
        AttachStdin: true,
        AttachStderr: true,
      });
      const stream = await execs.start(Id);
      assert.ok(stream);
      void stream.write(Buffer.from(`in-${n}\n`));
      stream.end();
      assert.deepEqual(await readAll(stream), { out: '', err: `in-${n}-${n}\n` });
      while (execs.inspect(Id).Running || execs.inspect(Id).ExitCode === null) await sleep(2);
      assert.equal(execs.inspect(Id).ExitCode, n);
    };
    for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 20 }, (_, n) => run(n)));
    assert.deepEqual((await containers.inspect(id)).ExecIDs, null);
  },
);

test(
  'a terminal of an exec takes its size, input and signals, and is left by the detach keys',
  { skip: cannotRun, timeout: 300_000 },
  async (t) => {
    const engine = await rooms(t);
    const { containers, execs } = engine;
    const id = await createContainer(engine, ['sleep', '1000']);
    await containers.start(id);
    const { Id } = await execs.create(id, {
      Cmd: ['sh'],
      AttachStdin: true,
      AttachStdout: true,
      Tty: true,
      ConsoleSize: [20, 90],
    });
    await assert.rejects(execs.resize(Id, 1, 1), { kind: 'conflict' });
    const stream = await execs.start(Id);
    assert.ok(stream);
    let said = '';
    const reading = (async () => {
      for await (const chunk of stream.readable) said += Buffer.from(chunk).toString();
    })();
    const says = async (what: string): Promise<void> => {
      for (let i = 0; i < 5000 && !said.includes(what); i++) await sleep(10);
      assert.ok(said.includes(what), `${what} in ${JSON.stringify(said)}`);
    };
    await stream.write(Buffer.from('stty size\n'));
    await says('20 90');
    await execs.resize(Id, 33, 111);
    await stream.write(Buffer.from('stty size\n'));
    await says('33 111');
    await stream.write(Buffer.from('echo be""gun; sleep 100\n'));
    await says('begun');
    await sleep(100);
    await stream.write(Buffer.from('\x03'));
    await stream.write(Buffer.from('echo after-$((1+1))\n'));
    await says('after-2');
    await stream.write(Buffer.from('\x10\x11'));
    await reading;
    assert.equal(execs.inspect(Id).Running, true);
    assert.ok(engine.heard.some(({ Action }) => Action === 'exec_detach'));
  },
);
