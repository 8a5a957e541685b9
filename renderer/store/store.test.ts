import { test } from 'node:test';
import assert from 'node:assert/strict';
import { ApiError, type Client } from '../../main/client/index.js';
import type { EngineEvent } from '../../main/contract/events.js';
import type { Progress } from '../../main/contract/images.js';
import { coalesced } from './coalesce.js';
import { createEngineStore } from './index.js';
import { live, refreshesFor } from './live.js';

const event = (Type: EngineEvent['Type'], Action: string, ID = 'x'): EngineEvent => ({
  Type,
  Action,
  Actor: { ID, Attributes: {} },
  scope: 'local',
  time: 0,
  timeNano: 0,
});

/** Stands in for the engine: counts what is asked, and lets the test speak as the event stream. */
class FakeClient {
  readonly asked: string[] = [];
  stop: () => Promise<void> = async () => undefined;
  /** What the engine can beyond Docker's API; a foreign engine: undefined. */
  can: string[] | undefined;
  binned: string[] = [];
  lines: Progress[] = [];
  pullFails: Error | undefined;
  #say: ((event: EngineEvent | undefined) => void) | undefined;
  readonly #said: (EngineEvent | undefined)[] = [];

  readonly client = {
    containers: {
      list: async () => (
        this.asked.push('containers'),
        [{ Id: 'x', Names: ['/web'], State: 'running', Status: 'Up 1 second' }]
      ),
      inspect: async () => ({ Config: { StopTimeout: 3 } }),
      stop: () => this.stop(),
      start: async () => undefined,
      remove: async (id: string, options: object) => void this.asked.push(`remove ${id} ${JSON.stringify(options)}`),
    },
    images: {
      list: async () => (this.asked.push('images'), []),
      pull: (_: string, options: { signal?: AbortSignal }) => this.#pull(options),
    },
    volumes: { list: async () => (this.asked.push('volumes'), { Volumes: [], Warnings: [] }) },
    system: {
      version: async () => (this.asked.push('version'), {}),
      info: async () => ({}),
    },
    slipway: {
      features: async () => this.can && { can: this.can },
      bin: async () => (
        this.asked.push('bin'),
        { Containers: this.binned.map((Id) => ({ Id, Name: 'web' })), Size: 0, Limit: 1 }
      ),
      discard: async (id: string, options: object) => {
        this.asked.push(`discard ${id} ${JSON.stringify(options)}`);
        this.binned.push(id);
      },
      restore: async (id: string, { name }: { name?: string }) => {
        if (!name) throw new ApiError('conflict', 'the name "web" is taken', 409);
        this.binned = this.binned.filter((each) => each !== id);
        return { Id: id, Name: name, Warnings: [] };
      },
      removeFromBin: async (id: string) => void (this.binned = this.binned.filter((each) => each !== id)),
      emptyBin: async () => ((this.binned = []), { Deleted: [], SpaceReclaimed: 0 }),
    },
    events: { subscribe: async (_: object, { signal }: { signal?: AbortSignal }) => this.#events(signal) },
  } as unknown as Client;

  say(said: EngineEvent | undefined): void {
    if (this.#say) this.#say(said);
    else this.#said.push(said);
  }

  async *#events(signal?: AbortSignal): AsyncGenerator<EngineEvent> {
    this.asked.push('subscribe');
    for (;;) {
      const next =
        this.#said.shift() ??
        (await new Promise<EngineEvent | undefined>((resolve) => {
          this.#say = resolve;
          signal?.addEventListener('abort', () => resolve(undefined), { once: true });
        }));
      this.#say = undefined;
      if (!next) return;
      yield next;
    }
  }

  async *#pull({ signal }: { signal?: AbortSignal }): AsyncGenerator<Progress> {
    for (const line of this.lines) yield line;
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (this.pullFails) throw this.pullFails;
    signal?.throwIfAborted();
  }
}

const until = async (truth: () => boolean) => {
  for (let round = 0; round < 200 && !truth(); round += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(truth(), 'it never came about');
};
const ready = { name: 'local', state: 'ready', host: 'unix:///x' } as const;

test('an event names what is read again, and passing events nothing', () => {
  assert.deepEqual(refreshesFor(event('container', 'die')), ['loadContainers', 'loadDisk', 'loadVolumeUsers']);
  assert.deepEqual(refreshesFor(event('volume', 'create')), ['loadVolumes', 'loadDisk']);
  assert.deepEqual(refreshesFor(event('volume', 'mount')), []);
  assert.deepEqual(refreshesFor(event('image', 'pull')), ['loadImages', 'loadDisk']);
  assert.deepEqual(refreshesFor(event('container', 'exec_create: sh')), []);
  assert.deepEqual(refreshesFor(event('container', 'resize')), []);
});

test('nothing is asked before the engine is ready, everything once when it is, and then what events name', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  const stop = live(store);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(fake.asked, []);
  store.getState().setConnection(ready);
  await until(() => store.getState().containers !== undefined && store.getState().volumes !== undefined);
  assert.deepEqual([...fake.asked].sort(), ['containers', 'images', 'subscribe', 'version', 'volumes']);
  fake.say(event('container', 'die'));
  await until(() => fake.asked.filter((what) => what === 'containers').length === 2);
  assert.equal(fake.asked.filter((what) => what === 'images').length, 1);
  stop();
});

