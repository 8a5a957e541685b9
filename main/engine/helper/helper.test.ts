import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { attachMonitor, Helper, Monitor } from './index.js';

type Answer = (line: string, socket: Socket, rest: () => Promise<string>) => void | Promise<void>;

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-helper-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A server that reads a line from each connection and answers it. */
async function fake(t: TestContext, path: string, answer: Answer): Promise<Server> {
  await mkdir(dirname(path), { recursive: true });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    const ended = new Promise<string>((resolve) => socket.once('end', () => resolve(text)));
    let asked = false;
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const end = text.indexOf('\n');
      if (asked || end < 0) return;
      asked = true;
      const line = text.slice(0, end);
      void answer(line, socket, async () => (await ended).slice(end + 1));
    });
  });
  const open = new Set<Socket>();
  server.on('connection', (socket) => open.add(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return server;
}

async function exchange(one: string, other: string): Promise<void> {
  await rename(one, `${one}.aside`);
  await rename(other, one);
  await rename(`${one}.aside`, other);
}

const hello = { ok: true, version: 1, pid: 7, rootless: false, kernel: '6.1', warnings: [], cgroup: { version: 2 } };
const say = (socket: Socket, answer: object): void => void socket.write(`${JSON.stringify(answer)}\n`);

async function helper(t: TestContext, answers: Record<string, Answer>): Promise<Helper> {
  const runDir = await temporaryDirectory(t);
  await fake(t, join(runDir, 'helper.sock'), (line, socket, rest) => {
    const { op } = JSON.parse(line) as { op: string };
    if (op === 'hello') return void socket.end(`${JSON.stringify(hello)}\n`);
    return answers[op]?.(line, socket, rest);
  });
  return Helper.open({ binary: '/nonexistent', runDir, dataRoot: runDir });
}

test('a run directory whose sockets would be too long is refused with the reason', async () => {
  const runDir = `/tmp/${'x'.repeat(90)}`;
  await assert.rejects(Helper.open({ binary: 'x', runDir, dataRoot: '/' }), { kind: 'invalid', message: /too long/ });
});

test('a helper of another protocol is named, not talked to', async (t) => {
  const runDir = await temporaryDirectory(t);
  await fake(t, join(runDir, 'helper.sock'), (_, socket) => say(socket, { ...hello, version: 2 }));
  await assert.rejects(Helper.open({ binary: 'x', runDir, dataRoot: '/' }), {
    kind: 'unavailable',
    message: /pid 7.*version 2/,
  });
});

test('a helper that cannot be started says why', async (t) => {
  const runDir = await temporaryDirectory(t);
  const binary = join(runDir, 'broken');
  await writeFile(binary, '#!/bin/sh\necho "no user namespaces here" >&2\nexit 1\n');
  await chmod(binary, 0o755);
  await assert.rejects(Helper.open({ binary, runDir, dataRoot: '/' }), {
    kind: 'system',
    message: /no user namespaces here/,
  });
});

test('a helper that is killed while it starts is started again, and then said to have been killed', async (t) => {
  const runDir = await temporaryDirectory(t);
  const binary = join(runDir, 'killed');
  await writeFile(binary, `#!/bin/sh\necho start >> ${runDir}/starts\nkill -9 $$\n`);
  await chmod(binary, 0o755);
  await assert.rejects(Helper.open({ binary, runDir, dataRoot: '/' }), {
    kind: 'unavailable',
    message: /the helper was killed/,
  });
  assert.equal(await readFile(join(runDir, 'starts'), 'utf8'), 'start\nstart\n');
});

test('a helper that is gone before it is asked has taken nothing: another one is started, a few times over', async (t) => {
  const runDir = await temporaryDirectory(t);
  const binary = join(runDir, 'short-lived');
  const begin = async (third: string) => {
    await rm(join(runDir, 'starts'), { force: true });
    await writeFile(
      binary,
      `#!/bin/sh\ncd ${runDir}\necho start >> starts\n[ $(grep -c . starts) -lt 3 ] || ${third}\necho ready\n`,
    );
    await chmod(binary, 0o755);
    return Helper.open({ binary, runDir, dataRoot: runDir });
  };
  await assert.rejects(begin(':'), { kind: 'unavailable', message: /the helper was killed/ });
  await fake(t, join(runDir, 'third.sock'), (_, socket) => void socket.end(`${JSON.stringify(hello)}\n`));
  const client = await begin('mv third.sock helper.sock');
  assert.equal(client.hello.pid, 7);
  assert.equal(await readFile(join(runDir, 'starts'), 'utf8'), 'start\nstart\nstart\n');
});

test('progress comes before the answer, and a failure keeps its kind, step and words', async (t) => {
  const client = await helper(t, {
    unpack: (_, socket) => {
      for (const bytes of [1, 2]) say(socket, { progress: { bytes } });
      socket.end(`${JSON.stringify({ ok: true, diffId: 'sha256:x', size: 3, entries: 1 })}\n`);
    },
    freeze: (_, socket) =>
      say(socket, { error: { step: 'cgroup', errno: 2, kind: 'not-found', message: 'no such container' } }),
  });
  const seen: number[] = [];
  const unpacked = await client.unpack({ blob: '/b', target: '/t' }, { onProgress: ({ bytes }) => seen.push(bytes) });
  assert.equal(unpacked.diffId, 'sha256:x');
  assert.deepEqual(seen, [1, 2]);
  await assert.rejects(client.freeze('x'), {
    kind: 'not-found',
    message: 'no such container',
    cause: { step: 'cgroup', errno: 2 },
  });
});

test('a body is sent to its end, output is read to its end', async (t) => {
  const client = await helper(t, {
    nft: async (_, socket, rest) =>
      say(socket, (await rest()) === 'add table x' ? { ok: true } : { error: { message: 'body' } }),
    pack: (_, socket) => void socket.end(`${JSON.stringify({ ok: true })}\nbytes\nthat follow${'\0'.repeat(1024)}`),
  });
  await client.nft('add table x');
  let text = '';
  for await (const chunk of await client.pack({ lower: [], upper: null })) text += Buffer.from(chunk).toString();
  assert.equal(text.replace(/\0*$/, ''), 'bytes\nthat follow');
});

test('a request that was answered leaves no connection behind', async (t) => {
  let closed!: () => void;
  const seen = new Promise<void>((resolve) => (closed = resolve));
  const client = await helper(t, {
    discard: (_, socket) => {
      socket.once('close', closed);
      say(socket, { ok: true });
      setTimeout(() => socket.end(), 20); // busy with what it has answered
    },
  });
  await client.discard('/d');
  await seen;
});

test('giving up closes the connection, which is what cancels the work', async (t) => {
  let closed!: () => void;
  const seen = new Promise<void>((resolve) => (closed = resolve));
  const client = await helper(t, {
    unpack: (_, socket) => void socket.once('close', closed).once('end', () => socket.destroy()),
  });
  const control = new AbortController();
  const work = client.unpack({ blob: '/b', target: '/t' }, { signal: control.signal });
  await sleep(20);
  control.abort();
  await assert.rejects(work, { name: 'AbortError' });
  await seen;
});

test('what may be done twice is asked again after a crash, the rest fails alone and says so', async (t) => {
  const asked: string[] = [];
  const once = (name: string) => (_: string, socket: Socket) =>
    void (asked.push(name) === asked.indexOf(name) + 1 ? socket.destroy() : say(socket, { ok: true }));
  const client = await helper(t, { discard: once('discard'), nft: (_, socket) => void socket.destroy() });
  await client.discard('/x');
  assert.deepEqual(asked, ['discard', 'discard']);
  await assert.rejects(client.nft('x'), { kind: 'unavailable', message: /was killed or crashed in the middle/ });
  await client.discard('/x');
});

test('an owner that is still letting go is waited for', async (t) => {
  let asked = 0;
  const client = await helper(t, {
    own: (_, socket) =>
      say(socket, ++asked < 3 ? { error: { kind: 'conflict', message: 'another engine' } } : { ok: true }),
  });
  await client.own(null);
  assert.equal(asked, 3);
  await client.close();
});

test('commands are answered in order while events come in between; closed comes last', async (t) => {
  const stateDir = await temporaryDirectory(t);
  await fake(t, join(stateDir, 'monitor.sock'), (line, socket) => {
    assert.equal(line, 'control 1');
    socket.write('state created pid=12 started=0001-01-01T00:00:00Z\n');
    socket.on('data', (text: string) => {
      for (const command of text.trim().split('\n')) {
        if (command === 'start') socket.write('ok\nevent started\nevent oom\n');
        if (command === 'resize 1 2') socket.write('error 25 terminal it has no terminal: Inappropriate ioctl\n');
        if (command === 'signal 15')
          socket.end('ok\nevent exited code=143 signal=15 oom=1 finished=2026-01-01T00:00:00Z\n');
      }
    });
  });
  const heard: unknown[] = [];
  const monitor = await Monitor.connect(stateDir, {
    oom: () => heard.push('oom'),
    exited: (exit) => heard.push(exit),
    closed: () => heard.push('closed'),
  });
  assert.deepEqual([monitor.state.phase, monitor.state.pid], ['created', 12]);
  await monitor.start();
  await assert.rejects(monitor.resize(1, 2), {
    message: /it has no terminal/,
    cause: { errno: 25, step: 'terminal' },
  });
  await monitor.signal(15);
  while (heard.at(-1) !== 'closed') await sleep(5);
  await assert.rejects(monitor.signal(9), { kind: 'conflict', message: /has ended/ });
  assert.deepEqual(heard, ['oom', { code: 143, signal: 15, oom: true, finished: '2026-01-01T00:00:00Z' }, 'closed']);
});

test('a monitor that is called while it comes up hears of the start once that is allowed, not before', async (t) => {
  const stateDir = await temporaryDirectory(t);
  const heard: string[] = [];
  await fake(t, join(stateDir, 'monitor.sock'), (_, socket) => {
    socket.write('state created pid=12 started=\n');
    socket.on('data', (text) => {
      heard.push(String(text));
      socket.write('error 2 exec exec: "x": executable file not found in $PATH\n');
    });
  });
  let allow!: () => void;
  const monitor = await Monitor.call(stateDir, {}, new Promise((resolve) => (allow = resolve)));
  await sleep(10);
  assert.deepEqual(heard, []);
  allow();
  await assert.rejects(monitor.start(), { message: /executable file not found/, cause: { errno: 2, step: 'exec' } });
  assert.deepEqual(heard, ['start\n']);
  monitor.close();
});

test('a run whose helper goes is taken as it is where its monitor came up, and made anew where not', async (t) => {
  const asked: string[] = [];
  const client = await helper(t, {
    run: (_, socket) => {
      asked.push('run');
      say(socket, { progress: { listening: true } });
      if (asked.filter((op) => op === 'run').length === 3) say(socket, { ok: true, monitorPid: 1, pid: 7 });
      socket.end();
    },
    delete: (_, socket) => {
      asked.push('delete');
      say(socket, { ok: true });
      socket.end();
    },
  });
  let called = 0;
  const run = (survivor: { pid: number } | undefined) =>
    client.run({ id: 'a' } as Parameters<Helper['run']>[0], {
      onListening: () => called++,
      survived: () => Promise.resolve(survivor),
    });
  assert.deepEqual(await run({ pid: 5 }), { pid: 5 });
  assert.deepEqual(asked, ['run']);
  assert.equal((await run(undefined)).pid, 7);
  assert.deepEqual(asked, ['run', 'run', 'delete', 'run']);
  assert.equal(called, 3);
});

test('an exchange whose helper goes is not made twice: what was there is not back in its place', async (t) => {
  const root = await temporaryDirectory(t);
  const [path, other] = ['old', 'new'].map((name) => join(root, name)) as [string, string];
  await Promise.all([path, other].map((directory) => mkdir(directory)));
  await writeFile(join(other, 'restored'), '');
  const asked: string[] = [];
  let dies: 'before' | 'after' = 'before';
  const client = await helper(t, {
    swap: async (_, socket) => {
      asked.push('swap');
      const died = asked.length === 1 && dies === 'before';
      if (!died) await exchange(path, other);
      if (!died && dies === 'before') say(socket, { ok: true });
      socket.end();
    },
    sync: (_, socket) => {
      asked.push('sync');
      say(socket, { ok: true });
      socket.end();
    },
  });
  await client.swap({ path, with: other, alike: false });
  assert.deepEqual([asked.splice(0), await readdir(path)], [['swap', 'swap'], ['restored']]);
  dies = 'after';
  await client.swap({ path, with: other, alike: false });
  assert.deepEqual([asked, await readdir(other)], [['swap', 'sync'], ['restored']]);
});

test('an exchange that was made and cannot be put on the disk is taken back', async (t) => {
  const root = await temporaryDirectory(t);
  const [path, other] = ['old', 'new'].map((name) => join(root, name)) as [string, string];
  await Promise.all([path, other].map((directory) => mkdir(directory)));
  await writeFile(join(other, 'restored'), '');
  let asked = 0;
  const client = await helper(t, {
    swap: async (_, socket) => {
      await exchange(path, other);
      if (++asked > 1) say(socket, { ok: true });
      socket.end();
    },
    sync: (_, socket) => {
      say(socket, { error: { kind: 'system', step: 'sync', errno: 5, message: 'input/output error' } });
      socket.end();
    },
  });
  await assert.rejects(client.swap({ path, with: other, alike: false }), /input\/output error/);
  assert.deepEqual([asked, await readdir(other)], [2, ['restored']]);
});

test('a monitor that goes without an answer to an attach was killed or its process has just ended, and both are said', async (t) => {
  const stateDir = await temporaryDirectory(t);
  await fake(t, join(stateDir, 'monitor.sock'), (_, socket) => void socket.destroy());
  await assert.rejects(attachMonitor(stateDir, { stdin: false, stdout: true, stderr: true }), {
    kind: 'unavailable',
    message: /has gone before it could be attached to.*its monitor was killed; try again/,
  });
});

test('an attach says where the stream begins and carries every byte both ways', async (t) => {
  const stateDir = await temporaryDirectory(t);
  await fake(t, join(stateDir, 'monitor.sock'), async (line, socket, rest) => {
    assert.equal(line, 'attach stdin=1 stdout=1 stderr=0');
    socket.write('ok log=120 seq=3\nfirst ');
    socket.end(`got ${await rest()}`);
  });
  const { log, seq, output, socket } = await attachMonitor(stateDir, { stdin: true, stdout: true, stderr: false });
  assert.deepEqual([log, seq], [120, 3]);
  socket.end('typed');
  let text = '';
  for await (const chunk of output) text += Buffer.from(chunk).toString();
  assert.equal(text, 'first got typed');
});
