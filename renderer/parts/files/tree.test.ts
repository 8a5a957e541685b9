import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileEntry } from '../../../main/contract/files.js';
import { liesIn, modeText, rowsOf, typeAhead, type Folder } from './tree.js';

const entry = (Name: string, more: Partial<FileEntry> = {}): FileEntry => ({
  ...{ Name, Kind: 'file', Size: 1, Mode: 0o644, Uid: 0, Gid: 0, Mtime: '2026-01-01T00:00:00Z' },
  ...more,
});
const folders = new Map<string, Folder>([
  ['/', { entries: [entry('etc', { Kind: 'directory' }), entry('gone', { Kind: 'directory', Change: 'deleted' })] }],
  ['/etc', { entries: [entry('hosts'), entry('passwd')], more: 'next' }],
]);

test('an open directory shows what is in it, a level deeper, and that there is more', () => {
  const rows = rowsOf(folders, new Set(['/etc']));
  assert.deepEqual(
    rows.map(({ path, depth, kind, expanded }) => [path, depth, kind, expanded]),
    [
      ['/etc', 1, 'entry', true],
      ['/etc/hosts', 2, 'entry', undefined],
      ['/etc/passwd', 2, 'entry', undefined],
      ['/etc\0more', 2, 'more', undefined],
      ['/gone', 1, 'entry', undefined],
    ],
  );
  assert.equal(rowsOf(folders, new Set()).length, 2);
});

test('a directory that is being read, is empty or cannot be read says so', () => {
  const kinds = (folder: Folder | undefined) =>
    rowsOf(new Map(folder ? [['/', folder]] : []), new Set()).map(({ kind }) => kind);
  assert.deepEqual(kinds(undefined), ['waiting']);
  assert.deepEqual(kinds({ entries: [] }), ['empty']);
  assert.deepEqual(kinds({ problem: 'no' }), ['problem']);
});

test('typing goes to the next name that begins so, and goes round', () => {
  const rows = rowsOf(folders, new Set(['/etc']));
  assert.equal(typeAhead(rows, 0, 'h'), 1);
  assert.equal(typeAhead(rows, 1, 'pa'), 2);
  assert.equal(typeAhead(rows, 4, 'e'), 0);
  assert.equal(typeAhead(rows, 0, 'et'), 0);
  assert.equal(typeAhead(rows, 0, 'z'), -1);
});

test('a mode reads as ls writes it', () => {
  assert.equal(modeText(0o644), 'rw-r--r--');
  assert.equal(modeText(0o4755), 'rwsr-xr-x');
  assert.equal(modeText(0o1777), 'rwxrwxrwt');
  assert.equal(modeText(0o2640), 'rw-r-S---');
});

test('what lies in a folder is not what only begins like it', () => {
  assert.deepEqual(
    ['/srv/site', '/srv/site/index.html', '/srv/site2', '/srv'].map((path) => liesIn(path, '/srv/site')),
    [true, true, false, false],
  );
  assert.ok(liesIn('/etc', '/'));
});
