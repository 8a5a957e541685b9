/** Containers through the docker CLI: what it prints and how it ends, on our engine and beside it on Debian's dockerd. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { api, docker, hijack, loadBusybox, request, startDockerd, startEngine } from '../fixtures/engine.js';
import type { RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
let ours: RunningEngine;
let theirs: Awaited<ReturnType<typeof startDockerd>>;

before(async () => {
  if (skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startDockerd()]);
  await Promise.all([loadBusybox(ours), loadBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

const run = (...args: string[]) => ['run', '--rm', '--network', 'none', ...args];

/** Each is one story: its lines run one after the other, `%` is a name of its own. */
const same: Record<string, string[][]> = {
  'output and exit status come back': [run('busybox:test', 'sh', '-c', 'echo out; echo err >&2; exit 3')],
  'a signal is 128 and its number': [
    run('busybox:test', 'sh', '-c', 'exec 2>/dev/null; sleep 100 & kill -9 $!; wait $!'),
  ],
  'the process is the first of its own namespaces': [
    run('-h', 'web', 'busybox:test', 'sh', '-c', 'echo $$; hostname; id'),
  ],
  'users and groups are resolved inside': [
    run('-u', 'app', 'busybox:test', 'id'),
    run('-u', '1000:web', 'busybox:test', 'id'),
    run('-u', 'nobody-here', 'busybox:test', 'id'),
    run('--group-add', 'web', 'busybox:test', 'id'),
  ],
  'environment, directory and entrypoint': [
    run('-e', 'A=1', '-e', 'B', 'busybox:test', 'sh', '-c', 'echo $A$B; env | sort | grep -v HOSTNAME'),
    run('-w', '/not/there/yet', 'busybox:test', 'pwd'),
    run('--entrypoint', 'echo', 'busybox:test', 'x', 'y'),
  ],
  'a file system that cannot be written, with a place that can': [
    run('--read-only', '--tmpfs', '/t', 'busybox:test', 'sh', '-c', 'touch /x; touch /t/x && echo ok'),
  ],
  'a life: create, start, inspect, restart, rename, stop, remove': [
    ['create', '--name', '%', '--network', 'none', 'busybox:test', 'sleep', '1000'],
    ['inspect', '%', '-f', '{{.State.Status}} {{.State.Running}} {{.Path}} {{.Args}} {{.HostConfig.NetworkMode}}'],
    ['start', '%'],
    ['inspect', '%', '-f', '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}'],
    ['ps', '--filter', 'name=%', '--format', '{{.Names}} {{.Image}} {{.Command}} {{.State}}'],
    ['pause', '%'],
    ['ps', '--filter', 'name=%', '--format', '{{.State}}'],
    ['unpause', '%'],
    ['restart', '-t', '0', '%'],
    ['rename', '%', '%-2'],
    ['stop', '-t', '0', '%-2'],
    ['inspect', '%-2', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}'],
    ['rm', '%-2'],
    ['inspect', '%-2'],
  ],
  'logs as they were written': [
    ['run', '--name', '%', '--network', 'none', 'busybox:test', 'sh', '-c', 'seq 5; sleep 0.3; echo e >&2'],
    ['logs', '%'],
    ['logs', '--tail', '2', '%'],
    ['start', '-a', '%'],
    ['logs', '%'],
    ['rm', '%'],
  ],
  'an exec has its own user, environment, directory and status': [
    ['run', '-d', '--name', '%', '--network', 'none', 'busybox:test', 'sleep', '1000'],
    ['exec', '-u', 'app', '-e', 'X=1', '-w', '/tmp', '%', 'sh', '-c', 'id -un; echo $X; pwd; exit 4'],
    ['exec', '%', '/etc/passwd'],
    ['exec', '-u', 'nobody-here', '%', 'id'],
    ['kill', '%'],
    ['exec', '%', 'true'],
    ['rm', '%'],
  ],
  'kill ends it with 137, wait tells': [
    ['run', '-d', '--name', '%', '--network', 'none', 'busybox:test', 'sleep', '1000'],
    ['kill', '%'],
    ['wait', '%'],
    ['kill', '%'],
    ['rm', '%'],
  ],
};

