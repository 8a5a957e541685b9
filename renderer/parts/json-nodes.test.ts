import { test } from 'node:test';
import assert from 'node:assert/strict';
import { jsonNodes } from './json-nodes.js';
import { cover, covered, isSecretVariable, withCover } from './secrets.js';

const document = {
  Id: 'abc',
  Config: { Env: ['PATH=/bin', 'API_KEY=12'], Labels: { 'com.example/a': 'b' } },
  State: { Health: { Log: [{ Output: 'deep' }] } },
};

test('the first level is open, what is deeper opens when it is asked for', () => {
  const paths = (toggled: string[]) => jsonNodes(document, new Set(toggled)).map(({ path }) => path);
  assert.deepEqual(paths([]), ['.Id', '.Config', '.Config.Env', '.Config.Labels', '.State', '.State.Health']);
  assert.deepEqual(paths(['.Config', '.State']), ['.Id', '.Config', '.State']);
  assert.ok(paths(['.Config.Labels']).includes('.Config.Labels["com.example/a"]'));
  assert.ok(paths(['.Config.Env']).includes('.Config.Env[1]'));
});

test('a search leaves what it finds and the way there', () => {
  const nodes = jsonNodes(document, new Set(), (text) => text.includes('deep'));
  assert.deepEqual(
    nodes.map(({ path }) => path),
    ['.State', '.State.Health', '.State.Health.Log', '.State.Health.Log[0]', '.State.Health.Log[0].Output'],
  );
  assert.equal(jsonNodes(document, new Set(), (text) => text === 'Labels').length, 3);
});

test('what sounds like a secret is covered, in variables, labels and addresses, and other names are not', () => {
  assert.equal(isSecretVariable('DB_PASSWORD', 'x'), true);
  assert.equal(isSecretVariable('STRIPE_KEY', 'x'), true);
  assert.equal(isSecretVariable('DATABASE_URL', 'postgres://app:hunter2@db/shop'), true);
  assert.equal(isSecretVariable('PATH', '/bin'), false);
  assert.equal(isSecretVariable('TOKEN', ''), false);
  assert.equal(covered(['Config', 'Env', '1'], 'API_KEY=12'), `API_KEY=${cover}`);
  assert.equal(covered(['Config', 'Labels', 'auth.token'], 'x'), cover);
  assert.equal(covered(['ExecConfig', 'DetachKeys'], 'ctrl-p'), undefined);
  assert.equal(covered(['HostConfig', 'MaskedPaths'], '/proc/keys'), undefined);
  assert.doesNotMatch(JSON.stringify(withCover(document)), /API_KEY=12/);
});
