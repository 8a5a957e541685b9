import '../../base/scopes.js';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Store } from '../../base/store.js';
import type { Progress } from '../../contract/images.js';
import { Content } from '../content/index.js';
import { Events } from '../events/index.js';
import { Helper } from '../helper/index.js';
import { Layers } from '../layers/index.js';
import { Registry, type RegistryOptions } from '../registry/index.js';
import { Snapshots } from '../snapshots/index.js';
import { Images } from './index.js';

const run = promisify(execFile);

/** Registries and helpers live in a network namespace of their own. */
export const inNamespace = process.env['SLIPWAY_TEST_NETNS']
  ? {}
  : { skip: 'needs a network namespace of its own: npm test -- engine' };

export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-images-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The rooms from the store to the images, on the real helper. */
export async function openRooms(root: string, options: RegistryOptions & { backOffMs?: number } = {}) {
  const binary = fileURLToPath(new URL('../../../native/build/slipway-helper', import.meta.url));
  const helper = await Helper.open({ binary, runDir: join(root, 'run'), dataRoot: root, headless: null });
  const store = await Store.open(join(root, 'slipway.db'), [...Snapshots.tables, ...Images.tables]);
  const events = new Events();
  const content = await Content.open({ root, backOffMs: options.backOffMs ?? 20 });
  const snapshots = await Snapshots.open({ root, store, helper });
  const layers = new Layers({ content, snapshots, helper });
  const images = await Images.open({
    store,
    content,
    snapshots,
    registry: new Registry(options),
    layers,
    events,
    helper,
  });
  return {
    ...{ helper, store, events, content, snapshots, layers, images },
    async close() {
      await images.settled();
      await store.close();
      await helper.goodbye({ end: true });
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}
export type Rooms = Awaited<ReturnType<typeof openRooms>>;

/** Pulls and returns every progress line. */
export async function pull(rooms: Rooms, reference: string, signal?: AbortSignal): Promise<Progress[]> {
  const lines: Progress[] = [];
  await rooms.images.pull({ reference }, { onProgress: (line) => lines.push({ ...line }), signal });
  return lines;
}

/** Debian's registry on loopback; ends with the test. */
export async function startRegistry(
  t: TestContext,
): Promise<{ port: number; push: (layout: string, name: string) => Promise<void> }> {
  const directory = await temporaryDirectory(t);
  const port = await freePort();
  await writeFile(
    join(directory, 'config.yml'),
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(directory, 'data') } },
      http: { addr: `127.0.0.1:${port}` },
    }),
  );
  const child = spawn('docker-registry', ['serve', join(directory, 'config.yml')], { stdio: 'ignore' });
  t.after(async () => {
    const gone = once(child, 'exit');
    if (child.kill('SIGKILL')) await gone;
  });
  await answering(port);
  return {
    port,
    push: async (layout, name) => {
      await run('skopeo', [
        'copy',
        '--quiet',
        '--dest-tls-verify=false',
        `oci:${layout}`,
        `docker://127.0.0.1:${port}/${name}`,
      ]);
    },
  };
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  return port;
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)));
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await sleep(25);
  }
  throw new Error(`nothing answers on port ${port}`);
}

/**
 * An OCI layout `LAYOUT:tag` of busybox in as many layers as there are folders of files: path to text, `null` for a whiteout.
 * Layer 1 also has busybox itself.
 */
export async function makeImage(t: TestContext, layers: Record<string, string | null>[]): Promise<string> {
  const directory = await temporaryDirectory(t);
  const layout = join(directory, 'layout');
  const tagged = `${layout}:latest`;
  await run('umoci', ['init', '--layout', layout]);
  await run('umoci', ['new', '--image', tagged]);
  for (const [at, files] of layers.entries()) {
    const tree = join(directory, `tree-${at}`);
    await mkdir(tree);
    if (at === 0) {
      await mkdir(join(tree, 'bin'));
      await run('cp', ['/bin/busybox', join(tree, 'bin/busybox')]);
      await symlink('busybox', join(tree, 'bin/sh'));
      await mkdir(join(tree, 'tmp'));
      await chmod(join(tree, 'tmp'), 0o1777);
    }
    for (const [path, text] of Object.entries(files)) {
      const name = text === null ? path.replace(/([^/]+)$/, '.wh.$1') : path;
      await mkdir(join(tree, name, '..'), { recursive: true });
      await writeFile(join(tree, name), text ?? '');
    }
    const tar = join(directory, `layer-${at}.tar`);
    await run('tar', ['-C', tree, '--numeric-owner', '--sort=name', '--mtime=@1700000000', '-cf', tar, '.']);
    await run('umoci', ['raw', 'add-layer', '--image', tagged, tar]);
  }
  await run('umoci', [
    ...['config', '--image', tagged, '--config.cmd', 'sh', '--config.env', 'PATH=/bin'],
    ...['--config.label', 'story=test', '--created', '2024-05-06T07:08:09Z'],
  ]);
  return tagged;
}

