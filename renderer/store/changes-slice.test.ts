import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ApiError, type Client } from '../../main/client/index.js';
import type { ChangeOptions } from '../../main/client/changes.js';
import type { Changed, ContainerChange, HistoryEntry } from '../../main/contract/changes.js';
import type { EngineEvent } from '../../main/contract/events.js';
import { isUnderWay } from './changes-slice.js';
import { createEngineStore } from './index.js';

const renamed = [{ Field: 'Name', From: 'web', To: 'shop' }];
const web = { id: 'x', name: 'web' };
const updated: EngineEvent = {
  ...{ Type: 'container', Action: 'update', Actor: { ID: 'x', Attributes: {} } },
  ...{ scope: 'local', time: 0, timeNano: 0 },
};

/** An engine that remembers, and makes of a change what the test says. */
class FakeClient {
  history: HistoryEntry[] = [
    { Seq: 7, At: '', Kind: 'started' },
    { Seq: 0, At: '', Kind: 'created' },
  ];
  reverted: number[] = [];
  make: (options: ChangeOptions) => Promise<Changed> = async () => this.done();

  readonly client = {
    containers: { list: async () => [] },
    slipway: {
      history: async () => this.history,
      change: (_: string, __: ContainerChange, options: ChangeOptions) => this.make(options),
      revert: (_: string, seq: number, options: ChangeOptions) => {
        this.reverted.push(seq);
        return this.make(options);
      },
    },
  } as unknown as Client;

  remember(entry: Partial<HistoryEntry> & Pick<HistoryEntry, 'Kind'>): void {
    this.history = [{ Seq: (this.history[0]?.Seq ?? 0) + 1, At: '', ...entry }, ...this.history];
  }

  done(): Changed {
    this.remember({ Kind: 'changed', Changes: renamed });
    return { Id: 'x', Changes: renamed, Restarted: false, Warnings: [] };
  }
}

const until = async (truth: () => boolean) => {
  for (let round = 0; round < 200 && !truth(); round += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(truth(), 'it never came about');
};

async function begin(fake: FakeClient) {
  const store = createEngineStore(fake.client);
  const id = store.getState().change(web, { change: { Name: 'shop' } });
  const task = () => store.getState().changes.find((one) => one.id === id);
  return { store, task, ended: () => until(() => !isUnderWay(task() ?? { state: 'running' })) };
}

test('what was changed is undone by going back to the entry before it', async () => {
  const fake = new FakeClient();
  const { store, task, ended } = await begin(fake);
  await ended();
  assert.deepEqual([task()?.state, task()?.name, task()?.undoTo, task()?.restarted], ['done', 'shop', 7, false]);
  store.getState().change({ id: 'x', name: 'shop' }, { revertTo: 7 });
  await until(() => fake.reverted.length > 0);
  assert.deepEqual(fake.reverted, [7]);
});

test('while it is neither what it was nor what it will be, a container counts as changing; while it is watched it does not', async () => {
  const fake = new FakeClient();
  let go: () => void = () => undefined;
  let report: NonNullable<ChangeOptions['onProgress']> = () => undefined;
  fake.make = async ({ onProgress = () => undefined }) => {
    report = onProgress;
    onProgress({ Stage: 'stopping' });
    await new Promise<void>((resolve) => (go = resolve));
    return { Id: 'x', Changes: [], Restarted: true, Warnings: [], RolledBack: { Reason: 'it ended with exit code 1' } };
  };
  const { store, task, ended } = await begin(fake);
  await until(() => task()?.stage === 'stopping');
  assert.equal(store.getState().pending['x']?.verb, 'change');
  report({ Stage: 'watching' });
  assert.deepEqual(store.getState().pending, {});
  report({ Stage: 'rolling-back' });
  report({ Stage: 'starting' });
  assert.deepEqual([task()?.stage, task()?.back], ['starting', true]);
  go();
  await ended();
  assert.deepEqual([task()?.state, task()?.problem], ['rolled-back', 'it ended with exit code 1']);
  assert.deepEqual(store.getState().pending, {});
});

test('what is called off is being undone until the history says that it is', async () => {
  const fake = new FakeClient();
  fake.make = ({ signal, onProgress }) => {
    onProgress?.({ Stage: 'watching' });
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));
  };
  const { store, task, ended } = await begin(fake);
  await until(() => task()?.stage === 'watching');
  store.getState().cancelChange(task()?.id ?? 0);
  await until(() => task()?.state === 'undoing');
  store.getState().changesHear(updated);
  fake.remember({ Kind: 'rolled-back', Reason: 'called off', Changes: renamed });
  store.getState().changesHear(updated);
  await ended();
  assert.equal(task()?.state, 'cancelled');
});

test('of a change whose engine went, the next one tells how it ended', async () => {
  const fake = new FakeClient();
  fake.make = async ({ onProgress }) => {
    onProgress?.({ Stage: 'starting' });
    throw new ApiError('unavailable', 'gone');
  };
  const { store, task, ended } = await begin(fake);
  await until(() => task()?.state === 'lost');
  fake.done();
  await store.getState().findOutChanges();
  await ended();
  assert.deepEqual([task()?.state, task()?.name], ['done', 'shop']);
});

test('what is refused before anything is done has failed, and a second change finds the first', async () => {
  const fake = new FakeClient();
  let refuse: () => void = () => undefined;
  fake.make = () => new Promise((_, reject) => (refuse = () => reject(new ApiError('conflict', 'taken', 409))));
  const { store, task, ended } = await begin(fake);
  assert.equal(store.getState().change(web, { change: {} }), task()?.id);
  await new Promise((resolve) => setTimeout(resolve, 5));
  refuse();
  await ended();
  assert.deepEqual([task()?.state, task()?.problem], ['failed', 'taken']);
});
