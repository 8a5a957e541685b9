import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Locks } from '../../base/locks.js';
import type { Directories } from './directories.js';
import { Holders } from './holders.js';
import { Reservations } from './reservations.js';

const wish = (Name: string) => ({ Name, Driver: 'local', DriverOpts: {}, Labels: {}, anonymous: false });

/** Volumes none of which is there, on a disk where `fails` does. */
function reservations(fails: { make?: string; discard?: string }) {
  const locks = new Locks();
  const discarded: string[] = [];
  const of = new Reservations({
    locks,
    holders: new Holders(),
    directories: {
      make: (name: string) => (name === fails.make ? Promise.reject(new Error('no room')) : Promise.resolve()),
    } as unknown as Directories,
    has: () => false,
    find: () => {
      throw new Error('there is none');
    },
    put: () => undefined,
    discard: ({ name }) => {
      discarded.push(name);
      return name === fails.discard ? Promise.reject(new Error('no helper')) : Promise.resolve();
    },
    editing: () => ({ [Symbol.dispose]: () => undefined }),
    created: () => undefined,
  });
  return { of, locks, discarded };
}

test('where making fails and clearing away too, the first is said, the rest goes, and the volumes are nobody’s', async () => {
  const { of, locks, discarded } = reservations({ make: 'c', discard: 'a' });
  await assert.rejects(of.take([wish('a'), wish('b'), wish('c')], 'holder', []), /no room/);
  assert.deepEqual(discarded.sort(), ['a', 'b', 'c']);
  using _ = await locks.take('a', 'b', 'c');
});

test('a container that comes to nothing gives its volumes back, also where they cannot be cleared away', async () => {
  const { of, locks } = reservations({ discard: 'a' });
  const reservation = await of.take([wish('a')], 'holder', []);
  await assert.rejects(async () => reservation[Symbol.asyncDispose](), /no helper/);
  using _ = await locks.take('a');
});
