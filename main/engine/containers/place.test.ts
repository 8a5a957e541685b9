import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { conflict } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import { Places } from './place.js';

test('nobody copies into a container that does not run while a volume of it is being replaced, but looks at its files', async () => {
  const locks = new Locks();
  const mount = { Type: 'volume', Name: 'data', Source: join(tmpdir(), 'none'), Destination: '/d', RW: true, Mode: '' };
  const record = { id: 'a', mounts: [mount], hostConfig: {} };
  const container = { id: 'a', record, settled: () => Promise.resolve() };
  const written: string[][] = [];
  const volumes = {
    lent: true,
    mount: () => Promise.resolve(false),
    unmount: () => Promise.resolve(),
    checkFree: (names: string[]) => {
      if (volumes.lent) throw conflict(`the volume ${names.join()} cannot be used now`);
    },
    editing: (names: string[]) => {
      written.push(names);
      return { [Symbol.dispose]: () => undefined };
    },
  };
  const usage = { outdate: (paths: string[]) => void written.push(paths) };
  const nowhere = { hostname: '/none', hosts: '/none', resolvConf: '/none' };
  const places = new Places(
    { volumes, usage, snapshots: { mountsOf: () => ({ upper: '/own' }) } } as never,
    { lock: ({ id }: { id: string }) => locks.take(id), pathsOf: () => nowhere } as never,
  );
  using held = await places.hold(container as never);
  assert.throws(() => held.writing(), { kind: 'conflict', message: 'the volume data cannot be used now' });
  volumes.lent = false;
  held.writing()[Symbol.dispose]();
  assert.deepEqual(written, [['data'], ['/own']]);
});
