/** A data root as the first version left it, from before there were fields and tables of today: everything in it opens and works on. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import Database from 'libsql';
import type { DiskUsage, SelfChecked } from '../../main/contract/disk.js';
import rows from '../fixtures/first-version.json' with { type: 'json' };
import { api, busyboxArchive, docker, request, run, startEngine } from '../fixtures/engine.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 300_000 };

const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

interface Inspect {
  Id: string;
  State: { ExitCode: number };
  HostConfig: { Memory: number; Binds: string[] };
  Mounts: { Type: string; Name?: string; Source: string; Destination: string }[];
}

/** What the first version wrote for: an image, three containers (never started, ended, on the bridge), a volume and one without a name. */
async function firstVersion(root: string): Promise<{ named: (name: string) => string }> {
  const unpacked = path.join(root, '..', 'archive');
  await mkdir(unpacked);
  const does = async (program: string, ...args: string[]) => {
    const ran = await run(program, args);
    assert.equal(ran.code, 0, ran.stderr);
  };
  await does('tar', '-C', unpacked, '-xf', await busyboxArchive());
  const files = await readdir(unpacked);
  const config = await readFile(
    path.join(
      unpacked,
      files.find((name) => /^[a-f0-9]{64}\.json$/.test(name))!,
    ),
  );
  const layer = await readFile(path.join(unpacked, 'layer.tar'));
  const fs = path.join(root, 'layers/1/fs');
  for (const folder of ['blobs/sha256', 'ingest', 'trash', 'layers/1/fs']) await mkdir(path.join(root, folder), { recursive: true }); // prettier-ignore
  for (const folder of ['', 'layers', 'layers/1']) await chmod(path.join(root, folder), 0o711);
  await chmod(fs, 0o755);
  await does('tar', '-C', fs, '-xpf', path.join(unpacked, 'layer.tar'));
  for (const bytes of [config, layer]) await writeFile(path.join(root, 'blobs/sha256', sha256(bytes).slice(7)), bytes);
  const { size } = await stat(path.join(fs, 'bin/busybox'));

  const text = JSON.stringify(rows)
    .replaceAll('"BLOB_SIZE"', String(layer.length))
    .replaceAll('"FILES_SIZE"', String(size))
    .replaceAll('LAYER', sha256(layer))
    .replaceAll('CONFIG', sha256(config))
    .replaceAll('ROOT', root);
  const tables = JSON.parse(text) as Record<string, Record<string, unknown>>;
  const database = new Database(path.join(root, 'slipway.db'));
  for (const [table, records] of Object.entries(tables)) {
    database.exec(`CREATE TABLE ${table} (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID`);
    for (const [key, record] of Object.entries(records))
      database.prepare(`INSERT INTO ${table} VALUES (?, ?)`).run(key, JSON.stringify(record));
  }
  database.exec('PRAGMA user_version = 1');
  database.close();

  const containers = tables['containers'] as Record<string, { name: string }>;
  const named = (name: string) => Object.keys(containers).find((id) => containers[id]?.name === name)!;
  for (const id of Object.keys(containers))
    for (const folder of ['upper', 'work']) await mkdir(path.join(root, 'containers', id, folder), { recursive: true });
  const ended = path.join(root, 'containers', named('ended'));
  await mkdir(path.join(ended, 'upper/root'));
  await writeFile(path.join(ended, 'upper/root/own'), 'own\n');
  const line = { log: 'said\n', stream: 'stdout', time: '2026-11-24T04:00:00.000000000Z' };
  await writeFile(path.join(ended, `${named('ended')}-json.log`), `${JSON.stringify(line)}\n`);
  for (const name of Object.keys(tables['volumes']!))
    await mkdir(path.join(root, 'volumes', name, '_data'), { recursive: true });
  await writeFile(path.join(root, 'volumes/data/_data/x'), 'kept\n');
  return { named };
}

test('images, containers and volumes of the first version open, run, change and go', options, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-old-'));
  try {
    await mkdir(path.join(folder, 'data'));
    const { named } = await firstVersion(path.join(folder, 'data'));
    await using engine = await startEngine({ folder });
    const { socket } = engine;
    const does = async (...args: string[]) => {
      const ran = await docker(engine, args);
      assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
      return ran.stdout;
    };
    assert.equal(await does('images', '--format', '{{.Repository}}:{{.Tag}}'), 'busybox:latest\nbusybox:test\n');
    const states = (await does('ps', '-a', '--format', '{{.Names}} {{.State}}')).trim().split('\n').sort();
    assert.deepEqual(states, ['bridged exited', 'ended exited', 'kept created']);
    const kept = await api<Inspect>(socket, 'GET', '/containers/kept/json');
    assert.deepEqual([kept.Id, kept.HostConfig.Memory], [named('kept'), 64 * 2 ** 20]);
    assert.deepEqual(kept.Mounts.map(({ Destination }) => Destination).sort(), ['/anon', '/data', '/host']);
    assert.deepEqual(JSON.parse(await does('volume', 'inspect', '-f', '{{json .Labels}}', 'data')), { a: 'b' });

    assert.equal(await does('start', '-a', 'kept'), 'kept\nmine\n');
    assert.equal(await does('logs', 'ended'), 'said\n');
    assert.match(await does('diff', 'ended'), /^A \/root\/own$/m);
    await does('update', '--memory', '32m', '--memory-swap', '64m', 'kept');
    await does('start', 'bridged');
    assert.equal(await does('wait', 'bridged'), '0\n');
    await does('commit', 'ended', 'made:1');
    assert.equal(await does('run', '--rm', '--network', 'none', 'made:1', 'cat', '/root/own'), 'own\n');
    const archive = path.join(folder, 'saved.tar');
    await does('save', '-o', archive, 'busybox:test');

    const steps = await api<{ Steps: unknown[] }>(socket, 'GET', '/slipway/images/busybox:test/layers');
    assert.equal(steps.Steps.length, 1);
    assert.ok((await api<unknown[]>(socket, 'GET', '/slipway/containers/ended/history')).length > 0);
    let usage = await api<DiskUsage>(socket, 'GET', '/slipway/disk');
    while (usage.Counting) usage = await api<DiskUsage>(socket, 'GET', '/slipway/disk');
    assert.equal(usage.Layers.find(({ Images }) => Images.length === 2)?.Size, usage.Images.find(({ Names }) => Names.includes('busybox:test'))?.Size); // prettier-ignore
    assert.equal(usage.Volumes.find(({ Name }) => Name === 'data')?.Size, 5);
    const { body } = await request(socket, 'POST', '/slipway/self-check');
    const { Done } = JSON.parse(body.toString().trim().split('\n').at(-1)!) as SelfChecked;
    assert.deepEqual([Done.Layers, Done.Findings], [2, []]);

    await does('rm', '-v', 'kept', 'ended', 'bridged');
    assert.equal(await does('volume', 'ls', '-q'), 'data\n');
    await does('rmi', 'made:1', 'busybox:test', 'busybox:latest');
    await does('load', '-q', '-i', archive);
    assert.deepEqual((await api<DiskUsage>(socket, 'GET', '/slipway/disk')).Images.length, 1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
