import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { look } from '../../base/looks.js';
import { ContainerMounts } from './container-mounts.js';

test('mounts are listed although file systems do not answer, and no thread is taken for that', async () => {
  const helper = {
    hello: { rootless: false, uidMap: [], gidMap: [] },
    fileRead: () => Promise.reject(new Error('there is none')),
  };
  const held = { place: {}, signal: new AbortController().signal, [Symbol.dispose]: () => undefined };
  const mounts = new ContainerMounts(
    { helper } as never,
    { get: () => undefined } as never,
    { places: { hold: () => Promise.resolve(held) } } as never,
  );
  const bind = { Type: 'bind', Source: tmpdir(), Destination: '/x', Mode: '', RW: true, Propagation: '' };
  const record = { id: 'a', hostConfig: { UsernsMode: 'host' }, mounts: [bind] };
  const owners = async () => (await mounts.list({ record, live: undefined } as never)).map(({ Owner }) => Owner?.Mode);
  assert.equal(typeof (await owners())[0], 'number');
  let answer!: () => void;
  const dead = new Promise<void>((resolve) => (answer = resolve));
  await Promise.all([1, 2].map(() => look(1, () => dead)));
  assert.deepEqual(await owners(), [undefined]);
  answer();
});
