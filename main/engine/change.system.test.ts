import '../base/scopes.js';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeProgress, ContainerChange } from '../contract/changes.js';
import { Writers } from './backups/writers.js';
import type { ChangeWish } from './testing-change.js';
import {
  cannotRun,
  closeRooms,
  createContainer,
  enginePlace,
  openRooms,
  testProgram,
  type Rooms,
} from './testing-rooms.js';

const [node, ...program] = testProgram('testing-change') as [string, ...string[]];
const MIB = 2 ** 20;
/** It ends when it is told to. */
const POLITE = ['sh', '-c', 'trap "exit 0" TERM; echo $MODE; sleep 1000 & wait'];

const changeTest = (name: string, body: (rooms: Rooms) => Promise<void>) =>
  test(name, { skip: cannotRun, timeout: 300_000 }, async (t) => {
    const place = await enginePlace(t);
    const rooms = await openRooms(place);
    place.before(() => closeRooms(rooms));
    await body(rooms);
  });

async function running(rooms: Rooms, cmd: string[] = POLITE, body = {}, name = 'web'): Promise<string> {
  const id = await createContainer(rooms, cmd, body, name);
  await rooms.containers.start(id);
  // A shell has said what it has to say, and then hears what it is told.
  if (cmd[0] === 'sh') await until(async () => (await logOf(rooms, id)) !== '');
  return id;
}

async function logOf({ containers }: Rooms, id: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  const all = { follow: false, stdout: true, stderr: true, timestamps: false, details: false };
  for await (const chunk of containers.logs(id, all).chunks) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const actions = ({ heard }: Rooms, id: string): string[] =>
  heard.filter(({ Type, Actor }) => Type === 'container' && Actor.ID === id).map(({ Action }) => Action);

async function until(what: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 6000; i++) {
    if (await what()) return;
    await sleep(10);
  }
  assert.fail('it does not come');
}

async function statusOf(pid: number): Promise<{ state: string; parent: string }> {
  const [, state = '', parent = ''] = /\) (\S) (\d+)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return { state, parent };
}

const kinds = ({ containers }: Rooms, id: string): string[] => containers.history(id).map(({ Kind }) => Kind);

async function pidsLimitOf(pid: number): Promise<string> {
  const groups = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n');
  const at = (name: string) =>
    groups.map((line) => line.split(':')).find(([, controllers]) => controllers === name)?.[2];
  const v2 = `/sys/fs/cgroup${at('') ?? ''}/pids.max`;
  const v1 = `/sys/fs/cgroup/pids${at('pids') ?? ''}/pids.max`;
  return (await readFile(at('pids') === undefined ? v2 : v1, 'utf8')).trim();
}

changeTest('name, limits, policy and labels are changed while the process goes on', async (rooms) => {
  const { containers } = rooms;
  const id = await running(rooms);
  const { Pid } = (await containers.inspect(id)).State;
  const change: ContainerChange = {
    Name: 'site',
    Config: { Labels: { tier: 'web' }, StopTimeout: 3 },
    HostConfig: { PidsLimit: 50, RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } },
  };
  const preview = await containers.previewChange(id, change);
  assert.equal(preview.NeedsRestart, false);
  assert.deepEqual(preview.Changes, [
    { Field: 'Name', From: 'web', To: 'site', Applies: 'now' },
    { Field: 'Config.Labels', From: {}, To: { tier: 'web' }, Applies: 'now' },
    { Field: 'Config.StopTimeout', From: null, To: 3, Applies: 'now' },
    {
      Field: 'HostConfig.RestartPolicy',
      From: { Name: 'no', MaximumRetryCount: 0 },
      To: { Name: 'always', MaximumRetryCount: 0 },
      Applies: 'now',
    },
    { Field: 'HostConfig.PidsLimit', From: null, To: 50, Applies: 'now' },
  ]);
  assert.equal((await containers.inspect('web')).Id, id); // a preview does nothing
  const changed = await containers.change(id, change, { restart: false });
  assert.equal(changed.Restarted, false);
  const after = await containers.inspect('site');
  assert.deepEqual([after.Id, after.State.Pid, after.State.Running], [id, Pid, true]);
  assert.deepEqual([after.Config.Labels, after.HostConfig.PidsLimit], [{ tier: 'web' }, 50]);
  await assert.rejects(containers.inspect('web'), { kind: 'not-found' });
  assert.deepEqual(actions(rooms, id), ['create', 'start', 'rename', 'update']);
  const limits = rooms.helper.hello.cgroup.limits;
  if (limits) assert.equal(await pidsLimitOf(Pid), '50');
  await containers.change(id, { HostConfig: { PidsLimit: null } });
  if (limits) assert.equal(await pidsLimitOf(Pid), 'max');
  assert.deepEqual(kinds(rooms, id), ['changed', 'changed', 'started', 'created']);
});