for (const [name, story] of Object.entries(same)) {
  test(`as with dockerd: ${name}`, { skip, timeout: 600_000 }, async () => {
    const own = `story-${Object.keys(same).indexOf(name)}`;
    for (const line of story) {
      const args = line.map((word) => word.replace('%', own));
      const [mine, oracle] = await Promise.all([docker(ours, args), docker(theirs, args)]);
      const shown = `docker ${args.join(' ')}\n${mine.stderr}${oracle.stderr}`;
      assert.equal(mine.code, oracle.code, shown);
      // Ids differ, and the words of a refusal have changed between Docker's versions.
      if (!/^[0-9a-f]{64}\n$/.test(mine.stdout)) assert.equal(mine.stdout, oracle.stdout, shown);
      assert.equal(mine.stderr === '', oracle.stderr === '', shown);
    }
  });
}

test('as with dockerd: memory beyond the limit is 137 and said', { skip, timeout: 300_000 }, async () => {
  const limited = ['run', '--name', 'greedy', '--network', 'none', '-m', '20m', 'busybox:test', 'tail', '/dev/zero'];
  const { ExitCode, Memory, MemorySwap } = { ExitCode: 137, Memory: 20 << 20, MemorySwap: 40 << 20 };
  const state = async (engine: typeof ours | typeof theirs) => {
    assert.equal((await docker(engine, limited)).code, ExitCode);
    const { State, HostConfig } = await api<{
      State: { OOMKilled: boolean; ExitCode: number };
      HostConfig: { Memory: number; MemorySwap: number };
    }>(engine.socket, 'GET', '/containers/greedy/json');
    await api(engine.socket, 'DELETE', '/containers/greedy');
    const { Memory, MemorySwap } = HostConfig;
    return { OOMKilled: State.OOMKilled, ExitCode: State.ExitCode, Memory, MemorySwap };
  };
  assert.deepEqual(await state(ours), { OOMKilled: true, ExitCode, Memory, MemorySwap });
  // On a busy machine dockerd sometimes hears of the exit before it hears of the memory, and then says false.
  const { OOMKilled, ...rest } = await state(theirs);
  assert.equal(typeof OOMKilled, 'boolean');
  assert.deepEqual(rest, { ExitCode, Memory, MemorySwap });
});

test('a start that fails has the exit status that says why', { skip, timeout: 300_000 }, async () => {
  const cases: [string[], number][] = [
    [['nope'], 127],
    [['/nope'], 127],
    [['/etc/passwd'], 126],
    [['/etc'], 126],
  ];
  for (const [cmd, code] of cases) {
    for (const engine of [ours, theirs])
      assert.equal((await docker(engine, run('busybox:test', ...cmd))).code, code, cmd[0]);
  }
  assert.equal((await docker(ours, run('--entrypoint', '', 'busybox:test'))).code, 125);
  assert.equal((await docker(ours, run('--link', 'nobody:a', 'busybox:test'))).code, 125);
  assert.equal((await docker(ours, ['ps', '-aq', '--filter', 'name=story'])).stdout, '');
});

test('input through the CLI is read to its end', { skip, timeout: 300_000 }, async () => {
  const input = 'line of input\n'.repeat(20_000);
  const ran = await docker(ours, ['run', '--rm', '-i', '--network', 'none', 'busybox:test', 'cat'], { input });
  assert.equal(ran.code, 0);
  assert.equal(ran.stdout === input, true);
});

test('the answer of a wait begins before the container ends', { skip, timeout: 300_000 }, async () => {
  const { Id } = await api<{ Id: string }>(ours.socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', 'exit 5'],
    HostConfig: { NetworkMode: 'none', AutoRemove: true },
  });
  const path = `/containers/${Id}/wait?condition=removed`;
  const [answer] = (await once(http.request({ socketPath: ours.socket, method: 'POST', path }).end(), 'response')) as [
    http.IncomingMessage,
  ];
  assert.equal((await request(ours.socket, 'POST', `/containers/${Id}/start`)).status, 204);
  assert.deepEqual(JSON.parse((await answer.setEncoding('utf8').toArray()).join('')), { StatusCode: 5 });
});

test('an attach from before the start gets frames of both streams', { skip, timeout: 300_000 }, async () => {
  const { Id } = await api<{ Id: string }>(ours.socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', 'echo out; sleep 0.1; echo err >&2'],
    HostConfig: { NetworkMode: 'none' },
  });
  const { status, socket, head } = await hijack(ours.socket, `/containers/${Id}/attach?stream=1&stdout=1&stderr=1`);
  assert.equal(status, 101);
  await api(ours.socket, 'POST', `/containers/${Id}/start`);
  const chunks = [head];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  assert.equal(Buffer.concat(chunks).toString('latin1'), '\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n');
  await api(ours.socket, 'DELETE', `/containers/${Id}`);
});

