/** The store mends itself whoever puts the layers together, and for an ordinary user's engine as for root's. */
import assert from 'node:assert/strict';
import { access, appendFile, chown, constants, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { Finding, SelfChecked } from '../../main/contract/disk.js';
import { api, docker, request, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { layeredImage } from '../fixtures/layered-image.js';
import { makePerson } from '../fixtures/person.js';
import { originalOf } from '../fixtures/store-check.js';

const fuse = await Promise.all([
  access('/usr/bin/fuse-overlayfs', constants.X_OK),
  access('/dev/fuse', constants.R_OK | constants.W_OK),
]).then(
  () => false as const,
  () => 'needs fuse-overlayfs and /dev/fuse',
);

async function selfCheck(engine: RunningEngine): Promise<SelfChecked['Done']> {
  const { body } = await request(engine.socket, 'POST', '/slipway/self-check');
  return (JSON.parse(body.toString().trim().split('\n').at(-1)!) as SelfChecked).Done;
}

const inWords = ({ Kind, State, Action }: Finding) => `${Kind} ${State} ${Action}`;

/** Files of a layer and, where there are copies, of one are damaged while a container runs; the check finds and mends them. */
async function story(engine: RunningEngine, vfs: boolean): Promise<void> {
  await using source = await layeredImage('app:1', 100_000);
  const does = async (...args: string[]) => {
    const ran = await docker(engine, args);
    assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  await does('load', '-q', '-i', source.archive);
  const original = await originalOf(engine, 'app:1');
  const run = () => does('run', '--rm', '--network=none', 'app:1', 'sh', '-c', 'cat /data/many/7');
  assert.equal(await run(), 'file 7\n');
  const before = await selfCheck(engine);
  assert.deepEqual([before.Layers, before.Copies, before.Findings], [3, vfs ? 1 : 0, []]);

  const layers = path.join(engine.dataRoot, 'layers');
  const { GraphDriver } = await api<{ GraphDriver: { Data: { LowerDir: string } } }>(
    engine.socket,
    'GET',
    '/images/app:1/json',
  );
  const [middle = ''] = GraphDriver.Data.LowerDir.split(':');
  await appendFile(path.join(middle, 'data/many/7'), 'more than there was');
  assert.deepEqual((await selfCheck(engine)).Findings.map(inWords), ['layer repaired unpacked']);
  assert.equal(await run(), 'file 7\n');
  assert.deepEqual(await originalOf(engine, 'app:1'), original);

  if (vfs) {
    for (const name of await readdir(layers)) {
      // Whatever has all files is a copy.
      const all = ['bin/busybox', 'data/many/7'].map((file) => access(path.join(layers, name, 'fs', file)));
      if ((await Promise.allSettled(all)).every(({ status }) => status === 'fulfilled'))
        await appendFile(path.join(layers, name, 'fs/data/many/7'), 'more than there was');
    }
    assert.notEqual(await run(), 'file 7\n');
    assert.deepEqual((await selfCheck(engine)).Findings.map(inWords), ['copy repaired copied']);
    assert.equal(await run(), 'file 7\n');
  }
  assert.deepEqual((await selfCheck(engine)).Findings, []);
}

describe('a self-check', { skip: process.getuid?.() !== 0 && 'needs root', timeout: 600_000 }, () => {
  for (const driver of ['fuse-overlayfs', 'vfs'])
    test(`with ${driver}`, { skip: driver === 'vfs' ? false : fuse }, async () => {
      await using engine = await startEngine({ flags: ['--storage-driver', driver] });
      await story(engine, driver === 'vfs');
    });

  for (const driver of ['overlay2', 'vfs'])
    test(`of an ordinary user, with ${driver}`, async () => {
      await using person = await makePerson({ window: false });
      const folder = await mkdtemp(path.join(tmpdir(), 'slipway-person-'));
      await chown(folder, person.uid, person.gid);
      try {
        const command = [...person.become, process.execPath, path.join(person.checkout, 'out/daemon.cjs')];
        await using engine = await startEngine({ folder, command, flags: ['--storage-driver', driver] });
        await story(engine, driver === 'vfs');
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
});
