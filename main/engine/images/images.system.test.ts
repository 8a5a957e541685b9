import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inNamespace, makeImage, openRooms, pull, startProxy, startRegistry, temporaryDirectory } from './fixtures.js';

test('a pull unpacks every layer and says so in dockerd’s words', inNamespace, async (t) => {
  const registry = await startRegistry(t);
  const layout = await makeImage(t, [
    { 'etc/a': 'one', 'etc/b': 'two' },
    { 'etc/a': null, 'etc/c': 'three' },
  ]);
  await registry.push(layout, 'app:1');
  const name = `127.0.0.1:${registry.port}/app:1`;
  await using rooms = await openRooms(await temporaryDirectory(t));

  const lines = await pull(rooms, name);

  const image = rooms.images.resolve(name);
  const [top = '', base = ''] = rooms.snapshots.lowers(image.chainId);
  assert.equal(await readFile(join(base, 'etc/a'), 'utf8'), 'one');
  const whiteout = await stat(join(top, 'etc/a'));
  assert.ok(whiteout.isCharacterDevice() && whiteout.rdev === 0);
  assert.equal((await stat(join(base, 'tmp'))).mode & 0o7777, 0o1777);

  const said = lines.map(({ status }) => status);
  assert.equal(said[0], 'Pulling from app');
  assert.equal(lines[0]?.id, '1');
  const ids = [...new Set(lines.flatMap(({ id }) => id ?? []))].filter((id) => /^[a-f0-9]{12}$/.test(id));
  assert.equal(ids.length, 2);
  for (const id of ids) {
    const story = [...new Set(lines.filter((line) => line.id === id).map(({ status }) => status))];
    assert.deepEqual(
      story.filter((status) => status !== 'Waiting'),
      ['Pulling fs layer', 'Downloading', 'Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete'],
    );
  }
  assert.match(said.at(-2) ?? '', /^Digest: sha256:[a-f0-9]{64}$/);
  assert.equal(said.at(-1), `Status: Downloaded newer image for ${name}`);

  const again = await pull(rooms, name);
  assert.deepEqual(
    again.map(({ status }) => status),
    ['Pulling from app', said.at(-2), `Status: Image is up to date for ${name}`],
  );
});