test(
  'output reaches its reader whole though what passes connections on is killed, and none of it stays',
  { skip, timeout: 300_000 },
  async () => {
    await using engine = await startEngine();
    await loadBusybox(engine);
    const made = { Image: 'busybox:test', Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } };
    const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', made);
    await api(engine.socket, 'POST', `/containers/${Id}/start`);
    const output = async () => {
      const Cmd = ['sh', '-c', 'dd if=/dev/zero bs=65536 count=100 status=none; echo last >&2'];
      const wish = { Cmd, AttachStdout: true, AttachStderr: true };
      const exec = await api<{ Id: string }>(engine.socket, 'POST', `/containers/${Id}/exec`, wish);
      const stream = await hijack(engine.socket, `/exec/${exec.Id}/start`, { Detach: false, Tty: false });
      const all = Buffer.concat([stream.head, ...(await (stream.socket as Readable).toArray())] as Buffer[]);
      const lengths = [0, 0, 0];
      for (let at = 0; at < all.length; at += 8 + all.readUInt32BE(at + 4))
        lengths[all[at]!]! += all.readUInt32BE(at + 4);
      return lengths;
    };
    const whole = [0, 100 * 65536, 5];
    assert.deepEqual(await output(), whole);
    const [porter] = await childrenOf(engine.process.pid!, 'slipway-porter');
    process.kill(porter!, 'SIGKILL');
    while ((await childrenOf(engine.process.pid!, 'slipway-porter')).includes(porter!)) await sleep(5);
    assert.deepEqual(await Promise.all([output(), output(), output()]), [whole, whole, whole]);
    const [next] = await childrenOf(engine.process.pid!, 'slipway-porter');
    assert.notEqual(next, undefined);
    await engine.kill();
    while (await readFile(`/proc/${next}/comm`, 'utf8').catch(() => undefined)) await sleep(5);
  },
);

test(
  'an exec’s stream has frames unless its start asked for a terminal, whatever its create said',
  { skip },
  async () => {
    await using engine = await startEngine();
    await loadBusybox(engine);
    const made = { Image: 'busybox:test', Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } };
    const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', made);
    await api(engine.socket, 'POST', `/containers/${Id}/start`);
    const said = async (Cmd: string[], created: boolean, started: boolean) => {
      const wish = { Cmd, AttachStdout: true, AttachStderr: true, Tty: created };
      const exec = await api<{ Id: string }>(engine.socket, 'POST', `/containers/${Id}/exec`, wish);
      const body = { Detach: false, Tty: started };
      const { lines, head, socket } = await hijack(engine.socket, `/v1.47/exec/${exec.Id}/start`, body);
      const bytes = Buffer.concat([head, ...(await (socket as Readable).toArray())] as Buffer[]);
      return [/^Content-Type: .*\.(\w+)-stream$/m.exec(lines)?.[1], bytes.toString('latin1')];
    };
    const frame = (stream: number, text: string) => String.fromCharCode(stream, 0, 0, 0, 0, 0, 0, text.length) + text;
    const terminal = ['sh', '-c', 'test -t 1 && echo yes'];
    const both = ['sh', '-c', 'test -t 1 || echo no; echo err >&2'];
    assert.deepEqual(await said(terminal, true, false), ['multiplexed', frame(1, 'yes\r\n')]);
    // Without frames there is no telling stdout and stderr apart: as with dockerd, stderr is left out.
    assert.deepEqual(await said(both, false, true), ['raw', 'no\n']);
    assert.deepEqual(await said(terminal, true, true), ['raw', 'yes\r\n']);
    assert.deepEqual(await said(both, false, false), ['multiplexed', frame(1, 'no\n') + frame(2, 'err\n')]);
    const [type, refusal = ''] = await said(['/nosuch'], true, false);
    assert.equal(type, 'multiplexed');
    assert.equal(refusal.charCodeAt(0), 1);
    assert.equal(refusal.charCodeAt(7), refusal.length - 8);
  },
);

async function childrenOf(parent: number, name: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const stat = /^\d+$/.test(entry) && (await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => undefined));
    if (stat && stat.includes(`(${name}) `) && Number(stat.split(') ')[1]!.split(' ')[1]) === parent)
      found.push(Number(entry));
  }
  return found;
}
