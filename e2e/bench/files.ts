/** Files in and out of a container through the archive endpoints, ours and dockerd's. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { request, run } from '../fixtures/engine.js';
import { compare, elapsed, isWanted } from './measure.js';
import { count, removeAll, sleeper, withContainers, type Idle, type Peers } from './peers.js';

const FILES = 200;
const FILE = 512 * 1024;

/** The tar of a folder with files of random content. */
async function archive(folder: string, files: number, size: number): Promise<Buffer> {
  const base = await mkdtemp(path.join(tmpdir(), 'slipway-bench-'));
  try {
    await mkdir(path.join(base, folder));
    for (let i = 0; i < files; i++) await writeFile(path.join(base, folder, `file-${i}`), randomBytes(size));
    const tar = `${base}/archive.tar`;
    const { code, stderr } = await run('tar', ['-C', base, '-cf', tar, folder]);
    if (code !== 0) throw new Error(stderr);
    return await readFile(tar);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

const putInto = ({ socket, container }: Idle, tar: Buffer): Promise<number> =>
  elapsed(async () => {
    const url = `/containers/${container}/archive?path=/tmp`;
    const { status, body } = await request(socket, 'PUT', url, tar, { 'Content-Type': 'application/x-tar' });
    if (status !== 200) throw new Error(`PUT ${url}: ${status} ${body.toString()}`);
  });

/** Nobody waits for what another left for the disk to write. */
const written = () => run('sync', []);

export async function filesBench({ both }: Peers): Promise<void> {
  if (!isWanted('cp of a small file in') && !isWanted('cp of 100 MB in') && !isWanted('cp of 100 MB out')) return;
  const idle = await withContainers(both, sleeper);
  const small = await archive('small', 1, 20);
  await compare('cp of a small file in', idle, (each) => putInto(each, small), { target: 0.06, n: 20 });
  const large = await archive('large', FILES, FILE);
  await compare('cp of 100 MB in', idle, (each) => putInto(each, large), { target: 1 / 1.5, n: 7, before: written });
  const getOut = ({ socket, container }: Idle): Promise<number> =>
    elapsed(async () => {
      const seen = await count(socket, `/containers/${container}/archive?path=/tmp/large`);
      if (seen < FILES * FILE) throw new Error(`files are missing: ${seen} bytes`);
    });
  for (const { subject } of idle) await putInto(subject, large);
  await compare('cp of 100 MB out', idle, getOut, { target: 1 / 1.5, n: 7, before: written });
  await removeAll(idle);
}
