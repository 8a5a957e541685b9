/** For tests: the rooms around containers, real but for the images, which are directories with a static busybox. */
import '../base/scopes.js';
import { access, copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'node:test';
import { notFound } from '../base/errors.js';
import { Store } from '../base/store.js';
import type { ContainerCreate } from '../contract/containers.js';
import type { EngineEvent } from '../contract/events.js';
import { Events } from './events/index.js';
import { Execs } from './exec/index.js';
import { Helper } from './helper/index.js';
import { Networks } from './networks/index.js';
import { Usage } from './usage/index.js';
import { Bin, type BinOptions } from './bin/index.js';
import { Volumes } from './volumes/index.js';
import { Containers, type AttachStream, type ImagesRoom } from './containers/index.js';

const native = fileURLToPath(new URL('../../native/', import.meta.url));
export const helperPath = process.env['SLIPWAY_HELPER'] ?? join(native, 'build/slipway-helper');
const seccompProfile = process.env['SLIPWAY_SECCOMP'] ?? join(helperPath, '../seccomp-default.json');

/** A program of the tests: its source, which tsx runs; or, where the tests themselves are bundled, the bundle in its place. */
export const testProgram = (path: string): string[] => {
  const file = join(typeof __dirname === 'string' ? __dirname : fileURLToPath(new URL('.', import.meta.url)), path);
  return typeof __dirname === 'string'
    ? [process.execPath, `${file}.mjs`]
    : [process.execPath, '--import', 'tsx', `${file}.ts`];
};

/** Why tests on the real kernel are skipped, or false. In the guest they are run by an ordinary user too. */
export const cannotRun =
  process.getuid?.() !== 0 && !process.env['SLIPWAY_TEST_AS_USER']
    ? 'needs root'
    : !(await exists(helperPath))
      ? 'needs the helper: make -C native'
      : !(await exists('/bin/busybox')) && 'needs /bin/busybox';

export interface Rooms {
  root: string;
  runDir: string;
  store: Store;
  helper: Helper;
  events: Events;
  bin: Bin;
  containers: Containers;
  volumes: Volumes;
  execs: Execs;
  heard: EngineEvent[];
}

export interface Place {
  root: string;
  runDir: string;
  /** Runs before the place is removed, the last one first. */
  before(step: () => Promise<void>): void;
}

/** A place for an engine, removed with everything that runs in it when the test ends. */
export async function enginePlace(t: Pick<TestContext, 'after'>): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-containers-'));
  const runDir = join(root, 'run');
  await makeImage(join(root, 'image'));
  await mkdir(join(root, 'next'));
  await writeFile(join(root, 'next/version'), 'next\n');
  const steps: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const step of steps.reverse()) await step();
    const helper = await Helper.open({ binary: helperPath, runDir, dataRoot: root, headless: null });
    for (const id of await readdir(join(root, 'containers')).catch(() => [])) {
      await helper.signalAll(id).catch(() => undefined);
      await helper.delete(id).catch(() => undefined);
    }
    await helper.goodbye({ end: true });
    await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  return { root, runDir, before: (step) => steps.push(step) };
}

