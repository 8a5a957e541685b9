/** Images, ours, dockerd's and podman's: pull, load, save, push and remove one of six layers and 300 MB, with a registry on loopback. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tar from 'tar-stream';
import { request, root, run, startDockerd, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { openEmptyRegistry, type EmptyRegistry } from '../fixtures/registry.js';
import { compare, elapsed, isWanted, noteOne, type Contender } from './measure.js';
import { count } from './peers.js';

const NAME = 'bench/six';
const LAYERS = 5;
const FILES = 300;
const LAYER = 33e6;
const MIB = 2 ** 20;

interface Subject {
  socket: string;
}

export interface ImagesOptions {
  /** Peers that are not to be asked. */
  without: string[];
  samples: number;
}

export async function imagesBench({ without, samples: n }: ImagesOptions): Promise<void> {
  await using place = await scratch();
  const { folder, memory } = place;
  await using registry = await openEmptyRegistry();
  const archive = await sixLayers(folder);
  const probe = path.join(memory, 'probe.json');
  await using ours = await startEngine({
    runDir: path.join(memory, 'slipway'),
    command: [process.execPath, '--require', path.join(root, 'e2e/bench/loop-probe.cjs'), daemon],
    env: { SLIPWAY_PROBE: probe },
  });
  const wanted = (name: string): boolean => !without.includes(name);
  await using dockerd = wanted('dockerd') ? await startDockerd({ runDir: path.join(memory, 'docker') }) : undefined;
  await using podman = wanted('podman') ? await startPodman(path.join(memory, 'podman'), registry.host) : undefined;
  const peers: Contender<Subject>[] = [{ name: 'slipway', subject: ours }];
  if (dockerd) peers.push({ name: 'dockerd', subject: dockerd });
  if (podman) peers.push({ name: 'podman', subject: podman });

  const rested = await probed(ours, probe);
  const seen: (Probed & { at: string })[] = [];
  /** How long a piece of work takes; of our engine also what its loop had to wait meanwhile. */
  const timed = async (at: string, { socket }: Subject, work: () => Promise<unknown>): Promise<number> => {
    if (socket !== ours.socket) return elapsed(work);
    await probed(ours, probe);
    const time = await elapsed(work);
    seen.push({ ...(await probed(ours, probe)), at });
    return time;
  };
  const counted = { n };
  /** A share of dockerd's time, where dockerd is asked. */
  const against = (target: number) => (dockerd ? { target, ...counted } : counted);
  const here = `localhost/${NAME}:latest`;
  const there = `${registry.host}/${NAME}`;

  await compare(
    'load of 6 layers, 300 MB',
    peers,
    async (subject) => {
      await removeImages(subject.socket);
      await written();
      return timed('load', subject, () => load(subject.socket, archive));
    },
    against(0.5),
  );
  await compare(
    'save of 6 layers, 300 MB',
    peers,
    async (subject) => {
      await loaded(subject, archive);
      await written();
      return timed('save', subject, () => save(subject.socket, here));
    },
    against(0.6),
  );
  await compare(
    'push of 6 layers, 300 MB',
    peers,
    async (subject) => {
      const { socket } = subject;
      await registry.clear();
      // Nothing that another push has left behind: the image is new here.
      await removeImages(socket);
      await load(socket, archive);
      await tag(socket, here, there);
      await written();
      return timed('push', subject, () => push(socket, there));
    },
    against(0.18),
  );
  await compare(
    'push once more, to an empty registry',
    peers.slice(0, 1),
    async (subject) => {
      await registry.clear();
      await loaded(subject, archive);
      await tag(subject.socket, here, there);
      await written();
      return elapsed(() => push(subject.socket, there));
    },
    counted,
  );
  const source = `docker-archive:${archive}`;
  await registry.clear();
  await copy(source, `docker://${there}:latest`);
  await compare(
    'pull of 6 layers, 300 MB',
    peers,
    async (subject) => {
      await removeImages(subject.socket);
      await written();
      return timed('pull', subject, () => pull(subject.socket, there));
    },
    against(0.5),
  );
  await compare(
    'remove an image of 6 layers, 300 MB',
    peers,
    async (subject) => {
      const { socket } = subject;
      await removeImages(socket);
      await pull(socket, there);
      await written();
      return timed('remove', subject, () => remove(socket, `${there}:latest`));
    },
    against(0.3),
  );
  if (isWanted('second pull')) await sharedBase(ours, registry, folder);

  for (const at of new Set(seen.map((each) => each.at))) {
    const delays = seen.filter((each) => each.at === at).map(({ p99 }) => p99);
    noteOne(`loop delay of the engine during ${at}, 99th percentile, the worst`, Math.max(...delays), { target: 50 });
  }
  const most = Math.max(...seen.map(({ rss }) => rss));
  if (seen.length > 0)
    noteOne('growth of the engine’s memory meanwhile, RSS', (most - rested.rss) / MIB, { unit: 'MiB', target: 100 });
}

