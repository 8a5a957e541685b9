import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Client } from '../../main/client/index.js';
import type { TransferMessage } from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import { provideDesktop, type Desktop } from '../ui/desktop.js';
import { createEngineStore } from './index.js';
import { shareOfTask } from './tasks-slice.js';

/** The desktop's side of transfers: says what the test wants it to. */
class FakeDesk {
  readonly asked: { id: number; what: unknown }[] = [];
  readonly cancelled: number[] = [];
  onDisk = true;
  #listeners: ((message: TransferMessage) => void)[] = [];

  readonly files = {
    saveImages: (id: number, what: unknown) => void this.asked.push({ id, what }),
    loadImages: (id: number, archive: File, as?: unknown) => {
      if (this.onDisk) this.asked.push({ id, what: { name: archive.name, as } });
      return this.onDisk;
    },
    buildImage: (id: number, folder: unknown, how: object) => {
      if (this.onDisk) this.asked.push({ id, what: { folder, ...how } });
      return this.onDisk;
    },
    cancel: (id: number) => void this.cancelled.push(id),
    on: (listener: (message: TransferMessage) => void) => void this.#listeners.push(listener),
  } as unknown as Desktop['files'];

  get last(): number {
    return this.asked.at(-1)?.id ?? 0;
  }

  say(message: TransferMessage): void {
    for (const listener of this.#listeners) listener(message);
  }
}

const desk = new FakeDesk();
provideDesktop({ files: desk.files } as Desktop);

function open(push: () => AsyncGenerator<Progress> = async function* () {}) {
  const asked: string[] = [];
  const client = {
    images: {
      list: async () => (asked.push('list'), []),
      push: (name: string) => (asked.push(`push ${name}`), push()),
      pull: (name: string, { platform = '' }) => (asked.push(`pull ${name} ${platform}`), push()),
    },
  } as unknown as Client;
  return { asked, store: createEngineStore(client) };
}
const archive = (name: string): File => ({ name, size: 1000 }) as File;
const until = async (truth: () => boolean) => {
  for (let round = 0; round < 4000 && !truth(); round += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(truth(), 'it never came about');
};

test('a pull that is under way is found again; one for another platform is another', () => {
  const { asked, store } = open(async function* () {
    await new Promise(() => undefined);
    yield {};
  });
  const { pull } = store.getState();
  const first = pull('debian:12');
  assert.equal(pull('debian:12'), first);
  assert.notEqual(pull('debian:12', 'linux/arm64'), first);
  assert.deepEqual(asked, ['pull debian:12 ', 'pull debian:12 linux/arm64']);
});

test('a push tells of its layers and ends with the digest', async () => {
  const { store } = open(async function* () {
    yield { status: 'Preparing', id: 'aaaaaaaaaaaa' };
    yield { status: 'Layer already exists', id: 'bbbbbbbbbbbb' };
    yield { status: 'Pushing', id: 'aaaaaaaaaaaa', progressDetail: { current: 5, total: 10 } };
    yield { status: 'Pushed', id: 'aaaaaaaaaaaa' };
    yield { status: `2.4: digest: sha256:${'c'.repeat(64)} size: 500` };
  });
  store.getState().push('shop/api:2.4');
  await until(() => store.getState().tasks[0]?.state === 'done');
  const task = store.getState().tasks[0];
  assert.deepEqual(
    task?.progress.layers.map(({ phase, total }) => [phase, total]),
    [
      ['done', 10],
      ['had', 0],
    ],
  );
  assert.equal(task?.progress.digest, `sha256:${'c'.repeat(64)}`);
});

test('a push that is refused keeps its reason, and a retry takes its place', async () => {
  let fails = true;
  const { store, asked } = open(async function* () {
    if (fails) throw new ApiError('system', 'unauthorized: authentication required');
    yield { status: 'Pushed', id: 'aaaaaaaaaaaa' };
  });
  store.getState().push('shop/api:2.4');
  await until(() => store.getState().tasks[0]?.state === 'failed');
  fails = false;
  store.getState().retryTask(store.getState().tasks[0]?.id ?? 0);
  await until(() => store.getState().tasks[0]?.state === 'done');
  assert.equal(store.getState().tasks.length, 1);
  assert.deepEqual(asked, ['push shop/api:2.4', 'push shop/api:2.4']);
});

test('an archive is a task as long as it is on its way, and says what it brought', async () => {
  const { store, asked } = open();
  const id = store.getState().loadArchive(archive('shop.tar'));
  desk.say({ id: desk.last, type: 'progress', bytes: 250, total: 1000 });
  await until(() => store.getState().tasks[0]?.moved?.bytes === 250);
  assert.equal(shareOfTask(store.getState().tasks[0]!), 0.25);
  desk.say({ id: desk.last, type: 'line', line: { stream: 'Loaded image: shop/api:2.4\n' } });
  desk.say({ id: desk.last, type: 'line', line: { stream: `Loaded image ID: sha256:${'d'.repeat(64)}\n` } });
  desk.say({ id: desk.last, type: 'done', leftOut: 0 });
  await until(() => store.getState().tasks[0]?.state === 'done');
  assert.equal(store.getState().tasks[0]?.id, id);
  assert.deepEqual(store.getState().tasks[0]?.progress.brought, ['shop/api:2.4', `sha256:${'d'.repeat(64)}`]);
  assert.deepEqual(asked, ['list']);
});

test('what is on no disk is no task, and a load that fails can be tried again or made an image of', async () => {
  const { store } = open();
  desk.onDisk = false;
  assert.equal(store.getState().loadArchive(archive('a.tar')), undefined);
  assert.deepEqual(store.getState().tasks, []);
  desk.onDisk = true;
  const id = store.getState().loadArchive(archive('a.tar')) ?? 0;
  desk.say({ id: desk.last, type: 'error', kind: 'invalid', message: 'the archive holds no image' });
  await until(() => store.getState().tasks[0]?.state === 'failed');
  const kept = store.getState().archiveOf(id);
  assert.equal(kept?.name, 'a.tar');
  store.getState().importArchive(kept!, 'a:1');
  assert.deepEqual(desk.asked.at(-1)?.what, { name: 'a.tar', as: { reference: 'a:1' } });
  desk.say({ id: desk.last, type: 'line', line: { status: `sha256:${'e'.repeat(64)}` } });
  desk.say({ id: desk.last, type: 'done', leftOut: 0 });
  await until(() => store.getState().tasks[0]?.state === 'done');
  assert.deepEqual(store.getState().tasks[0]?.progress.brought, [`sha256:${'e'.repeat(64)}`]);
});

test('saving is no task before a byte has come, and none at all where the person changes their mind', async () => {
  const { store } = open();
  const given = store.getState().saveImages(['a:1'], 'a.tar');
  assert.deepEqual(store.getState().tasks, []);
  desk.say({ id: desk.last, type: 'cancelled' });
  await given;
  assert.deepEqual(store.getState().tasks, []);

  void store.getState().saveImages(['a:1', 'b:1'], 'images.tar');
  desk.say({ id: desk.last, type: 'progress', bytes: 0 });
  await until(() => store.getState().tasks[0]?.moved !== undefined); // what is told is gathered for a moment
  assert.equal(store.getState().tasks[0]?.state, 'running');
  assert.equal(shareOfTask(store.getState().tasks[0]!), undefined);
  desk.say({ id: desk.last, type: 'progress', bytes: 300, total: 1000 });
  await until(() => shareOfTask(store.getState().tasks[0]!) === 0.3);
  store.getState().cancelTask(store.getState().tasks[0]?.id ?? 0);
  assert.deepEqual(desk.cancelled, [desk.last]);
  desk.say({ id: desk.last, type: 'cancelled' });
  await until(() => store.getState().tasks[0]?.state === 'cancelled');

  void store.getState().saveImages(['gone:1'], 'gone.tar');
  desk.say({ id: desk.last, type: 'error', kind: 'not-found', message: 'No such image: gone:1' });
  await until(() => store.getState().tasks.length === 2);
  assert.equal(store.getState().tasks[0]?.problem, 'No such image: gone:1');
});

test('a build says its step and what was said; tried once more, it takes the place of the one that failed', async () => {
  const { asked, store } = open();
  const folder = { at: '/home/ann/shop', name: 'shop', size: 1000 };
  const how = { reference: 'shop:dev', dockerfile: 'Dockerfile' };
  store.getState().buildImage(folder, how);
  desk.say({ id: desk.last, type: 'progress', bytes: 500, total: 2000 });
  desk.say({
    id: desk.last,
    type: 'line',
    line: { stream: 'Step 1/4 : FROM scratch\n ---> \nStep 2/4 : RUN false\n' },
  });
  await until(() => store.getState().tasks[0]?.output?.step?.at === 2);
  const [running] = store.getState().tasks;
  assert.equal(running && shareOfTask(running), 0.25);
  desk.say({ id: desk.last, type: 'error', kind: 'system', message: 'it returned a non-zero code: 1' });
  await until(() => store.getState().tasks[0]?.state === 'failed');
  assert.match(store.getState().tasks[0]?.output?.text ?? '', /RUN false/);

  store.getState().retryTask(store.getState().tasks[0]?.id ?? 0);
  assert.deepEqual(desk.asked.at(-1)?.what, { folder: '/home/ann/shop', ...how });
  assert.equal(store.getState().tasks[0]?.output, undefined);
  desk.say({ id: desk.last, type: 'done', leftOut: 0 });
  await until(() => store.getState().tasks[0]?.state === 'done');
  assert.equal(store.getState().tasks.length, 1);
  assert.deepEqual(asked, ['list']);
});
