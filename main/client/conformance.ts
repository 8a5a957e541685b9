/** What the client promises, as a list: run against our engine and any other Docker-compatible one. */
import assert from 'node:assert/strict';
import type { Client } from './index.js';
import { demultiplex, plainOutput, type Output } from './index.js';

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

async function joined(output: AsyncIterable<Output>): Promise<Record<'stdout' | 'stderr', string>> {
  const all = { stdout: '', stderr: '' };
  for await (const { stream, bytes } of output) all[stream] += text(bytes);
  return all;
}

/** Each with a container of its own, on no network; `image` has busybox's shell. */
export const stories: Record<string, (client: Client, image: string) => Promise<void>> = {
  'an engine says which API it speaks': async ({ system }) => {
    assert.match(await system.ping(), /^1\.\d+$/);
    const { ApiVersion, Os } = await system.version();
    assert.equal(Os, 'linux');
    assert.equal(await system.ping(), ApiVersion);
    assert.ok((await system.info()).Images > 0);
  },

  'a container is attached, awaited, started, and nothing of it is missed': async ({ containers }, image) => {
    const Cmd = ['sh', '-c', 'echo out; echo err >&2; exit 7'];
    const { Id } = await containers.create({ Image: image, Cmd, HostConfig: { NetworkMode: 'none' } });
    const connection = await containers.attach(Id, { stdout: true, stderr: true });
    const { result } = await containers.wait(Id, 'next-exit');
    await containers.start(Id);
    assert.deepEqual(await joined(demultiplex(connection.readable)), { stdout: 'out\n', stderr: 'err\n' });
    assert.equal((await result).StatusCode, 7);
    assert.deepEqual(await joined(containers.logs(Id)), { stdout: 'out\n', stderr: 'err\n' });
    const { State } = await containers.inspect(Id);
    assert.deepEqual([State.Status, State.ExitCode], ['exited', 7]);
    await containers.remove(Id);
    await assert.rejects(containers.inspect(Id), { kind: 'not-found' });
  },

  'input flows in, its end is seen, and output goes on after it': async ({ containers }, image) => {
    const Cmd = ['sh', '-c', 'wc -c; echo done'];
    const create = { Image: image, Cmd, OpenStdin: true, StdinOnce: true, HostConfig: { NetworkMode: 'none' } };
    const { Id } = await containers.create(create);
    const connection = await containers.attach(Id, { stdin: true, stdout: true, stderr: true });
    await containers.start(Id);
    for (let i = 0; i < 16; i++) await connection.write(Buffer.alloc(65536, 'x'));
    connection.end();
    assert.deepEqual(await joined(demultiplex(connection.readable)), { stdout: '1048576\ndone\n', stderr: '' });
    await containers.remove(Id, { force: true });
  },

  'a terminal is raw bytes, and as large as it is told to be': async ({ containers }, image) => {
    const create = { Image: image, Cmd: ['sh'], Tty: true, OpenStdin: true, HostConfig: { NetworkMode: 'none' } };
    const { Id } = await containers.create(create);
    const connection = await containers.attach(Id, { stdin: true, stdout: true, stderr: true });
    await containers.start(Id);
    await containers.resize(Id, 33, 111);
    await connection.write(Buffer.from('stty size; exit\n'));
    assert.match((await joined(plainOutput(connection.readable))).stdout, /\b33 111\r\n/);
    await containers.remove(Id, { force: true });
  },

  'a further command runs inside, with its own streams and exit code': async ({ containers, exec }, image) => {
    const { Id } = await containers.create({
      Image: image,
      Cmd: ['sleep', '1000'],
      HostConfig: { NetworkMode: 'none' },
    });
    await containers.start(Id);
    const id = await exec.create(Id, {
      Cmd: ['sh', '-c', 'cat; echo err >&2; exit 3'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const connection = await exec.start(id);
    await connection.write(Buffer.from('through'));
    connection.end();
    assert.deepEqual(await joined(demultiplex(connection.readable)), { stdout: 'through', stderr: 'err\n' });
    assert.equal((await exec.inspect(id)).ExitCode, 3);
    await containers.remove(Id, { force: true });
  },

  'logs are followed to the end of the container': async ({ containers }, image) => {
    const Cmd = ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.1; done'];
    const { Id } = await containers.create({ Image: image, Cmd, HostConfig: { NetworkMode: 'none' } });
    await containers.start(Id);
    assert.equal((await joined(containers.logs(Id, { follow: true }))).stdout, '1\n2\n3\n');
    assert.equal((await joined(containers.logs(Id, { tail: 1 }))).stdout, '3\n');
    await containers.remove(Id, { force: true });
  },

  'events tell of a container from its creation to its removal': async ({ containers, events }, image) => {
    const filters = { type: ['container'], label: ['slipway-story=events'] };
    const stream = await events.subscribe({ filters });
    const Labels = { 'slipway-story': 'events' };
    const { Id } = await containers.create({
      Image: image,
      Cmd: ['true'],
      Labels,
      HostConfig: { NetworkMode: 'none' },
    });
    const { result } = await containers.wait(Id, 'next-exit');
    await containers.start(Id);
    await result;
    await containers.remove(Id);
    const told: string[] = [];
    for await (const { Action } of stream) if (told.push(Action) > 0 && Action === 'destroy') break;
    assert.deepEqual(told, ['create', 'start', 'die', 'destroy']);
  },

  'what cannot be is an error with its kind': async ({ containers, images }, image) => {
    await assert.rejects(containers.create({ Image: 'no/such:image', Cmd: ['true'] }), {
      kind: 'not-found',
      message: 'No such image: no/such:image',
    });
    const { Id } = await containers.create(
      { Image: image, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } },
      { name: 'conformance' },
    );
    await assert.rejects(containers.create({ Image: image, Cmd: ['true'] }, { name: 'conformance' }), {
      kind: 'conflict',
    });
    await containers.start(Id);
    await assert.rejects(containers.start(Id), { kind: 'not-modified' });
    await assert.rejects(containers.remove(Id), { kind: 'conflict' });
    await containers.stop(Id, { t: 0 });
    await assert.rejects(containers.stop(Id), { kind: 'not-modified' });
    await assert.rejects(containers.kill(Id), { kind: 'conflict' });
    await containers.remove(Id);
    await assert.rejects(images.inspect('no/such:image'), { kind: 'not-found' });
  },

  'images are found by name, tagged and untagged': async ({ images }, image) => {
    await images.tag(image, 'conformance/copy', 'one');
    const copy = await images.inspect('conformance/copy:one');
    assert.equal(copy.Id, (await images.inspect(image)).Id);
    const [listed] = await images.list({ filters: { reference: ['conformance/copy'] } });
    assert.equal(listed?.Id, copy.Id);
    assert.deepEqual(await images.remove('conformance/copy:one'), [{ Untagged: 'conformance/copy:one' }]);
    assert.ok((await images.history(image)).length > 0);
  },
};