/** Two folders, one of them in memory. */
async function scratch() {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-bench-'));
  const memory = await mkdtemp('/dev/shm/slipway-bench-');
  const gone = async () => {
    for (const each of [folder, memory]) await rm(each, { recursive: true, force: true });
  };
  return { folder, memory, [Symbol.asyncDispose]: gone };
}

const daemon = path.join(root, 'out/daemon.cjs');

/** Nobody waits for what another left for the disk to write. */
const written = () => run('sync', []);

// ---- what is asked of each engine

const load = async (socket: string, archive: string): Promise<void> => {
  const { status, text } = await stream(socket, 'POST', '/images/load?quiet=1', archive);
  if (status !== 200 || text.includes('"error"')) throw new Error(`load: ${status} ${text.slice(-300)}`);
};

/** Has the image loaded, if it is not there. */
async function loaded({ socket }: Subject, archive: string): Promise<void> {
  const { status } = await request(socket, 'GET', `/images/localhost/${NAME}:latest/json`);
  if (status !== 200) await load(socket, archive);
}

async function save(socket: string, name: string): Promise<void> {
  const bytes = await count(socket, `/images/${name}/get`);
  if (bytes < 2.9e8) throw new Error(`save: only ${bytes} bytes`);
}

async function push(socket: string, name: string): Promise<void> {
  const url = `/images/${name}/push?tag=latest&tlsVerify=false`;
  const { status, body } = await request(socket, 'POST', url, undefined, {
    'X-Registry-Auth': Buffer.from('{}').toString('base64'),
  });
  if (status !== 200 || body.includes('"error')) throw new Error(`push: ${status} ${body.subarray(-300).toString()}`);
}

async function pull(socket: string, name: string, word = 'latest'): Promise<void> {
  const url = `/images/create?fromImage=${encodeURIComponent(name)}&tag=${word}&tlsVerify=false`;
  const { status, body } = await request(socket, 'POST', url);
  if (status !== 200 || body.includes('"error')) throw new Error(`pull: ${status} ${body.subarray(-300).toString()}`);
}

async function tag(socket: string, from: string, to: string): Promise<void> {
  const { status, body } = await request(
    socket,
    'POST',
    `/images/${from}/tag?repo=${encodeURIComponent(to)}&tag=latest`,
  );
  if (status !== 201) throw new Error(`tag: ${status} ${body.toString()}`);
}

async function remove(socket: string, name: string): Promise<void> {
  const { status, body } = await request(socket, 'DELETE', `/images/${name}?force=1`);
  if (status !== 200) throw new Error(`remove: ${status} ${body.toString()}`);
}

async function removeImages(socket: string): Promise<void> {
  const { body } = await request(socket, 'GET', '/images/json');
  for (const { Id } of JSON.parse(body.toString()) as { Id: string }[])
    await request(socket, 'DELETE', `/images/${Id}?force=1`);
}

/** A request whose body is a file. */
async function stream(socket: string, method: string, url: string, file: string) {
  const outgoing = http.request({
    ...{ socketPath: socket, method, path: url },
    headers: { 'Content-Type': 'application/x-tar', 'Transfer-Encoding': 'chunked' },
  });
  createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(outgoing);
  const [incoming] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return { status: incoming.statusCode, text };
}

async function copy(from: string, to: string): Promise<void> {
  const { code, stderr } = await run('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', from, to], {
    timeout: 300_000,
  });
  if (code !== 0) throw new Error(`skopeo copy: ${stderr}`);
}

// ---- a base that is there already

/** Pulls an image, then another that adds a layer to it: how much of the first came over the wire again. */
async function sharedBase({ socket }: RunningEngine, registry: EmptyRegistry, folder: string): Promise<void> {
  const [base, more] = ['base', 'more'].map((name) => path.join(folder, `${name}.tar`)) as [string, string];
  const bottom = await layer('base', 20, 8e6);
  await writeFile(base, await dockerArchive('localhost/bench/base:latest', [bottom]));
  await writeFile(more, await dockerArchive('localhost/bench/more:latest', [bottom, await layer('more', 2, 1e6)]));
  const moved = await counting(registry.port);
  try {
    for (const file of [base, more])
      await copy(`docker-archive:${file}`, `docker://${registry.host}/bench/${path.basename(file, '.tar')}:latest`);
    await pull(socket, `127.0.0.1:${moved.port}/bench/base`);
    const blobs = new Set(moved.bytes.keys());
    if (blobs.size < 2) throw new Error('the pull of the base did not go through the counter');
    moved.bytes.clear();
    await pull(socket, `127.0.0.1:${moved.port}/bench/more`);
    const again = [...moved.bytes].filter(([digest]) => blobs.has(digest)).reduce((sum, [, bytes]) => sum + bytes, 0);
    noteOne('second pull of a shared base, bytes of the base that moved', again, { unit: 'B', target: 0 });
  } finally {
    moved.close();
  }
}

