import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VolumeOverview, VolumeUser } from '../../../main/contract/volume-data.js';
import {
  deviceOfVolume,
  freeVolumeName,
  holdersOf,
  isVolumeName,
  nameOfVolume,
  usageOf,
  volumeNameOfFile,
} from '../../parts/volumes/names.js';
import { blankVolume, volumeLine, volumeWish } from '../../parts/volumes/wish.js';
import { backupFileName, volumeFileName } from '../../parts/volumes/words.js';
import { volumeFilterOf, type VolumeFilter } from './filter.js';
import { groupsOf } from './grouping.js';

const user = (Name: string, change: Partial<VolumeUser> = {}): VolumeUser => ({
  ...{ Id: Name, Name, Running: false, Binned: false, Destination: '/data', ReadOnly: false, From: null },
  ...change,
});
const volume = (Name: string, change: Partial<VolumeOverview> = {}): VolumeOverview => ({
  ...{ Name, Kind: 'local', Created: '2026-01-01T00:00:00Z', CreatedBy: null, Anonymous: false, Labels: null },
  ...{ Options: null, Mountpoint: `/v/${Name}`, Size: 100, At: null, LastWrite: null, Owner: null, Users: [] },
  ...{ Backups: 0, Schedule: null },
  ...change,
});
const project = (name: string) => ({ Labels: { 'com.docker.compose.project': name } });
const nameless = 'f'.repeat(64);

const rows = [
  volume('db', { ...project('shop'), Users: [user('pg', { Running: true }), user('dump')], Backups: 2 }),
  volume('uploads', { ...project('shop'), Users: [user('web')], CreatedBy: { Id: 'web', Name: 'web' } }),
  volume('old', { Users: [user('gone', { Binned: true })], Size: null }),
  volume('site', { Kind: 'folder', Options: { type: 'none', o: 'rbind', device: '/srv/site' } }),
  volume(nameless, { Anonymous: true, Labels: { tier: 'back' } }),
];
const filtered = (text: string, ...chips: VolumeFilter[]) =>
  rows
    .filter(volumeFilterOf(text, new Set(chips)))
    .map(nameOfVolume)
    .join(' ');

test('words are found in names and in the folder that a volume stands for', () => {
  assert.equal(filtered('upl'), 'uploads');
  assert.equal(filtered('/srv'), 'site');
  assert.equal(filtered('fff'), 'f'.repeat(12));
  assert.equal(filtered('nothing'), '');
});

test('a word with a name and a colon is looked for there alone', () => {
  assert.equal(filtered('project:shop'), 'db uploads');
  assert.equal(filtered('used:dump'), 'db');
  assert.equal(filtered('by:web'), 'uploads');
  assert.equal(filtered('kind:fol'), 'site');
  assert.equal(filtered('label:tier=back'), 'f'.repeat(12));
  assert.equal(filtered('is:shared'), 'db');
});

test('of several chips one has to be right; what a removed container holds is in use', () => {
  assert.equal(filtered('', 'unused'), `site ${'f'.repeat(12)}`);
  assert.equal(filtered('', 'used'), 'db uploads old');
  assert.equal(filtered('', 'backed', 'anonymous'), `db ${'f'.repeat(12)}`);
});

test('groups are of projects, those of none last, or of how volumes are used; where no volume is of a project there are none', () => {
  const grouped = (some: VolumeOverview[], by: 'project' | 'use' | 'none') =>
    groupsOf(
      some,
      by,
      (a, b) => a.localeCompare(b),
      (name) => name ?? '',
    )?.map(({ name, size, use, rows: members }) => [name, members.length, size, use]);
  assert.deepEqual(grouped(rows, 'project'), [
    ['shop', 2, 200, 'running'],
    [undefined, 3, 200, 'binned'],
  ]);
  assert.deepEqual(
    grouped(rows, 'use')?.map(([name]) => name),
    ['running', 'stopped', 'binned', 'unused'],
  );
  assert.equal(grouped(rows.slice(2), 'project'), undefined);
  assert.equal(grouped(rows, 'none'), undefined);
});

test('a container that has a volume twice holds it once, and those that run come first', () => {
  const held = volume('a', {
    Users: [user('one'), user('two', { Running: true }), user('one', { Destination: '/again' })],
  });
  assert.deepEqual(
    holdersOf(held).map(({ Name }) => Name),
    ['two', 'one'],
  );
  assert.equal(usageOf(held), 'running');
});

test('names: what may be one, one that is free, and one for an archive', () => {
  assert.ok(isVolumeName('shop_db.1'));
  for (const wrong of ['a', '-a', 'a/b', 'a b', '']) assert.ok(!isVolumeName(wrong), wrong);
  assert.equal(freeVolumeName('db', [{ Name: 'db-2' }]), 'db-3');
  assert.equal(volumeNameOfFile('shop data.tar.gz'), 'shop-data');
  assert.equal(volumeNameOfFile('_.tgz'), '');
  const long = 'v'.repeat(255);
  assert.equal(volumeFileName(volume('db'), '.zst'), 'db.tar.zst');
  // So much is taken by what saves it.
  for (const file of [
    volumeFileName(volume(long), '.zst'),
    backupFileName({ Volume: long, Created: '2026-01-01T00:00:00Z' }),
  ])
    assert.ok(file.length <= 200 && file.endsWith('.tar.zst'), file);
});

test('what stands for a volume that is no directory of the engine’s own', () => {
  const of = (Kind: VolumeOverview['Kind'], Options: Record<string, string>) => deviceOfVolume({ Kind, Options });
  assert.equal(of('folder', { device: '/srv' }), '/srv');
  assert.equal(of('tmpfs', { o: 'uid=1,size=64m' }), '64m');
  assert.equal(of('tmpfs', { o: '' }), undefined);
  assert.equal(of('local', { device: '/x' }), undefined);
});

test('a new volume is asked for as docker does it', () => {
  const draft = {
    ...blankVolume,
    name: 'cache',
    labels: [
      { key: 'tier', value: 'back end' },
      { key: '', value: 'x' },
    ],
  };
  assert.equal(volumeLine(volumeWish(draft)), "docker volume create --label 'tier=back end' cache");
  assert.deepEqual(volumeWish({ ...draft, kind: 'tmpfs', size: '64m', labels: [] }), {
    Driver: 'local',
    Name: 'cache',
    DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=67108864' },
  });
  assert.deepEqual(volumeWish({ ...blankVolume, kind: 'folder', folder: '/srv/a b' }), {
    Driver: 'local',
    DriverOpts: { type: 'none', o: 'bind', device: '/srv/a b' },
  });
});
