import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdLeaving, isHeld, leave, navigate, watchAddress, watchHeld } from './route.js';

/** A window's address and the steps it came by: `go` and links tell of their hash in their own time, which `settle` is. */
function fakeWindow(hash: string) {
  const entries: { hash: string; state: unknown }[] = [{ hash, state: null }];
  let at = 0;
  const listeners = new Set<() => void>();
  const later: (() => void)[] = [];
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const move = (to: number) => {
    if (!entries[to]) return;
    at = to;
    tell();
  };
  const here = () => entries[at] as { hash: string; state: unknown };
  const follow = (to: string) => {
    entries.splice(at + 1, entries.length, { hash: to.replace(/^(?!#)/, '#'), state: null });
    at += 1;
    later.push(tell);
  };
  Object.assign(globalThis, {
    location: {
      get hash() {
        return here().hash;
      },
      set hash(to: string) {
        follow(to);
      },
    },
    history: {
      get state() {
        return here().state;
      },
      replaceState: (state: unknown, _: string, to?: string) =>
        Object.assign(here(), { state, ...(to && { hash: to }) }),
      go: (way: number) => later.push(() => move(at + way)),
    },
    HashChangeEvent: class {},
    addEventListener: (_: string, listener: () => void) => listeners.add(listener),
    removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
    dispatchEvent: tell,
  });
  return {
    follow,
    back: () => move(at - 1),
    settle() {
      while (later.length > 0) later.shift()?.();
    },
    get address() {
      return here().hash;
    },
    get steps() {
      return entries.map((entry) => entry.hash);
    },
  };
}

const page = fakeWindow('#/volumes/data/files');
let shown = '/volumes/data/files';
watchAddress((path) => (shown = path));
let asked = 0;
let goOn: () => void = () => undefined;
const hold = () =>
  holdLeaving((agree) => {
    asked += 1;
    goOn = () => agree(() => undefined);
  });
/** What is shown, the address, and how often it was asked since. */
const now = () => {
  page.settle();
  const count = asked;
  asked = 0;
  return [shown, page.address, count];
};

test('what would be lost is asked about before anything else is shown', () => {
  const letGo = hold();
  navigate('/volumes/data/files');
  assert.equal(asked, 0);
  navigate('/volumes/data/backups');
  assert.deepEqual(now(), ['/volumes/data/files', '#/volumes/data/files', 1]);
  goOn();
  assert.deepEqual(now(), ['/volumes/data/backups', '#/volumes/data/backups', 0]);
  letGo();
  navigate('/volumes');
  assert.deepEqual(now(), ['/volumes', '#/volumes', 0]);
  navigate('/volumes/data', { replace: true });
  assert.deepEqual(now(), ['/volumes/data', '#/volumes/data', 0]);
});

test('a step back and a link are asked about as well, and are taken once that is agreed to', () => {
  const letGo = hold();
  page.back();
  assert.deepEqual(now(), ['/volumes/data', '#/volumes/data', 1]);
  page.back();
  assert.deepEqual(now(), ['/volumes/data', '#/volumes/data', 1]);
  goOn();
  assert.deepEqual(now(), ['/volumes/data/backups', '#/volumes/data/backups', 0]);
  page.follow('#/images');
  assert.deepEqual(now(), ['/volumes/data/backups', '#/volumes/data/backups', 1]);
  goOn();
  assert.deepEqual(now(), ['/images', '#/images', 0]);
  page.back();
  assert.deepEqual(now(), ['/images', '#/images', 1], 'a link is a step like any other');
  letGo();
  page.back();
  assert.deepEqual(now(), ['/volumes/data/backups', '#/volumes/data/backups', 0]);
});

test('what was agreed to is not asked about again on the way', () => {
  const letGo = hold();
  leave(() => {
    navigate('/images');
    navigate('/volumes');
  });
  goOn();
  assert.deepEqual(now(), ['/volumes', '#/volumes', 1]);
  letGo();
});

test('what only the window’s end takes away is asked about then, the last that was begun first', () => {
  const told: boolean[] = [];
  watchHeld((held) => told.push(held));
  const letGo = hold();
  const order: string[] = [];
  const letDialogGo = holdLeaving((agree) => {
    order.push('dialog');
    agree(() => order.push('discarded'));
  }, 'window');
  leave(() => order.push('page left'));
  goOn();
  leave(() => order.push('window left'), 'window');
  assert.deepEqual(order, ['page left', 'dialog'], 'nothing is discarded before all have agreed');
  goOn();
  assert.deepEqual(order, ['page left', 'dialog', 'discarded', 'window left']);
  letGo();
  assert.equal(isHeld(), true);
  letDialogGo();
  assert.deepEqual([told.at(0), told.at(-1), isHeld()], [false, false, false]);
});