changeTest(
  'what a process is born with takes one restart that keeps its files, name, id and history',
  async (rooms) => {
    const { containers } = rooms;
    const script = 'trap "exit 0" TERM; echo $MODE >> /root/modes; echo up; sleep 1000 & wait';
    const id = await running(rooms, ['sh', '-c', script], { Env: ['MODE=old'] });
    const change: ContainerChange = { Config: { Env: ['MODE=new'], Hostname: 'other' } };
    const { Changes, NeedsRestart } = await containers.previewChange(id, change);
    assert.equal(NeedsRestart, true);
    assert.deepEqual(
      Changes.map(({ Field, Applies }) => [Field, Applies]),
      [
        ['Config.Hostname', 'restart'],
        ['Config.Env', 'restart'],
      ],
    );
    await assert.rejects(containers.change(id, change, { restart: false }), {
      kind: 'conflict',
      message: 'a running container takes Config.Hostname, Config.Env only with a restart',
    });
    const stages: ChangeProgress[] = [];
    const done = await containers.change(id, change, { watch: 1, report: (progress) => stages.push(progress) });
    assert.deepEqual([done.Restarted, done.RolledBack], [true, undefined]);
    assert.deepEqual(
      stages.map(({ Stage }) => Stage),
      ['stopping', 'starting', 'watching'],
    );
    const after = await containers.inspect('web');
    assert.deepEqual([after.Id, after.State.Running, after.Config.Env], [id, true, ['MODE=new', 'FROM_IMAGE=yes']]);
    const modes = join(after.GraphDriver.Data['UpperDir'] as string, 'root/modes');
    await until(async () => (await readFile(modes, 'utf8')) === 'old\nnew\n');
    assert.deepEqual(kinds(rooms, id), ['changed', 'started', 'exited', 'started', 'created']);
  },
);

changeTest(
  'a command that is not there is rolled back, and so is one that ends at once with a failure',
  async (rooms) => {
    const { containers } = rooms;
    const id = await running(rooms);
    const missing = await containers.change(id, { Name: 'never', Config: { Cmd: ['nope'] } });
    assert.match(missing.RolledBack?.Reason ?? '', /^it does not start: .*"nope": executable file not found in \$PATH/);
    const failing = await containers.change(id, { Config: { Cmd: ['sh', '-c', 'sleep 0.2; exit 4'] } });
    assert.deepEqual(failing.RolledBack, { Reason: 'it ended with exit code 4' });
    const { Config, State, Name } = await containers.inspect(id);
    assert.deepEqual([Config.Cmd, State.Running, Name], [POLITE, true, '/web']);
    const all = containers.history(id).filter(({ Kind }) => Kind !== 'exited');
    const undone = ['rolled-back', 'started'];
    assert.deepEqual(
      all.map(({ Kind }) => Kind),
      [...undone, 'started', ...undone, 'start-failed', 'started', 'created'],
    );
    assert.equal(all[0]?.Reason, 'it ended with exit code 4');
    await createContainer(rooms, ['true'], {}, 'never'); // that name was given back
  },
);

