/** Pulls that cannot work, or not at once: what is said of them, what goes on where it stopped, and that nothing half-made is kept. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  api,
  busyboxArchive,
  docker,
  request,
  root,
  run,
  startEngine,
  type Ran,
  type RunningEngine,
} from '../fixtures/engine.js';
import { openRegistry, type Registry } from '../fixtures/registry.js';
import { openTroubledLine, type TroubledLine } from '../fixtures/trouble.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root for its own network', timeout: 300_000 };

let engine: RunningEngine;
let registry: Registry;
let line: TroubledLine;
before(async () => {
  if (needs.skip) return;
  registry = await openRegistry({ from: `docker-archive:${await busyboxArchive()}:busybox:test`, as: 'busybox:1' });
  line = await openTroubledLine(registry.host);
  engine = await startEngine();
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await line?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
});

const slipway = (args: string[]): Promise<Ran> =>
  run(process.execPath, [path.join(root, 'out/cli/slipway.cjs'), ...args], {
    env: { DOCKER_HOST: `unix://${engine.socket}` },
  });

/** Both command lines and the API say the same; nothing is kept. */
async function refused(name: string, said: RegExp): Promise<void> {
  for (const ran of [await docker(engine, ['pull', '-q', name]), await slipway(['pull', '-q', name])]) {
    assert.equal(ran.code, 1, ran.stdout);
    assert.match(ran.stderr.trim(), new RegExp(`^(Error response from daemon: )?${said.source}$`, 's'));
    assert.equal(ran.stderr.trim().split('\n').length, 1, ran.stderr);
  }
  // Without a tag all of them would be meant.
  const tag = /[:@][^/]*$/.test(name) ? '' : '&tag=latest';
  const answer = await request(engine.socket, 'POST', `/images/create?fromImage=${encodeURIComponent(name)}${tag}`);
  const last = JSON.parse(answer.body.toString().trim().split('\n').pop()!) as { message?: string; error?: string };
  assert.match(last.message ?? last.error ?? '', new RegExp(`^${said.source}$`, 's'));
  assert.deepEqual(await kept(), []);
}

/** What lies in the data root besides the database, below it. */
async function kept(): Promise<string[]> {
  const folders = ['blobs/sha256', 'ingest', 'layers'];
  return (await Promise.all(folders.map((name) => readdir(path.join(engine.dataRoot, name))))).flat();
}

/** The layer and its size, as the registry has them. */
async function theLayer(): Promise<{ digest: string; size: number }> {
  const response = await fetch(`http://${registry.host}/v2/busybox/manifests/1`, {
    headers: { Accept: 'application/vnd.docker.distribution.manifest.v2+json' },
  });
  const { layers } = (await response.json()) as { layers: { digest: string; size: number }[] };
  return layers[0]!;
}

const requestsFor = (digest: string) =>
  line.passed.filter(({ path }) => path.includes(digest)).map(({ range, bytes }) => [range, bytes]);

/** So much of a layer is on the disk. */
async function hasArrived(digest: string, bytes: number): Promise<void> {
  const part = path.join(engine.dataRoot, 'ingest', digest.slice('sha256:'.length));
  while ((await stat(part).catch(() => undefined))?.size !== bytes) await sleep(10);
}

async function works(name: string): Promise<void> {
  assert.equal((await docker(engine, ['run', '--rm', '--network', 'none', name, 'echo', 'whole'])).stdout, 'whole\n');
  await docker(engine, ['rmi', '-f', name]);
  // The removal is answered before the data has gone.
  for (let tries = 0; tries < 5000 && (await kept()).length > 0; tries++) await sleep(20);
  assert.deepEqual(await kept(), []);
}

test('what is wrong with a name or a registry is one sentence, and nothing is kept', needs, async () => {
  const manifest = (trouble: Parameters<TroubledLine['meet']>[0]) =>
    line.meet((path) => (path.includes('/manifests/') ? trouble(path) : undefined));
  const name = `${line.host}/busybox:1`;
  await refused(`${line.host}/busybox:nosuch`, /manifest for .*busybox:nosuch not found: .*/);
  await refused(`${line.host}/no/such:1`, /repository .* not found: .*|manifest for .* not found: .*/);
  await refused(
    '127.0.0.1:1/x',
    /the registry 127.0.0.1:1 refuses the connection: .*Check its address, and that it runs/,
  );
  manifest(() => ({ kind: 'hang up' }));
  await refused(name, /the registry .* cut the connection.*/);
  manifest(() => ({ kind: 'answer', status: 429, body: '{"errors":[{"code":"TOOMANYREQUESTS"}]}' }));
  await refused(name, /toomanyrequests: .*Wait a while, log in .*/);
  manifest(() => ({ kind: 'answer', status: 502, body: '<h1>Bad gateway</h1>' }));
  await refused(name, /the registry .* answered with status 502: try again later/);
  manifest(() => ({ kind: 'answer', status: 200, body: '<h1>Log in to the hotel</h1>' }));
  await refused(name, /.*(not|neither).*/);
  line.meet((path) => (path.includes('/blobs/') ? { kind: 'falsify' } : undefined));
  await refused(name, /the content does not match its digest and was refused: expected sha256:.*, got sha256:.*/);
  line.meet(() => undefined);
});