/** Stands between engine and registry: counts what passes for each path, and cuts answers when told. */
export async function startProxy(t: TestContext, port: number) {
  const http = await import('node:http');
  const passed: { path: string; range: string; bytes: number; authorization: string }[] = [];
  const cuts = new Map<string, number>();
  const server = http.createServer((request, response) => {
    const path = request.url ?? '';
    const record = {
      path,
      range: request.headers.range ?? '',
      bytes: 0,
      authorization: request.headers.authorization ?? '',
    };
    passed.push(record);
    const upstream = http.request(
      {
        port,
        host: '127.0.0.1',
        path,
        method: request.method,
        headers: { ...request.headers, host: `127.0.0.1:${port}` },
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        const key = [...cuts.keys()].find((part) => path.includes(part));
        let left = key === undefined ? Infinity : (cuts.get(key) as number);
        if (key !== undefined) cuts.delete(key);
        answer.on('data', (chunk: Buffer) => {
          const part = chunk.subarray(0, Math.min(chunk.length, left));
          left -= part.length;
          record.bytes += part.length;
          response.write(part);
          if (left > 0) return;
          // Let the bytes out before the line goes dead.
          response.write('', () => setTimeout(() => response.destroy(), 20));
          answer.destroy();
        });
        answer.on('end', () => response.end());
        answer.on('error', () => undefined);
      },
    );
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    passed,
    /** The next answer whose path has `part` in it ends after so many bytes. */
    cut: (part: string, bytes: number) => void cuts.set(part, bytes),
  };
}

/** A registry that holds what it is given, right or wrong. */
export async function startShelf(t: TestContext) {
  const http = await import('node:http');
  const documents = new Map<string, { bytes: Buffer; mediaType: string; headers?: Record<string, string> }>();
  const asked: { path: string; authorization: string }[] = [];
  const holds = new Map<string, { upTo: number; until: Promise<unknown> }>();
  const server = http.createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, authorization: request.headers.authorization ?? '' });
    const found = documents.get(path) ?? documents.get(path.split('?')[0] as string);
    if (!found) return void response.writeHead(404).end('{}');
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      ...found.headers,
      'Content-Type': found.mediaType,
      'Content-Length': found.bytes.length - start,
      ...(start > 0 && { 'Content-Range': `bytes ${start}-${found.bytes.length - 1}/${found.bytes.length}` }),
    });
    const hold = [...holds].find(([part]) => path.includes(part))?.[1];
    if (!hold) return void response.end(found.bytes.subarray(start));
    response.write(found.bytes.subarray(start, hold.upTo));
    void hold.until.then(() => response.end(found.bytes.subarray(Math.max(start, hold.upTo))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const described = (bytes: Buffer, mediaType: string) => ({
    mediaType,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    size: bytes.length,
  });
  return {
    host: `127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    asked,
    /** What lies at a path, with or without its query. */
    lay: (path: string, bytes: Buffer, mediaType = 'application/octet-stream', headers: Record<string, string> = {}) =>
      void documents.set(path, { bytes, mediaType, headers }),
    blob(repository: string, bytes: Buffer, mediaType: string) {
      const descriptor = described(bytes, mediaType);
      documents.set(`/v2/${repository}/blobs/${descriptor.digest}`, { bytes, mediaType: 'application/octet-stream' });
      return descriptor;
    },
    /** A manifest or an index, by its digest and by tags. */
    manifest(repository: string, document: object, ...tags: string[]) {
      const { mediaType } = document as { mediaType: string };
      const bytes = Buffer.from(JSON.stringify(document, null, 3));
      const descriptor = described(bytes, mediaType);
      for (const name of [descriptor.digest, ...tags])
        documents.set(`/v2/${repository}/manifests/${name}`, { bytes, mediaType });
      return { ...descriptor, bytes };
    },
    /** Answers whose path has `part` in it stop after so many bytes, until something has happened. */
    hold: (part: string, upTo: number, until: Promise<unknown>) => void holds.set(part, { upTo, until }),
  };
}

/** A tar of files: path to text. */
export async function tarOf(files: Record<string, string>): Promise<Buffer> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name, mtime: new Date(1_700_000_000_000) }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