changeTest('one that ends at once and well is what was asked for', async (rooms) => {
  const { containers } = rooms;
  const id = await running(rooms);
  const { RolledBack } = await containers.change(id, { Config: { Cmd: ['true'] } });
  assert.equal(RolledBack, undefined);
  const { State, Config } = await containers.inspect(id);
  assert.deepEqual([State.Status, State.ExitCode, Config.Cmd], ['exited', 0, ['true']]);
});

changeTest('a restart policy does not come between a change and its being undone', async (rooms) => {
  const { containers } = rooms;
  const RestartPolicy = { Name: 'always' as const, MaximumRetryCount: 0 };
  const id = await running(rooms, POLITE, { HostConfig: { RestartPolicy } });
  const { RolledBack } = await containers.change(id, { Config: { Cmd: ['false'] } });
  assert.equal(RolledBack?.Reason, 'it ended with exit code 1');
  await sleep(300);
  const { State, RestartCount } = await containers.inspect(id);
  assert.deepEqual([State.Status, RestartCount], ['running', 0]);
  assert.equal(containers.history(id).filter(({ Kind }) => Kind === 'started').length, 3);
});

const healthcheck = (script: string) => ({
  Test: ['CMD-SHELL', script],
  Interval: 100_000_000,
  Timeout: 60_000_000_000,
  Retries: 2,
});

changeTest('with a health check the change stays once it is healthy, and is undone when it is not', async (rooms) => {
  const { containers } = rooms;
  const id = await running(rooms, POLITE, { Healthcheck: healthcheck('[ "$MODE" != bad ] || { echo no; false; }') });
  const good = await containers.change(id, { Config: { Env: ['MODE=good'] } });
  assert.equal(good.RolledBack, undefined);
  assert.equal((await containers.inspect(id)).State.Health?.Status, 'healthy');
  const bad = await containers.change(id, { Config: { Env: ['MODE=bad'] } });
  assert.deepEqual(bad.RolledBack, { Reason: 'it became unhealthy: no' });
  assert.deepEqual((await containers.inspect(id)).Config.Env, ['MODE=good', 'FROM_IMAGE=yes']);
  assert.equal((await containers.inspect(id)).State.Running, true);
});

changeTest('a health check that did not stay, or was taken away, leaves no health behind', async (rooms) => {
  const { containers } = rooms;
  const id = await running(rooms);
  const healthOf = async () => (await containers.inspect(id)).State.Health;
  const bad = await containers.change(id, { Config: { Healthcheck: healthcheck('false') } });
  assert.equal(bad.RolledBack?.Reason, 'it became unhealthy');
  assert.equal(await healthOf(), undefined);
  await containers.change(id, { Config: { Healthcheck: healthcheck('true') } });
  assert.equal((await healthOf())?.Status, 'healthy');
  await containers.change(id, { Config: { Healthcheck: null } });
  assert.equal(await healthOf(), undefined);
});

changeTest('who closes the request calls the change off', async (rooms) => {
  const { containers } = rooms;
  const id = await running(rooms);
  const call = new AbortController();
  const { RolledBack } = await containers.change(
    id,
    { Config: { Env: ['MODE=new'] } },
    { watch: 600, signal: call.signal, report: ({ Stage }) => Stage === 'watching' && call.abort() },
  );
  assert.deepEqual(RolledBack, { Reason: 'it was called off before it was known to work' });
  const { Config, State } = await containers.inspect(id);
  assert.deepEqual([Config.Env, State.Running], [['FROM_IMAGE=yes'], true]);
});

changeTest('who stops or removes it meanwhile has the last word', async (rooms) => {
  const { containers } = rooms;
  const id = await running(rooms);
  const stop = ({ Stage }: ChangeProgress) => Stage === 'watching' && void containers.stop(id);
  const { RolledBack } = await containers.change(id, { Config: { Env: ['MODE=new'] } }, { watch: 600, report: stop });
  assert.equal(RolledBack, undefined);
  assert.equal((await containers.inspect(id)).State.Running, false);
  await containers.start(id);
  const remove = ({ Stage }: ChangeProgress) => Stage === 'watching' && void containers.remove(id, { force: true });
  const change = containers.change(id, { Name: 'new', Config: { Env: [] } }, { watch: 600, report: remove });
  await assert.rejects(change, { message: /is being removed|No such container/ });
  await until(async () => (await containers.list({ all: true })).length === 0);
  await createContainer(rooms, ['true'], {}, 'new');
});