/** Opens the rooms in their order, as engine/index.ts does. */
export async function openRooms(
  { root, runDir }: { root: string; runDir: string },
  more: { bin?: BinOptions } = {},
): Promise<Rooms> {
  const helper = await Helper.open({ binary: helperPath, runDir, dataRoot: root, headless: null });
  const tables = [...Usage.tables, ...Networks.tables, ...Volumes.tables, ...Containers.tables, ...Execs.tables];
  const store = await Store.open(join(root, 'slipway.db'), tables);
  const events = new Events();
  const heard: EngineEvent[] = [];
  events.subscribe((event) => heard.push(event));
  const lower = (id: string): string[] => [...(onNext.has(id) ? [join(root, 'next')] : []), join(root, 'image')];
  const onNext = new Set<string>();
  const active = new Set(await readdir(join(root, 'containers')).catch(() => []));
  const networks = await Networks.open({
    store,
    helper,
    runDir: helper.runDir,
    rootless: helper.hello.rootless,
    events,
  });
  const usage = new Usage({ root, store, helper });
  const bin = new Bin(more.bin);
  const volumes = await Volumes.open({ root, store, helper, usage, events, bin });
  const containers = await Containers.open({
    ...{ root, runDir, store, helper, usage, events, networks, volumes, bin, seccompProfile },
    images: twoImages,
    snapshots: {
      prepare: async (id) => {
        const mounts = {
          lower: lower(id),
          upper: join(root, 'containers', id, 'upper'),
          work: join(root, 'containers', id, 'work'),
        };
        await mkdir(mounts.upper, { recursive: true });
        await mkdir(mounts.work);
        active.add(id);
        return mounts;
      },
      layersOf: () => Promise.resolve({ lower: ['/empty'] }),
      hold: () => undefined,
      release: () => undefined,
      mountsOf: (id) => {
        if (!active.has(id)) throw notFound(`there is no file system of a container ${id}`);
        return {
          lower: lower(id),
          upper: join(root, 'containers', id, 'upper'),
          work: join(root, 'containers', id, 'work'),
        };
      },
      sizeBelow: () => 0,
      rebase: (_, id, chainId) => void (chainId === 'next' ? onNext.add(id) : onNext.delete(id)),
      keep: () => undefined,
      discard: (_, id) => {
        active.delete(id);
        return () => Promise.resolve();
      },
    },
  });
  const execs = await Execs.open({
    runDir,
    store,
    helper,
    containers,
    toolbox: () => Promise.reject(new Error('there is none here')),
  });
  return { root, runDir, store, helper, events, bin, volumes, containers, execs, heard };
}

export async function closeRooms({ containers, execs, store, helper }: Rooms): Promise<void> {
  await containers.close();
  await execs.close();
  await store.close();
  await helper.close();
}

const FIRST = `sha256:${'b'.repeat(64)}`;
const NEXT = `sha256:${'c'.repeat(64)}`;

/** `busybox`, and `busybox:next`, which has one file and one variable more. */
const twoImages: ImagesRoom = {
  platformWarning: () => undefined,
  resolve: (reference) => {
    if (reference === 'busybox:next' || reference === NEXT)
      return { id: NEXT, chainId: 'next', config: { Cmd: ['sh'], Env: ['FROM_IMAGE=next', 'NEW=yes'] } };
    if (reference !== 'busybox' && reference !== FIRST)
      throw notFound(`No such image: ${reference.includes(':') ? reference : `${reference}:latest`}`);
    return { id: FIRST, chainId: 'chain', config: { Cmd: ['sh'], Env: ['FROM_IMAGE=yes'] } };
  },
  hold: () => undefined,
  release: () => undefined,
  setRunning: () => undefined,
  setAside: () => undefined,
};

async function makeImage(directory: string): Promise<void> {
  await mkdir(join(directory, 'bin'), { recursive: true });
  for (const name of ['etc', 'tmp', 'proc', 'sys', 'dev', 'root']) await mkdir(join(directory, name));
  await copyFile('/bin/busybox', join(directory, 'bin/busybox'));
  const applets = 'sh cat echo sleep true false env id head yes dd seq ls kill stty hostname touch ps mount ip tr';
  for (const applet of applets.split(' ')) await symlink('busybox', join(directory, 'bin', applet));
  await writeFile(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n');
  await writeFile(join(directory, 'etc/group'), 'root:x:0:\napp:x:1000:\n');
}

/** A container of the image, without a network unless asked for. */
export async function createContainer(
  { containers }: Pick<Rooms, 'containers'>,
  cmd: string[],
  body: ContainerCreate = {},
  name?: string,
): Promise<string> {
  const { HostConfig, ...rest } = body;
  const request = { Image: 'busybox', Cmd: cmd, ...rest, HostConfig: { NetworkMode: 'none', ...HostConfig } };
  return (await containers.create(request, name)).Id;
}

/** Everything a stream says until its end; frames are taken apart where there is no terminal. */
export async function readAll(
  stream: Pick<AttachStream, 'framed' | 'readable'>,
): Promise<{ out: string; err: string }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream.readable) chunks.push(Buffer.from(chunk));
  return stream.framed ? unframed(Buffer.concat(chunks)) : { out: Buffer.concat(chunks).toString(), err: '' };
}

export function unframed(bytes: Buffer): { out: string; err: string } {
  const parts: [Buffer[], Buffer[]] = [[], []];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at + 4);
    parts[bytes[at] === 2 ? 1 : 0].push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { out: Buffer.concat(parts[0]).toString(), err: Buffer.concat(parts[1]).toString() };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
