import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanPath, isBadlyEscaped, queryOf } from './paths.js';

test('a path keeps its words and loses empty and dotted segments', () => {
  for (const [path, clean] of [
    ['/v1.41/containers/json', '/v1.41/containers/json'],
    ['//containers//json', '/containers/json'],
    ['/containers/../version', '/version'],
    ['/containers/%2e%2E/json', '/json'],
    ['/../../etc', '/etc'],
    ['/./a/', '/a/'],
    ['/containers/.hidden/json', '/containers/.hidden/json'],
    ['//', '/'],
  ])
    assert.equal(cleanPath(path!), clean);
});

test('what is not an escape is not taken for one', () => {
  assert.equal(isBadlyEscaped('/containers/%zz/json'), true);
  assert.equal(isBadlyEscaped('/containers/%4'), true);
  assert.equal(isBadlyEscaped('/containers/%E4%B8%AD'), false);
  assert.equal(queryOf('a=%20b').get('a'), ' b');
  assert.throws(() => queryOf('%zz=1'), { kind: 'invalid', message: 'invalid URL escape "%zz"' });
  assert.throws(() => queryOf('a;b'), { kind: 'invalid', message: 'invalid semicolon separator in query' });
});