changeTest('a revert is a change back, previewed like one, and itself in the history', async (rooms) => {
  const { containers } = rooms;
  const id = await createContainer(rooms, POLITE, { Env: ['MODE=1'], Labels: { a: '1' } }, 'web');
  await containers.change(id, { Config: { Env: ['MODE=2'] } });
  const [second] = containers.history(id);
  await containers.change(id, {
    Name: 'site',
    Config: { Env: ['MODE=3'], Labels: { b: '2' } },
    HostConfig: { Memory: 64 * MIB },
  });
  await containers.rename(id, 'page');
  await containers.update(id, { CpuShares: 512 });
  const target = second?.Seq ?? -1;
  const fields = (await containers.previewRevert(id, target)).Changes.map(({ Field }) => Field);
  const { helper } = rooms;
  const limits = helper.hello.cgroup.limits
    ? ['HostConfig.CpuShares', 'HostConfig.Memory', 'HostConfig.MemorySwap']
    : [];
  assert.deepEqual(fields.sort(), ['Config.Env', 'Config.Labels', ...limits, 'Name'].sort());
  await containers.revert(id, target);
  const { Config, HostConfig, Name } = await containers.inspect(id);
  assert.deepEqual([Name, Config.Env, Config.Labels], ['/web', ['MODE=2', 'FROM_IMAGE=yes'], { a: '1' }]);
  assert.deepEqual([HostConfig.Memory, HostConfig.MemorySwap, HostConfig.CpuShares], [0, 0, 0]);
  const [reverted] = containers.history(id);
  assert.deepEqual([reverted?.Kind, reverted?.To], ['reverted', target]);
  await containers.revert(id, 0);
  assert.deepEqual((await containers.inspect(id)).Config.Env, ['MODE=1', 'FROM_IMAGE=yes']);
  await assert.rejects(containers.revert(id, 99), { kind: 'not-found', message: 'its history has no entry 99' });
});

changeTest('another image goes below the files of the container, and comes away again', async (rooms) => {
  const { containers } = rooms;
  const script = 'trap "exit 0" TERM; echo $NEW $FROM_IMAGE; cat /version 2>&1; sleep 1000 & wait';
  const id = await running(rooms, ['sh', '-c', script], { Env: ['OWN=1'] });
  const done = await containers.change(id, { Image: 'busybox:next' }, { watch: 1 });
  assert.deepEqual(
    done.Changes.map(({ Field }) => Field),
    ['Image', 'ImageID', 'Config.Env'],
  );
  const { Config, Image } = await containers.inspect(id);
  assert.deepEqual([Config.Image, Config.Env], ['busybox:next', ['OWN=1', 'FROM_IMAGE=next', 'NEW=yes']]);
  assert.match(Image, /^sha256:c+$/);
  await until(async () => /yes next\n[^]*next\n/.test(await logOf(rooms, id)));
  await containers.revert(id, 0, { watch: 1 });
  assert.deepEqual((await containers.inspect(id)).Config.Env, ['OWN=1', 'FROM_IMAGE=yes']);
  const all = /yes\n[^]*No such file[^]*yes next\n[^]*next\n[^]*yes\n[^]*No such file/;
  await until(async () => all.test(await logOf(rooms, id)));
  await assert.rejects(containers.change(id, { Image: 'nowhere' }), {
    kind: 'not-found',
    message: 'No such image: nowhere:latest',
  });
});

