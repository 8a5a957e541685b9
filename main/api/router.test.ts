import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noContent } from './replies.js';
import { createRouter, del, get, post } from './router.js';

const handlers = { list: noContent, inspect: noContent, history: noContent, remove: noContent, start: noContent };
const named = Object.fromEntries(Object.keys(handlers).map((name) => [name, () => noContent()]));
const find = createRouter([
  get('/images/json', named['list']!),
  get('/images/:name+/json', named['inspect']!),
  get('/images/:name+/history', named['history']!),
  del('/images/:name+', named['remove']!),
  post('/containers/:id/start', named['start']!),
]);
const found = (method: string, path: string) => {
  const match = find(method, path);
  return match && [Object.keys(named).find((name) => named[name] === match.handler), match.params];
};

test('a fixed word wins over a name', () => {
  assert.deepEqual(found('GET', '/images/json'), ['list', {}]);
});

test('a name may have slashes, a tag and a digest', () => {
  assert.deepEqual(found('GET', '/images/localhost:5000/team/app:1/json'), [
    'inspect',
    { name: 'localhost:5000/team/app:1' },
  ]);
  assert.deepEqual(found('GET', '/images/json/json'), ['inspect', { name: 'json' }]);
  assert.deepEqual(found('GET', '/images/a/b/history'), ['history', { name: 'a/b' }]);
  assert.deepEqual(found('DELETE', '/images/a/b@sha256:0f'), ['remove', { name: 'a/b@sha256:0f' }]);
});

test('an encoded slash is a slash', () => {
  assert.deepEqual(found('GET', '/images/a%2Fb/json'), ['inspect', { name: 'a/b' }]);
});

test('what no route has is not found, nor is a name without an ending', () => {
  assert.equal(found('GET', '/images/a/b'), undefined);
  assert.equal(found('PUT', '/images/json'), undefined);
  assert.equal(found('GET', '/'), undefined);
  assert.deepEqual(found('POST', '/containers/web/start'), ['start', { id: 'web' }]);
  assert.equal(found('POST', '/containers/a/b/start'), undefined);
});

test('a name may be as long as names are', () => {
  const id = 'n'.repeat(255);
  assert.deepEqual(found('POST', `/containers/${id}/start`), ['start', { id }]);
});