test('a registry whose certificate nobody knows, or that has none, is refused with the way out', needs, async (t) => {
  const address = '198.51.100.7';
  if ((await run('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])).code !== 0)
    return t.skip('no network of its own');
  t.after(() => run('ip', ['address', 'del', `${address}/32`, 'dev', 'lo']));
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-cert-'));
  t.after(() => rm(folder, { recursive: true }));
  const [key, cert] = [path.join(folder, 'key'), path.join(folder, 'cert')];
  const made = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=somebody', '-keyout', key, '-out', cert],
  ]);
  assert.equal(made.code, 0, made.stderr);
  const certificate = { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  await using secret = await openTroubledLine(registry.host, { address, certificate });
  await using open = await openTroubledLine(registry.host, { address });
  await refused(
    `${secret.host}/busybox:1`,
    /the certificate of the registry .* is not trusted .*--insecure-registry .*/,
  );
  await refused(`${open.host}/busybox:1`, /the registry .* does not speak HTTPS.*--insecure-registry .*/);
  await using trusting = await startEngine({
    flags: ['--insecure-registry', secret.host, '--insecure-registry', `${address}/32`],
  });
  for (const { host } of [secret, open])
    assert.equal((await docker(trusting, ['pull', `${host}/busybox:1`])).code, 0, host);
});

test('a layer cut at byte N goes on with a Range request, and no byte moves twice', needs, async () => {
  const { digest, size } = await theLayer();
  const cutAt = Math.floor(size / 3);
  line.passed.length = 0;
  let cuts = 1;
  line.meet((path) => (path.includes(digest) && cuts-- > 0 ? { kind: 'cut', after: cutAt } : undefined));
  const ran = await docker(engine, ['pull', `${line.host}/busybox:1`]);
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(requestsFor(digest), [
    ['', cutAt],
    [`bytes=${cutAt}-`, size - cutAt],
  ]);
  await works(`${line.host}/busybox:1`);
});

test('after kill -9 in the middle of a layer the pull goes on where it stopped', needs, async () => {
  const { digest, size } = await theLayer();
  const heldAt = Math.floor(size / 2);
  line.passed.length = 0;
  line.meet((path) => (path.includes(digest) ? { kind: 'hold', after: heldAt } : undefined));
  const pull = docker(engine, ['pull', '-q', `${line.host}/busybox:1`]);
  await hasArrived(digest, heldAt);
  await engine.kill();
  assert.notEqual((await pull).code, 0);
  await engine.restart();
  assert.deepEqual(await api(engine.socket, 'GET', '/images/json'), []);
  line.meet(() => undefined);
  const again = await docker(engine, ['pull', `${line.host}/busybox:1`]);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(requestsFor(digest), [
    ['', heldAt],
    [`bytes=${heldAt}-`, size - heldAt],
  ]);
  await works(`${line.host}/busybox:1`);
});

test('a client that goes away ends its pull; three that come later go on with it together', needs, async () => {
  const { digest, size } = await theLayer();
  const heldAt = Math.floor(size / 4);
  line.passed.length = 0;
  line.meet((path) => (path.includes(digest) ? { kind: 'hold', after: heldAt } : undefined));
  const leaving = spawn('docker', ['pull', `${line.host}/busybox:1`], {
    env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}`, DOCKER_CONFIG: '/nonexistent' },
    stdio: 'ignore',
  });
  const left = once(leaving, 'exit');
  await hasArrived(digest, heldAt);
  leaving.kill('SIGINT');
  await left;
  line.meet(() => undefined);
  const pulls = await Promise.all(['a', 'b', 'c'].map(() => docker(engine, ['pull', '-q', `${line.host}/busybox:1`])));
  for (const { code, stderr } of pulls) assert.equal(code, 0, stderr);
  assert.deepEqual(requestsFor(digest), [
    ['', heldAt],
    [`bytes=${heldAt}-`, size - heldAt],
  ]);
  await works(`${line.host}/busybox:1`);
});