changeTest('what cannot be, and what cannot be changed, is refused by name and changes nothing', async (rooms) => {
  const { containers } = rooms;
  const id = await running(rooms);
  await createContainer(rooms, ['true'], {}, 'taken');
  const { Config, HostConfig, State } = await containers.inspect(id);
  const cases: [ContainerChange, string, RegExp][] = [
    [{ Name: 'taken' }, 'conflict', /The container name "\/taken" is already in use/],
    [{ Name: '-' }, 'invalid', /Invalid container name/],
    [{ HostConfig: { Memory: 1 } }, 'invalid', /Minimum memory limit allowed is 6MB/],
    [{ HostConfig: { Binds: ['a:b'] } }, 'invalid', /mount path must be absolute/],
    [{ HostConfig: { VolumesFrom: ['nobody'] } }, 'invalid', /No such container: nobody/],
    [{ HostConfig: { NetworkMode: 'host' } }, 'not-implemented', /^HostConfig\.NetworkMode cannot be changed/],
    [{ HostConfig: { PortBindings: { '80/tcp': [] } } }, 'not-implemented', /^HostConfig\.PortBindings cannot/],
    [{ HostConfig: { CapAdd: ['NOPE'] } }, 'invalid', /NOPE/],
    [{ Config: { WorkingDir: 'relative' } }, 'invalid', /needs to be an absolute path/],
    [
      { Config: { Favourite: 'colour' } as ContainerChange['Config'] & object },
      'invalid',
      /^Config\.Favourite is nothing/,
    ],
    [
      { HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } } },
      'invalid',
      /AutoRemove/,
    ],
  ];
  for (const [change, kind, message] of cases) await assert.rejects(containers.change(id, change), { kind, message });
  const same = await containers.change(id, { Name: 'web', Config, HostConfig, Image: 'busybox' });
  assert.deepEqual([same.Changes, same.Restarted], [[], false]);
  assert.equal((await containers.inspect(id)).State.Pid, State.Pid);
  assert.deepEqual(kinds(rooms, id), ['started', 'created']);
});

changeTest('on a container that does not run everything is for the next start', async (rooms) => {
  const { containers } = rooms;
  const id = await createContainer(rooms, ['true'], {}, 'web');
  const change: ContainerChange = {
    Config: { Cmd: ['sh', '-c', 'exit $CODE'], Env: ['CODE=6'] },
    HostConfig: { Privileged: true },
  };
  const { NeedsRestart, Changes } = await containers.previewChange(id, change);
  assert.equal(NeedsRestart, false);
  assert.ok(Changes.every(({ Applies }) => Applies === 'now'));
  assert.deepEqual(
    Changes.map(({ Field }) => Field).filter((field) => field.startsWith('HostConfig')),
    ['HostConfig.Privileged', 'HostConfig.SecurityOpt', 'HostConfig.MaskedPaths', 'HostConfig.ReadonlyPaths'],
  );
  await containers.change(id, change, { restart: false });
  await containers.start(id);
  assert.equal((await containers.wait(id)).StatusCode, 6);
  await containers.revert(id, 0);
  const { HostConfig } = await containers.inspect(id);
  assert.equal(HostConfig.Privileged, false);
  assert.ok((HostConfig.MaskedPaths ?? []).includes('/proc/kcore'));
});

changeTest('what ends while something is mounted into it has that at its next start', async (rooms) => {
  const { containers, helper } = rooms;
  const id = await createContainer(rooms, ['sleep', '1000'], {}, 'web');
  const real = { mountLook: helper.mountLook.bind(helper), mountAttach: helper.mountAttach.bind(helper) };
  const rounds = ['mountLook', 'mountAttach', 'afterwards'] as const;
  for (const [index, moment] of rounds.entries()) {
    await containers.start(id);
    const { Pid } = (await containers.inspect(id)).State;
    // Nobody hears of the end before the mount is through: who would tell stands still.
    const monitor = Number((await statusOf(Pid)).parent);
    process.kill(monitor, 'SIGSTOP');
    const end = async () => {
      process.kill(Pid, 'SIGKILL');
      await until(async () => (await statusOf(Pid)).state === 'Z');
    };
    helper.mountLook = async (...request) => {
      if (moment === 'mountLook') await end();
      return real.mountLook(...request);
    };
    helper.mountAttach = async (request) => {
      if (moment === 'mountAttach') await end();
      const attached = await real.mountAttach(request);
      if (moment === 'afterwards') await end();
      return attached;
    };
    const wish = { Type: 'volume', Source: `data${index}`, Target: `/m${index}` } as const;
    const { Applied, Mount } = await containers.attachMount(id, wish).finally(() => process.kill(monitor, 'SIGCONT'));
    Object.assign(helper, real);
    assert.deepEqual([Applied, Mount.Live], moment === 'afterwards' ? ['live', true] : ['next-start', false], moment);
    await containers.wait(id);
  }
  await containers.start(id);
  assert.deepEqual(
    (await containers.mounts(id)).map(({ Destination, Mounted }) => [Destination, Mounted]),
    rounds.map((_, index) => [`/m${index}`, true]),
  );
});

