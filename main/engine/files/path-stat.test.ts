import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerPath, encodeStat, goMode } from './path-stat.js';

test('a path is taken as Docker takes it: by its text, with the end that asks for a directory', () => {
  const same = {
    '/etc': '/etc',
    etc: '/etc',
    '/etc/': '/etc/',
    '/etc/.': '/etc/.',
    '/': '/',
    '//': '/',
    '.': '/.',
    '/.': '/.',
  };
  const clean = {
    '/a/../b': '/b',
    '/../../a': '/a',
    '/a/./b//c': '/a/b/c',
    '/a/..': '/',
    'a/../..': '/',
    '/a/b/../': '/a/',
    '/a.': '/a.',
  };
  for (const [given, wanted] of Object.entries({ ...same, ...clean }))
    assert.equal(containerPath(given), wanted, given);
});

test("modes are Go's", () => {
  const kinds: [number, number][] = [
    [0o100644, 420],
    [0o040755, 2147484141],
    [0o120777, 134218239],
    [0o020666, 69206454],
    [0o060660, 67109296],
    [0o010600, 33554816],
    [0o140755, 16777709],
    [0o104755, 8389101],
    [0o041777, 2148532735],
  ];
  for (const [mode, wanted] of kinds) assert.equal(goMode(mode), wanted, mode.toString(8));
});

test('a moment has as many digits as it needs', () => {
  const at = (mtime: [number, number]) => {
    const stat = { name: 'caf\u00e9', size: 3, mode: 0o100644, mtime, linkTarget: '' };
    return JSON.parse(Buffer.from(encodeStat(stat), 'base64').toString()) as object;
  };
  const rest = { name: 'caf\u00e9', size: 3, mode: 420, linkTarget: '' };
  assert.deepEqual(at([0, 0]), { ...rest, mtime: '1970-01-01T00:00:00Z' });
  assert.deepEqual(at([1795489807, 120_000_000]), { ...rest, mtime: '2026-11-24T03:10:07.12Z' });
  assert.deepEqual(at([1795489807, 7]), { ...rest, mtime: '2026-11-24T03:10:07.000000007Z' });
});
