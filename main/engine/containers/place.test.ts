import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflict } from '../../base/errors.js';
import { Locks } from '../../base/locks.js';
import { Places } from './place.js';

test('nobody copies into a container that does not run while a volume of it is being replaced', async () => {
  const locks = new Locks();
  const mounts = [{ Type: 'volume', Name: 'data' }];
  const container = { id: 'a', record: { id: 'a', mounts }, settled: () => Promise.resolve() };
  const volumes = {
    checkFree: (names: Iterable<string>) => {
      for (const name of names) throw conflict(`the volume ${name} cannot be used now`);
    },
  };
  const places = new Places({ volumes } as never, { lock: ({ id }: { id: string }) => locks.take(id) } as never);
  await assert.rejects(places.hold(container as never), { kind: 'conflict' });
  using _ = await locks.take('a'); // and what it took is given back
});