changeTest('whoever may write to a volume while it is copied is noticed', async (rooms) => {
  const { containers, volumes, helper } = rooms;
  const bound = (mode: string) => ({ HostConfig: { NetworkMode: 'none', Binds: [`data:/data:${mode}`] } });
  const [writer, reader] = [
    await createContainer(rooms, ['sleep', '1000'], bound('rw'), 'writer'),
    await createContainer(rooms, ['sleep', '1000'], bound('ro'), 'reader'),
  ];
  const without = await running(rooms, ['sleep', '1000'], {}, 'without');
  const store = { rows: () => new Map(), commit: () => Promise.resolve() };
  const writers = new Writers({ store, containers, volumes });
  const unnoticed = async (work: () => Promise<unknown>) => {
    await using stillness = await writers.still('data', true, { report: () => undefined });
    await work();
    return await stillness.check();
  };
  const comesAndGoes = async (id: string) => {
    await containers.start(id);
    await containers.kill(id, 'KILL');
    await containers.wait(id);
  };
  let meanwhile: number | undefined;
  const attach = helper.mountAttach.bind(helper);
  helper.mountAttach = (request) => {
    meanwhile = volumes.writesOf('data');
    return attach(request);
  };
  const mounts = async (ReadOnly: boolean) => {
    await containers.attachMount(without, { Type: 'volume', Source: 'data', Target: '/data', ReadOnly });
    await containers.detachMount(without, '/data');
  };
  assert.equal(await unnoticed(() => comesAndGoes(reader)), true, 'a start of who reads');
  assert.equal(await unnoticed(() => comesAndGoes(writer)), false, 'a start');
  assert.equal(await unnoticed(() => mounts(false)), false, 'a mount');
  assert.equal(meanwhile, undefined, 'while it is made');
  await mounts(true);
  assert.equal(meanwhile, volumes.writesOf('data'), 'a mount to be read');
  await containers.start(writer);
  assert.equal(await unnoticed(() => Promise.resolve()), true, 'who stands still');
  const letGo = async () => {
    await containers.unpause(writer);
    await containers.pause(writer);
  };
  assert.equal(await unnoticed(letGo), false, 'being let go by a person');
  assert.equal((await containers.inspect(writer)).State.Status, 'running');
});

changeTest('of starts and ends the last hundred are remembered, of changes all', async (rooms) => {
  const { containers } = rooms;
  const id = await createContainer(rooms, ['true'], {}, 'web');
  for (let i = 0; i < 55; i++) {
    await containers.change(id, { Config: { Labels: { round: String(i) } } });
    const ended = containers.wait(id, 'next-exit');
    await containers.start(id);
    await ended;
  }
  await until(async () => (await containers.inspect(id)).State.Running === false);
  const all = containers.history(id);
  assert.equal(all.filter(({ Kind }) => Kind === 'changed').length, 55);
  assert.ok(all.filter(({ Kind }) => Kind === 'started' || Kind === 'exited').length <= 101);
  assert.deepEqual(
    [...all].sort((a, b) => b.Seq - a.Seq),
    all,
  );
});

