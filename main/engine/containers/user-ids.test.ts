import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HelperHello } from '../helper/index.js';
import type { ContainerRecord, IdMap } from './record.js';
import { remapOf, UserIds, userNamespaceOf } from './user-ids.js';

const files: Record<string, string> = {
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nbox:x:1500:1600::/:/bin/false\npoor:x:1501:1501::/:/bin/false\n',
  '/etc/group': 'root:x:0:\nbox:x:1600:\ncrew:x:1700:\n',
  '/etc/subuid': 'box:100000:65536\n1500:300000:10\n',
  '/etc/subgid': 'box:200000:65536\ncrew:400000:1000\n',
};
const read = (path: string) => Promise.resolve(files[path] ?? '');
const hello = { rootless: false, overlay: { native: true, userxattr: false, idmapped: true } } as HelperHello;

const wish = (hostConfig: object, network = 'bridge', taken: (IdMap | undefined)[] = []) => ({
  hostConfig: {
    UsernsMode: '',
    IpcMode: 'private',
    PidMode: '',
    Privileged: false,
    ...hostConfig,
  } as ContainerRecord['hostConfig'],
  network: network as ContainerRecord['network'],
  runtime: null,
  hello,
  taken,
});

const base = (map: IdMap | undefined) => map?.uids[0]?.hostID;

test('dockerd’s words for --userns-remap are understood', async () => {
  const box = {
    uids: [
      { containerID: 0, hostID: 100000, size: 65536 },
      { containerID: 65536, hostID: 300000, size: 10 },
    ],
    gids: [{ containerID: 0, hostID: 200000, size: 65536 }],
  };
  for (const value of ['box', '1500', 'box:box', '1500:1600']) {
    assert.deepEqual(await remapOf(value, read), { all: box }, value);
  }
  const mixed = await remapOf('box:crew', read);
  assert.deepEqual(mixed, { all: { ...box, gids: [{ containerID: 0, hostID: 400000, size: 1000 }] } });
  assert.equal(await remapOf('', read), undefined);
});

test('the default is dockremap’s range, or one that is nobody’s', async () => {
  const some = { uids: [{ containerID: 0, hostID: 0x70000000, size: 65536 }] };
  assert.deepEqual((await remapOf('default', read)) as object, { all: { ...some, gids: some.uids } });
  const own = (path: string) => read(path).then((text) => `${text}dockremap:900000:65536\n`);
  assert.equal(base(((await remapOf('default', own)) as { all: IdMap }).all), 900000);
});

test('a user without a range, or who is not there, is named with the way out', async () => {
  await assert.rejects(remapOf('poor', read), { message: /no range for poor: give it one \(usermod/ });
  await assert.rejects(remapOf('nobody-here', read), { message: /there is no user nobody-here/ });
  await assert.rejects(remapOf('box:nogroup', read), { message: /there is no group nogroup/ });
});

test('a container has the engine’s ids unless it opts out, and ids of its own where it asks for them', async () => {
  const ids = new UserIds(await remapOf('box', read));
  assert.equal(base(ids.choose(wish({}))), 100000);
  assert.equal(ids.choose(wish({ UsernsMode: 'host', Privileged: true })), undefined);
  const first = ids.choose(wish({ UsernsMode: 'auto' }));
  const second = ids.choose(wish({ UsernsMode: 'auto' }, 'bridge', [undefined, first]));
  assert.notEqual(base(first), base(second));
  assert.equal(new UserIds(undefined).choose(wish({})), undefined);
  assert.ok(base(new UserIds({ each: true }).choose(wish({}))));
});

test('what a user namespace cannot be combined with is refused in dockerd’s words', async () => {
  const ids = new UserIds(await remapOf('box', read));
  assert.throws(() => ids.choose(wish({ Privileged: true })), { message: /^privileged mode is incompatible/ });
  assert.throws(() => ids.choose(wish({}, 'host')), { message: /host's network namespace/ });
  assert.throws(() => ids.choose(wish({ PidMode: 'host' })), { message: /host PID namespace/ });
  assert.throws(() => ids.choose({ ...wish({}), hello: { ...hello, rootless: true } }), { kind: 'not-implemented' });
});

test('who shares the namespaces of another has its user namespace', () => {
  const own: IdMap = { uids: [{ containerID: 0, hostID: 5, size: 9 }], gids: [] };
  const record = (id: string, hostConfig: object, network = 'bridge', userIds?: IdMap) =>
    ({ ...wish(hostConfig, network), id, ...(userIds && { userIds }) }) as unknown as ContainerRecord;
  const all: Record<string, ContainerRecord> = {
    a: record('a', {}, 'bridge', own),
    b: record('b', {}, 'container:a'),
    plain: record('plain', {}),
  };
  const neighbours = { recordOf: (id: string) => all[id] as ContainerRecord, pidOf: (id: string) => id.charCodeAt(0) };
  assert.deepEqual(userNamespaceOf(record('c', {}, 'container:b'), neighbours), { ...own, path: '/proc/98/ns/user' });
  assert.deepEqual(
    userNamespaceOf(record('c', { IpcMode: 'container:a' }, 'container:b'), neighbours)?.path,
    '/proc/98/ns/user',
  );
  assert.equal(userNamespaceOf(record('c', { PidMode: 'container:plain' }), neighbours), undefined);
  assert.throws(() => userNamespaceOf(record('c', { PidMode: 'container:plain' }, 'container:a'), neighbours), {
    message: /different user namespaces/,
  });
});