/** Passes requests on to a registry and counts the bytes of each blob. */
async function counting(to: number) {
  const bytes = new Map<string, number>();
  const server = http.createServer((incoming, answer) => {
    const onward = http.request(
      { port: to, host: '127.0.0.1', method: incoming.method, path: incoming.url, headers: incoming.headers },
      (reply) => {
        const digest = /\/blobs\/(sha256:\w+)/.exec(incoming.url ?? '')?.[1];
        if (digest) reply.on('data', (chunk: Buffer) => bytes.set(digest, (bytes.get(digest) ?? 0) + chunk.length));
        answer.writeHead(reply.statusCode ?? 500, reply.headers);
        reply.pipe(answer);
      },
    );
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as { port: number }).port, bytes, close };
}

// ---- the image

/** Half of it random, half text of two bits a letter: it compresses as files do. */
function content(size: number): Buffer {
  const bytes = randomBytes(size);
  for (let at = 64; at < size; at += 128)
    for (let i = at; i < Math.min(at + 64, size); i++) bytes[i] = 0x61 + (bytes[i]! & 3);
  return bytes;
}

async function layer(name: string, files: number, size: number): Promise<Buffer> {
  const pack = tar.pack();
  for (let i = 0; i < files; i++)
    pack.entry({ name: `${name}/d${i % 40}/f${i}.dat` }, content(Math.floor(size / files)));
  pack.finalize();
  return collected(pack);
}

/** A Debian and five layers of files, as `docker save` writes it. */
async function sixLayers(folder: string): Promise<string> {
  const base = await readFile(path.join(root, 'node_modules/.cache/slipway-test/debian.tar'));
  const layers: Buffer[] = [base];
  for (let i = 0; i < LAYERS; i++) layers.push(await layer(`layer${i}`, FILES, LAYER));
  const file = path.join(folder, 'six.tar');
  await writeFile(file, await dockerArchive(`localhost/${NAME}:latest`, layers));
  return file;
}

async function dockerArchive(reference: string, layers: Buffer[]): Promise<Buffer> {
  const digests = layers.map(hex);
  const config = JSON.stringify({
    ...{ architecture: 'amd64', os: 'linux', created: '2026-01-01T00:00:00Z' },
    config: { Cmd: ['sh'], Env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'] },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: digests.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'bench' })),
  });
  const Config = `${hex(config)}.json`;
  const Layers = digests.map((digest) => `${digest}/layer.tar`);
  const pack = tar.pack();
  layers.forEach((bytes, index) => pack.entry({ name: Layers[index]! }, bytes));
  pack.entry({ name: Config }, config);
  pack.entry({ name: 'manifest.json' }, JSON.stringify([{ Config, RepoTags: [reference], Layers }]));
  pack.finalize();
  return collected(pack);
}

const hex = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

async function collected(bytes: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

// ---- podman, and our own engine's loop

/** Podman's service, with everything of its own. */
async function startPodman(base: string, insecure: string) {
  const data = await mkdtemp(path.join(tmpdir(), 'slipway-p-'));
  const socket = `${base}.sock`;
  const registries = path.join(data, 'registries.conf');
  await writeFile(registries, `[[registry]]\nlocation = "${insecure}"\ninsecure = true\n`);
  const flags = ['--root', path.join(data, 'root'), '--runroot', path.join(base, 'run'), '--storage-driver', 'overlay'];
  const child = spawn('podman', [...flags, 'system', 'service', '--time', '0', `unix://${socket}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, CONTAINERS_REGISTRIES_CONF: registries },
  });
  let log = '';
  child.stderr.on('data', (chunk) => (log += String(chunk)));
  for (let tries = 0; ; tries++) {
    const answer = await request(socket, 'GET', '/_ping').catch(() => undefined);
    if (answer?.status === 200) break;
    if (child.exitCode !== null || tries > 300) throw new Error(`podman did not come up:\n${log}`);
    await sleep(100);
  }
  return {
    socket,
    async [Symbol.asyncDispose]() {
      await removeImages(socket);
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
      await run('umount', [path.join(data, 'root/overlay')]);
      await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}

interface Probed {
  /** Milliseconds. */
  p99: number;
  longest: number;
  /** Bytes, at the most. */
  rss: number;
}

/** What the probe in our engine has seen since it was asked last. */
async function probed(engine: RunningEngine, file: string): Promise<Probed> {
  await rm(file, { force: true });
  engine.process.kill('SIGUSR2');
  for (;;) {
    const said = await readFile(file, 'utf8').catch(() => undefined);
    if (said !== undefined) return JSON.parse(said) as Probed;
    await sleep(20);
  }
}