for (const [when, Env] of [
  ['after', ['MODE=new']],
  ['before', ['MODE=bad']],
] as const) {
  const wish = {
    cmd: ['sh', '-c', 'trap "exit 0" TERM; [ "$MODE" != bad ] || exit 3; echo up; sleep 1000 & wait'],
  };
  test(
    `killed ${when} any commit of a change with ${Env.join()}, the container runs, whole, and its history tells which way`,
    { skip: cannotRun, timeout: 900_000 },
    async (t) => {
      for (let commit = 1; ; commit++) {
        const place = await enginePlace(t);
        const about: ChangeWish = {
          ...wish,
          root: place.root,
          commit,
          when,
          change: { Name: 'site', Config: { Env: [...Env] } },
        };
        const child = spawn(node, [...program, JSON.stringify(about)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
        await once(child, 'close');
        const rooms = await openRooms(place);
        place.before(() => closeRooms(rooms));
        const { containers } = rooms;
        const [{ Id: id } = { Id: '' }] = await containers.list({ all: true });
        const settled = ['changed', 'rolled-back'];
        const begun = commit > 1 || when === 'after';
        if (begun) await until(async () => containers.history(id).some(({ Kind }) => settled.includes(Kind)));
        const { State, Name, Config } = await containers.inspect(id);
        const changed = containers.history(id).some(({ Kind }) => Kind === 'changed');
        assert.equal(changed, begun && Env[0] === 'MODE=new', `commit ${commit}`);
        assert.equal(State.Running, true, `commit ${commit}`);
        assert.deepEqual([Name, Config.Env[0]], changed ? ['/site', 'MODE=new'] : ['/web', 'FROM_IMAGE=yes']);
        assert.deepEqual((await containers.change(id, { Config: { Labels: { again: 'yes' } } })).Restarted, false);
        await containers.remove(id, { force: true });
        if (said.includes('done')) return;
      }
    },
  );
}

for (const when of ['before', 'after'] as const)
  test(
    `an engine killed ${when} any commit of a live mount leaves all of it or nothing`,
    { skip: cannotRun, timeout: 600_000 },
    async (t) => {
      for (let commit = 1; ; commit++) {
        const place = await enginePlace(t);
        const source = join(place.root, 'source');
        await mkdir(source);
        await writeFile(join(source, 'file'), 'content');
        const about: ChangeWish = {
          root: place.root,
          cmd: ['sh', '-c', 'echo ready; sleep 1000'],
          body: { HostConfig: { NetworkMode: 'none', Binds: ['old:/old'] } },
          change: { HostConfig: { Binds: [`${source}:/new/place`, 'fresh:/fresh'] } },
          commit,
          when,
        };
        const child = spawn(node, [...program, JSON.stringify(about)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let said = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
        await once(child, 'close');
        const rooms = await openRooms(place);
        place.before(() => closeRooms(rooms));
        const { containers, volumes } = rooms;
        const [{ Id: id } = { Id: '' }] = await containers.list({ all: true });
        const { State, HostConfig, Mounts } = await containers.inspect(id);
        const changed = containers.history(id).some(({ Kind }) => Kind === 'changed');
        const mounts = (await readFile(`/proc/${State.Pid}/mountinfo`, 'utf8'))
          .split('\n')
          .map((line) => line.split(' ')[4]);
        const seen = ['/old', '/new/place', '/fresh'].filter((path) => mounts.includes(path));
        const wanted = changed ? ['/new/place', '/fresh'] : ['/old'];
        assert.deepEqual(seen, wanted, `commit ${commit}`);
        assert.deepEqual(
          (Mounts as { Destination: string }[]).map(({ Destination }) => Destination),
          wanted,
        );
        assert.equal(HostConfig.Binds?.length, wanted.length);
        assert.deepEqual(
          volumes
            .list()
            .map(({ Name }) => Name)
            .sort(),
          changed ? ['fresh', 'old'] : ['old'],
        );
        assert.deepEqual(volumes.holdersOf('old'), changed ? [] : [id]);
        assert.deepEqual(
          (await containers.change(id, { HostConfig: { Binds: [] } }, { restart: false })).Restarted,
          false,
        );
        await containers.remove(id, { force: true });
        if (said.includes('done')) {
          assert.ok(commit > 2, 'it was killed at each');
          return;
        }
      }
    },
  );
