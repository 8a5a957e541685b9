/** What the client promises, as a list: run against our engine and any other Docker-compatible one. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
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

  'volumes are made, listed, removed and pruned': async ({ volumes }) => {
    const Labels = { conformance: 'yes' };
    assert.equal((await volumes.create({ Name: 'conforming', Labels })).Name, 'conforming');
    assert.deepEqual((await volumes.inspect('conforming')).Labels, Labels);
    const { Name } = await volumes.create({ Labels });
    const { Volumes } = await volumes.list({ label: ['conformance=yes'] });
    assert.deepEqual((Volumes ?? []).map((volume) => volume.Name).sort(), ['conforming', Name].sort());
    await volumes.remove('conforming');
    const { VolumesDeleted } = await volumes.prune({ label: ['conformance=yes'] });
    assert.deepEqual(VolumesDeleted, [Name]);
    await volumes.remove('conforming', { force: true });
    await assert.rejects(volumes.remove('conforming'), { kind: 'not-found' });
  },
};

/** What our engine promises beyond that; any other says that it has none of it. */
export const slipwayStories: Record<string, (client: Client, image: string) => Promise<void>> = {
  'what there is beyond the API is listed by name': async ({ slipway }) => {
    const { can = [] } = (await slipway.features()) ?? {};
    for (const name of ['bin', 'change', 'history', 'check']) assert.ok(can.includes(name), name);
  },

  'what is discarded is gone, comes back, and goes for good': async ({ containers, slipway }, image) => {
    const { Id } = await containers.create(
      { Image: image, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none' } },
      { name: 'binned' },
    );
    await containers.start(Id);
    await assert.rejects(slipway.discard(Id), { kind: 'conflict', message: /stop the container before removing/ });
    const { Name, Until } = await slipway.discard(Id, { force: true });
    assert.equal(Name, 'binned');
    assert.ok(Date.parse(Until) > Date.now());
    await assert.rejects(containers.inspect(Id), { kind: 'not-found' });
    const { Containers, Limit } = await slipway.bin();
    assert.deepEqual(
      Containers.map((one) => [one.Id, one.Image]),
      [[Id, image]],
    );
    assert.ok(Limit > 0);
    assert.deepEqual(await slipway.restore(Id, { name: 'again' }), { Id, Name: 'again', Warnings: [] });
    assert.equal((await containers.inspect('again')).Id, Id);
    await slipway.discard('again');
    await slipway.removeFromBin(Id);
    await assert.rejects(slipway.restore(Id), { kind: 'not-found' });
    assert.deepEqual(await slipway.emptyBin(), { Deleted: [], SpaceReclaimed: 0 });
  },

  'a volume is looked into, discarded and brought back': async ({ volumes, slipway }) => {
    await volumes.create({ Name: 'seen' });
    const { Version } = await volumes.files.write('seen', '/a file', Buffer.from('one'));
    await volumes.files.write('seen', '/a file', Buffer.from('two!'), Version);
    await assert.rejects(volumes.files.write('seen', '/a file', Buffer.from('three'), Version), { kind: 'conflict' });
    const { Entries } = await volumes.files.list('seen', { path: '/' });
    assert.deepEqual(
      Entries.map(({ Name, Size }) => [Name, Size]),
      [['a file', 4]],
    );
    const { stat, tar } = await volumes.copyFrom('seen', '/a file');
    assert.equal(stat.size, 4);
    await volumes.files.makeDirectory('seen', '/d');
    await volumes.copyTo('seen', '/d', tar);
    assert.equal((await volumes.statPath('seen', '/d/a file')).name, 'a file');
    const { Kind, Users, CreatedBy } = await volumes.overview('seen');
    assert.deepEqual([Kind, Users, CreatedBy], ['local', [], null]);
    const { Id } = await volumes.discard('seen');
    await assert.rejects(volumes.inspect('seen'), { kind: 'not-found' });
    assert.deepEqual(
      (await slipway.bin()).Volumes?.map((volume) => [volume.Id, volume.Name]),
      [[Id, 'seen']],
    );
    assert.deepEqual(await slipway.restore(Id, { name: 'back' }), { Id, Name: 'back', Warnings: [] });
    assert.ok((await volumes.overviews()).Volumes.some(({ Name }) => Name === 'back'));
    await volumes.files.rename('back', '/d', '/e');
    await volumes.files.remove('back', '/e');
    await volumes.remove('back');
  },

  'a change is shown, made, remembered and taken back': async ({ containers, slipway }, image) => {
    const Cmd = ['sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];
    const { Id } = await containers.create({ Image: image, Cmd, Env: ['A=1'], HostConfig: { NetworkMode: 'none' } });
    await containers.start(Id);
    const live = { Name: 'changed', Config: { Labels: { a: 'b' } } };
    assert.equal((await slipway.previewChange(Id, live)).NeedsRestart, false);
    assert.equal((await slipway.change(Id, live, { restart: false })).Restarted, false);
    const { Pid } = (await containers.inspect('changed')).State;
    const change = { Config: { Env: ['A=2'] } };
    await assert.rejects(slipway.change(Id, change, { restart: false }), { kind: 'conflict' });
    const stages: string[] = [];
    const { Restarted, Changes } = await slipway.change(Id, change, {
      watch: 1,
      onProgress: ({ Stage }) => stages.push(Stage),
    });
    assert.deepEqual([Restarted, Changes.map(({ Field }) => Field)], [true, ['Config.Env']]);
    assert.deepEqual(stages, ['stopping', 'starting', 'watching']);
    assert.notEqual((await containers.inspect(Id)).State.Pid, Pid);
    const kinds = (await slipway.history(Id)).map(({ Kind }) => Kind);
    assert.deepEqual(kinds, ['changed', 'started', 'exited', 'changed', 'started', 'created']);
    const { RolledBack } = await slipway.change(Id, { Config: { Cmd: ['nowhere'] } });
    assert.match(RolledBack?.Reason ?? '', /executable file not found/);
    assert.equal((await slipway.previewRevert(Id, 0)).NeedsRestart, true);
    await slipway.revert(Id, 0, { watch: 0 });
    const { Config, Name } = await containers.inspect(Id);
    assert.deepEqual([Config.Env[0], Config.Labels['a'], Name === '/changed'], ['A=1', undefined, false]);
    await containers.remove(Id, { force: true });
  },

  'a change whose caller goes is undone': async ({ containers, slipway }, image) => {
    const Cmd = ['sh', '-c', 'trap "exit 0" TERM; sleep 1000 & wait'];
    const { Id } = await containers.create({ Image: image, Cmd, Env: ['A=1'], HostConfig: { NetworkMode: 'none' } });
    await containers.start(Id);
    const call = new AbortController();
    const onProgress = ({ Stage }: { Stage: string }) => Stage === 'watching' && call.abort();
    const change = slipway.change(Id, { Config: { Env: ['A=2'] } }, { watch: 600, signal: call.signal, onProgress });
    await assert.rejects(change);
    for (let tries = 0; (await slipway.history(Id))[0]?.Kind !== 'rolled-back'; tries++) {
      assert.ok(tries < 2000);
      await sleep(50);
    }
    const { Config, State } = await containers.inspect(Id);
    assert.deepEqual([Config.Env[0], State.Running], ['A=1', true]);
    await containers.remove(Id, { force: true });
  },
};