test('a stream that ends is opened again and the lists stay meanwhile', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  store.getState().setConnection(ready);
  const stop = live(store);
  await until(() => store.getState().containers !== undefined);
  fake.say(undefined);
  assert.equal(store.getState().containers?.length, 1);
  await until(() => fake.asked.filter((what) => what === 'subscribe').length === 2);
  stop();
});

test('a stop is pending with its grace until the engine has answered', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  let answer: () => void = () => undefined;
  fake.stop = () => new Promise((resolve) => (answer = resolve));
  const acted = store.getState().actOn('x', 'stop');
  await until(() => store.getState().pending['x']?.grace === 3);
  answer();
  await acted;
  assert.deepEqual(store.getState().pending, {});
});

test('stopping what is stopped is no failure, another refusal is', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  fake.stop = () => Promise.reject(new ApiError('not-modified', 'container already stopped', 304));
  await store.getState().actOn('x', 'stop');
  fake.stop = () => Promise.reject(new ApiError('conflict', 'no', 409));
  await assert.rejects(store.getState().actOn('x', 'stop'), { kind: 'conflict' });
  assert.deepEqual(store.getState().pending, {});
});

test('where there is a bin it is read with everything else, and again when an event says that it changed', async () => {
  const fake = new FakeClient();
  fake.can = ['bin'];
  const store = createEngineStore(fake.client);
  const stop = live(store);
  store.getState().setConnection(ready);
  await until(() => store.getState().bin !== undefined);
  fake.binned = ['y'];
  fake.say(event('daemon', 'bin', 'y'));
  await until(() => store.getState().bin?.Containers[0]?.Id === 'y');
  assert.equal(fake.asked.filter((what) => what === 'version').length, 1);
  stop();
});

test('a removal goes to the bin where there is one, and is Docker’s own elsewhere', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  await store.getState().loadSystem();
  await store.getState().loadBin();
  await store.getState().actOn('x', 'remove');
  assert.equal(store.getState().bin, undefined);
  assert.ok(!fake.asked.includes('bin'));
  fake.can = ['bin'];
  await store.getState().loadSystem();
  await store.getState().actOn('x', 'remove');
  assert.deepEqual(
    fake.asked.filter((what) => /^(?:remove|discard)/.test(what)),
    ['remove x {"force":true,"v":true}', 'discard x {"force":true,"v":true}'],
  );
});

test('what is brought back or deleted for good leaves the bin, and what is refused stays with its reason', async () => {
  const fake = new FakeClient();
  fake.can = ['bin'];
  fake.binned = ['a', 'b', 'c', 'd'];
  const store = createEngineStore(fake.client);
  const ids = () => store.getState().bin?.Containers.map(({ Id }) => Id);
  await store.getState().loadSystem();
  await assert.rejects(store.getState().restoreFromBin('a'), { kind: 'conflict' });
  assert.deepEqual(ids(), ['a', 'b', 'c', 'd']);
  assert.equal((await store.getState().restoreFromBin('a', 'web-2')).Name, 'web-2');
  assert.deepEqual(ids(), ['b', 'c', 'd']);
  await store.getState().removeFromBin('b');
  assert.deepEqual(ids(), ['c', 'd']);
  await store.getState().emptyBin();
  assert.deepEqual(ids(), []);
});

test('a pull is a task that ends done, and the same reference is not pulled twice at once', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  fake.lines = [
    { status: 'Pulling fs layer', id: 'a3ed95caeb02' },
    { status: 'Pull complete', id: 'a3ed95caeb02' },
  ];
  const id = store.getState().pull('debian:12');
  assert.equal(store.getState().pull('debian:12'), id);
  await until(() => store.getState().tasks[0]?.state === 'done');
  assert.equal(store.getState().tasks[0]?.progress.layers[0]?.phase, 'done');
});

test('a failed pull keeps its reason and its place, and a retry takes that place', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  fake.pullFails = new ApiError('system', 'manifest unknown');
  store.getState().pull('debian:99');
  await until(() => store.getState().tasks[0]?.state === 'failed');
  assert.equal(store.getState().tasks[0]?.problem, 'manifest unknown');
  fake.pullFails = undefined;
  store.getState().pull('debian:99');
  assert.equal(store.getState().tasks.length, 1);
  await until(() => store.getState().tasks[0]?.state === 'done');
});

test('a cancelled pull is cancelled, not failed', async () => {
  const fake = new FakeClient();
  const store = createEngineStore(fake.client);
  const id = store.getState().pull('debian:12');
  store.getState().cancelTask(id);
  await until(() => store.getState().tasks[0]?.state === 'cancelled');
});

test('calls while a load runs become one more load', async () => {
  let loads = 0;
  const finish: (() => void)[] = [];
  const load = coalesced(
    () =>
      new Promise<void>((resolve) => {
        loads += 1;
        finish.push(resolve);
      }),
  );
  const calls = [load(), load(), load()];
  finish[0]?.();
  await calls[0];
  await until(() => loads === 2);
  finish[1]?.();
  await Promise.all(calls);
  assert.equal(loads, 2);
});

test('where calls come all the time there is as much rest as work', async () => {
  let loads = 0;
  const load = coalesced(async () => {
    loads += 1;
    await new Promise((resolve) => setTimeout(resolve, 40));
  });
  const began = performance.now();
  while (performance.now() - began < 400) {
    void load();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.ok(loads <= 6, `${loads} loads of 40 ms in 400 ms`);
  const before = loads;
  await load();
  assert.equal(loads, before + 1);
});
