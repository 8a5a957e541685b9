import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type Client } from '../../main/client/index.js';
import { createEngineStore } from './index.js';

function open(can: string[] | undefined) {
  const asked: string[] = [];
  const users = new Map<string, string>();
  const registries = {
    list: async () => (
      asked.push('list'),
      [...users].map(([host, user]) => ({ host, user, credentials: 'slipway', mirrors: [], insecure: false }))
    ),
    login: async (host: string, { username, password }: { username: string; password: string }) => {
      if (password !== 'right') throw new ApiError('unauthorized', 'incorrect username or password');
      users.set(host, username);
    },
    logout: async (host: string) => void users.delete(host),
  };
  const answers: Record<string, boolean | Error> = {
    'a:1': true,
    'b:1': false,
    'c:1': new ApiError('unavailable', 'the registry c does not answer'),
  };
  const client = {
    system: { version: async () => ({}), info: async () => ({}) },
    slipway: {
      features: async () => can && { can },
      registries,
      newer: async (name: string) => {
        asked.push(name);
        const answer = answers[name];
        if (answer instanceof Error) throw answer;
        return { newer: answer, digest: '', current: null };
      },
      serve: {
        state: async () => ({ serving: null, problem: { address: '127.0.0.1:5000', message: 'it is taken' } }),
        start: async ({ address = '', writable = false }) => ({
          serving: { address, writable, token: true, url: `http://${address}`, urls: [`http://${address}`] },
          token: 'once',
        }),
        stop: async () => undefined,
      },
    },
  } as unknown as Client;
  return { asked, store: createEngineStore(client) };
}

test('a log-in that is refused is said and changes nothing; one that is not is in the list', async () => {
  const { store } = open(['registries']);
  await store.getState().loadSystem();
  await assert.rejects(store.getState().login('hub:5000', { username: 'ada', password: 'wrong' }), {
    kind: 'unauthorized',
  });
  assert.deepEqual(store.getState().registries, []);
  await store.getState().login('hub:5000', { username: 'ada', password: 'right' });
  assert.equal(store.getState().registries?.[0]?.user, 'ada');
  await store.getState().logout('hub:5000');
  assert.deepEqual(store.getState().registries, []);
});

test('an engine that knows nothing of registries is not asked', async () => {
  const { store, asked } = open(undefined);
  await store.getState().loadSystem();
  await store.getState().loadRegistries();
  await store.getState().loadServing();
  assert.deepEqual([store.getState().registries, store.getState().serving, asked], [undefined, undefined, []]);
});

test('the token of serving is handed over once and not kept', async () => {
  const { store } = open(['serve']);
  await store.getState().loadSystem();
  await store.getState().loadServing();
  assert.equal(store.getState().serving, null);
  assert.equal(store.getState().servingProblem?.message, 'it is taken');
  assert.equal(await store.getState().serve({ address: '0.0.0.0:5000' }), 'once');
  assert.ok(!JSON.stringify(store.getState()).includes('once'));
  await store.getState().stopServing();
  assert.equal(store.getState().serving, null);
});

test('registries are asked about newer images once, and again when somebody insists', async () => {
  const { store, asked } = open(['registries']);
  await store.getState().checkNewer(['a:1', 'b:1', 'c:1']);
  const { newer } = store.getState();
  assert.deepEqual(
    ['a:1', 'b:1', 'c:1'].map((name) => {
      const said = newer[name];
      return said?.state === 'known' ? said.newer : said?.state === 'failed' ? said.problem : said;
    }),
    [true, false, 'the registry c does not answer'],
  );
  await store.getState().checkNewer(['a:1', 'b:1']);
  assert.equal(asked.length, 3);
  await store.getState().checkNewer(['a:1'], true);
  assert.equal(asked.length, 4);
  store.getState().forgetNewer('a:1');
  assert.equal(store.getState().newer['a:1'], undefined);
});
