/** Volumes as a whole: a clone by shared blocks on a disk of its own (XFS), and what is copied, backed up and put back on the one that is there. */
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { api, run, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { follow } from '../fixtures/volume-data.js';
import type { VolumeBackup } from '../../main/contract/volume-data.js';
import { compare, elapsed } from './measure.js';

const GIGABYTE = 1000 ** 3;
const FILES = 100;

async function done(program: string, ...args: string[]): Promise<void> {
  const ran = await run(program, args, { env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } });
  if (ran.code !== 0) throw new Error(`${program}: ${ran.stderr}`);
}

async function fill({ socket, dataRoot }: RunningEngine): Promise<void> {
  await api(socket, 'POST', '/volumes/create', { Name: 'data' });
  const script = `cd "$1"; for i in $(seq ${FILES}); do head -c ${GIGABYTE / FILES} /dev/urandom > $i; done; sync`;
  await done('sh', '-c', script, 'sh', path.join(dataRoot, 'volumes/data/_data'));
}

async function step<Done>(socket: string, url: string, body?: object): Promise<Done> {
  const answer = await follow<Done>(socket, 'POST', url, { body });
  if (!answer.done) throw new Error(answer.error);
  return answer.done;
}

const clone = ({ socket }: RunningEngine): Promise<number> =>
  elapsed(() => step(socket, '/slipway/volumes/data/clone', { Name: 'twin' }));

export async function volumesDataBench(): Promise<void> {
  await onXfs();
  await using engine = await startEngine();
  const { socket } = engine;
  const ours = [{ name: 'slipway', subject: engine }];
  await fill(engine);
  const drop = () => api(socket, 'DELETE', '/volumes/twin?force=1');
  await compare('clone of 1 GB by copying', ours, clone, { n: 3, before: drop });
  await drop();
  let made: VolumeBackup | undefined;
  const backup = () => elapsed(async () => (made = await step(socket, '/slipway/volumes/data/backups')));
  const forget = async () => made && (await api(socket, 'DELETE', `/slipway/backups/${made.Id}`));
  await compare('backup of 1 GB', ours, backup, { n: 3, before: forget });
  const restore = () => elapsed(() => step(socket, `/slipway/backups/${made?.Id}/restore`, { Name: 'twin' }));
  await compare('restore of 1 GB into a new volume', ours, restore, { n: 3, before: drop });
}

async function onXfs(): Promise<void> {
  const base = await mkdtemp(path.join(tmpdir(), 'slipway-bench-xfs-'));
  const [image, folder] = [path.join(base, 'image'), path.join(base, 'disk')];
  await writeFile(image, '');
  await truncate(image, 3 * GIGABYTE);
  await mkdir(folder);
  await done('mkfs.xfs', '-q', '-m', 'reflink=1', image);
  await done('mount', '-o', 'loop', image, folder);
  try {
    await using engine = await startEngine({ folder, runDir: path.join(base, 'run') });
    await fill(engine);
    const drop = () => api(engine.socket, 'DELETE', '/volumes/twin?force=1');
    const contenders = [{ name: 'slipway', subject: engine }];
    await compare('clone of 1 GB by reflink', contenders, clone, { target: 1000, n: 5, before: drop });
  } finally {
    await done('umount', '-l', folder);
    await rm(base, { recursive: true });
  }
}
