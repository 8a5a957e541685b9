/**
 * Registries as they stand in companies, with Debian's own one: TLS of a private authority, passwords, tokens, client certificates, a proxy
 * on the way. Docker's command line and ours; dockerd as the one to compare with.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Registry, RegistryNames } from '../../main/contract/registries.js';
import {
  api,
  busyboxArchive,
  docker,
  request,
  root,
  run,
  startDockerd,
  startEngine,
  type Ran,
  type RunningEngine,
} from '../fixtures/engine.js';
import {
  openAuthority,
  openGuardedRegistry,
  openTunnelProxy,
  PASSWORD,
  USER,
  type Authority,
  type GuardedRegistry,
} from '../fixtures/guarded-registry.js';
import { readSchema } from './schema/schema.js';

const ADDRESS = '198.51.100.8';
const needs = {
  skip:
    (process.getuid?.() !== 0 && 'needs root for an address of its own') ||
    (!process.env['SLIPWAY_TEST_NETNS'] && 'needs a network namespace of its own'),
  timeout: 600_000,
};

let folder: string;
let authority: Authority;
let registry: GuardedRegistry;
let proxy: Awaited<ReturnType<typeof openTunnelProxy>>;
let engine: RunningEngine;
before(async () => {
  if (needs.skip) return;
  await run('ip', ['address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-registries-'));
  authority = await openAuthority();
  const from = `docker-archive:${await busyboxArchive()}:busybox:test`;
  registry = await openGuardedRegistry({ address: ADDRESS, authority, from, as: 'private/busybox:1' });
  proxy = await openTunnelProxy();
  engine = await startEngine({ env: { HTTPS_PROXY: proxy.url, DOCKER_CONFIG: path.join(folder, 'nobody') } });
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await registry?.[Symbol.asyncDispose]();
  await authority?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
  await run('ip', ['address', 'del', `${ADDRESS}/32`, 'dev', 'lo']);
});

const slipway = (on: { socket: string }, args: string[], input = ''): Promise<Ran> =>
  run(process.execPath, [path.join(root, 'out/cli/slipway.cjs'), ...args], {
    input,
    env: { DOCKER_HOST: `unix://${on.socket}` },
  });

const at = (host: string, more = '') => `/slipway/registries/${encodeURIComponent(host)}${more}`;
const image = () => `${registry.host}/private/busybox:1`;

async function known(host: string, on: { socket: string } = engine): Promise<Registry | undefined> {
  const { registries } = await api<{ registries: Registry[] }>(on.socket, 'GET', '/slipway/registries');
  return registries.find((each) => each.host === host);
}

test(
  'docker login, pull and logout work with a private authority, once the engine trusts it, through the proxy',
  needs,
  async () => {
    const env = { DOCKER_CONFIG: path.join(folder, 'person') };
    const login = (password: string) =>
      docker(engine, ['login', '-u', USER, '--password-stdin', registry.host], { input: password, env });
    const distrusted = await login(PASSWORD);
    assert.equal(distrusted.code, 1);
    assert.match(distrusted.stderr, /certificate of the registry .* is not trusted/);

    const { host, certificates } = await api<Registry>(engine.socket, 'PUT', at(registry.host), {
      ca: authority.certificate,
    });
    assert.deepEqual({ host, certificates }, { host: registry.host, certificates: { ca: true, client: false } });
    const wrong = await login('wrong');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /unauthorized: incorrect username or password/);
    const right = await login(PASSWORD);
    assert.equal(right.code, 0, right.stderr);
    assert.match(right.stdout, /Login Succeeded/);

    // The engine knows nobody: the login is the command line's own, and comes with the request.
    const nobody = await docker(engine, ['pull', image()]);
    assert.match(nobody.stderr, /pull access denied for .*may require 'docker login'/);
    const pulled = await docker(engine, ['pull', '-q', image()], { env });
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.ok(proxy.seen.length > 0 && proxy.seen.every((target) => target === registry.host), String(proxy.seen));
    assert.equal((await docker(engine, ['rmi', image()])).code, 0);
    assert.equal((await docker(engine, ['logout', registry.host], { env })).code, 0);
    assert.notEqual((await docker(engine, ['pull', '-q', image()], { env })).code, 0);
  },
);

test('slipway login is kept by the engine, for everybody who speaks to it and for the next engine', needs, async () => {
  await api(engine.socket, 'PUT', at(registry.host), { ca: authority.certificate });
  for (const args of [
    ['login', '-u', USER, '-p', 'x', '--password-stdin', registry.host],
    ['login', '--password-stdin', registry.host],
    ['login', '-u', USER, registry.host],
  ]) {
    const [mine, theirs] = await Promise.all([slipway(engine, args), docker(engine, args)]);
    assert.deepEqual([mine.code, mine.stderr], [theirs.code, theirs.stderr]);
  }
  const refused = await slipway(engine, ['login', '-u', USER, '-p', 'wrong', registry.host]);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^WARNING! Using --password via the CLI is insecure\. Use --password-stdin\.\nError response from daemon: unauthorized/,
  );
  assert.equal((await known(registry.host))?.credentials, null);

  const login = await slipway(engine, ['login', '-u', USER, '--password-stdin', registry.host], `${PASSWORD}\n`);
  assert.deepEqual([login.code, login.stdout], [0, 'Login Succeeded\n'], login.stderr);
  const file = path.join(engine.dataRoot, 'registries/credentials.json');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await engine.stop();
  await engine.restart();
  const { user, credentials } = (await known(registry.host)) ?? {};
  assert.deepEqual({ user, credentials }, { user: USER, credentials: 'slipway' });
  const pulled = await docker(engine, ['pull', '-q', image()]);
  assert.equal(pulled.code, 0, pulled.stderr);
  assert.ok(!engine.log().includes(PASSWORD));
});

test('at a terminal a login is asked for, and its password is not shown', needs, async () => {
  const program = `${process.execPath} ${path.join(root, 'out/cli/slipway.cjs')}`;
  /** Each answer is typed once its question is there. */
  const typed = async (answers: [question: string, keys: string][]) => {
    const child = spawn('script', ['-qec', `${program} login ${registry.host}`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}` },
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
      if (answers[0] && stdout.includes(answers[0][0])) child.stdin.write(answers.shift()![1]);
    });
    const [code] = (await once(child, 'close')) as [number];
    return { code, stdout };
  };
  const refused = await typed([
    ['Username: ', `${USER}\r`],
    ['Password: ', 'wrong\r'],
  ]);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /unauthorized: incorrect username or password/);
  const { code, stdout } = await typed([
    ['Username: ', `x\u007f${USER}\r`],
    ['Password: ', `${PASSWORD}\r`],
  ]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /Username: .*\r\nPassword: \r\n[^]*Login Succeeded/);
  assert.ok(!stdout.includes(PASSWORD.slice(1)));
  assert.equal((await known(registry.host))?.user, USER);
});

test('what a registry holds is listed, and whether an image is newer there', needs, async () => {
  const list = (what: string) => api<RegistryNames>(engine.socket, 'GET', at(registry.host, what));
  for (const tag of ['2', '3'])
    assert.equal(
      (
        await run('skopeo', [
          ...['copy', '--quiet', '--src-tls-verify=false', '--dest-tls-verify=false'],
          ...['--src-creds', `${USER}:${PASSWORD}`, '--dest-creds', `${USER}:${PASSWORD}`],
          ...[`docker://${image()}`, `docker://${registry.host}/${tag === '2' ? 'private/busybox' : 'other'}:${tag}`],
        ])
      ).code,
      0,
    );
  assert.deepEqual(await list('/repositories?n=1'), { offered: true, names: ['other'], next: 'other' });
  assert.deepEqual(await list('/repositories?n=1&last=other'), { offered: true, names: ['private/busybox'] });
  assert.deepEqual((await list('/tags?repository=private/busybox')).names.sort(), ['1', '2']);
  const newer = await api<{ newer: boolean; digest: string; current: string }>(
    engine.socket,
    'GET',
    `/slipway/images/${image()}/newer`,
  );
  assert.equal(newer.newer, false);
  assert.equal(newer.current, newer.digest);
  assert.deepEqual(await api(engine.socket, 'GET', `/slipway/images/${image()}/referrers`), { referrers: [] });
  const logout = await slipway(engine, ['logout', registry.host]);
  assert.deepEqual(
    [logout.code, logout.stdout],
    [0, `Removing login credentials for ${registry.host}\n`],
    logout.stderr,
  );
  assert.deepEqual(await list('/repositories'), { offered: false, names: [] });
  await slipway(engine, ['rmi', image()]);
  assert.notEqual((await docker(engine, ['pull', '-q', image()])).code, 0);
  // Logging out twice is no failure, as with docker.
  assert.equal((await slipway(engine, ['logout', registry.host])).code, 0);
});

test('auth, distribution and search answer as dockerd does', needs, async (t) => {
  // Where dockerd looks for authorities; and so does ours.
  const certificates = `/etc/docker/certs.d/${registry.host}`;
  await mkdir(certificates, { recursive: true });
  t.after(() => rm(certificates, { recursive: true, force: true }));
  await writeFile(path.join(certificates, 'ca.crt'), authority.certificate);
  await api(engine.socket, 'DELETE', at(registry.host));
  assert.deepEqual((await known(registry.host))?.certificates ?? { ca: true, client: false }, {
    ca: true,
    client: false,
  });

  // The one fake of its kind: Docker Hub's search has no counterpart on this machine.
  const hub = http.createServer(({ url = '' }, response) => {
    const found = [
      {
        name: 'debian',
        description: `Debian is a\nsystem. ${'x'.repeat(60)}`,
        star_count: 5000,
        is_official: true,
        is_automated: false,
      },
      { name: 'me/debian', description: '', star_count: 3, is_official: false, is_automated: false },
    ];
    if (url.startsWith('/v1/_ping')) return void response.end('{"standalone":true}');
    response.setHeader('Content-Type', 'application/json');
    if (!url.startsWith('/v1/search?')) return void response.writeHead(404).end('{}');
    response.end(JSON.stringify({ query: 'debian', num_results: 2, results: url.includes('q=debian') ? found : [] }));
  });
  hub.listen(0, '127.0.0.1');
  await once(hub, 'listening');
  t.after(() => (hub.closeAllConnections(), hub.close()));
  const shelf = `127.0.0.1:${(hub.address() as AddressInfo).port}`;

  await using theirs = await startDockerd();
  const header = Buffer.from(JSON.stringify({ username: USER, password: PASSWORD })).toString('base64');
  const both = async (method: string, url: string, body?: unknown, headers: Record<string, string> = {}) => {
    const [mine, oracle] = await Promise.all(
      [engine, theirs].map(({ socket }) => request(socket, method, `/v1.41${url}`, body, headers)),
    );
    const [ours, expected] = [mine!, oracle!].map(
      ({ body: bytes }) => JSON.parse(bytes.toString() || 'null') as { message?: string },
    );
    // A mistake of the client's, or a registry that refuses, is not the engine's failure.
    if (oracle!.status === 500)
      assert.ok([400, 401, 404, 503].includes(mine!.status), `${method} ${url}: ${mine!.status}`);
    else
      assert.equal(mine!.status, oracle!.status, `${method} ${url}: ${ours?.message}, dockerd: ${expected?.message}`);
    if (oracle!.status < 400) assert.deepEqual(ours, expected, `${method} ${url}`);
    return oracle!.status;
  };
  const credentials = { username: USER, password: PASSWORD, serveraddress: registry.host };
  assert.equal(await both('POST', '/auth', credentials), 200);
  await both('POST', '/auth', { ...credentials, serveraddress: `https://${registry.host}/v1/` });
  await both('POST', '/auth', { ...credentials, password: 'wrong' });
  await both('POST', '/auth', { ...credentials, serveraddress: '127.0.0.1:1' });
  const described = (name: string, auth = header) =>
    both('GET', `/distribution/${name}/json`, undefined, auth ? { 'X-Registry-Auth': auth } : {});
  assert.equal(await described(image()), 200);
  await described(`${registry.host}/private/busybox:nosuch`);
  await described(`${registry.host}/no/such:1`);
  await described(image(), '');
  await described('a//b');
  await described('0'.repeat(64));
  const search = (query: string) => both('GET', `/images/search?${query}`);
  assert.equal(await search(`term=${shelf}/debian`), 200);
  await search(`term=${shelf}/nothing`);
  await search(`term=${shelf}/debian&limit=101`);
  await search(`term=https://${shelf}/debian`);
  for (const filter of [
    { 'is-official': ['true'] },
    { stars: ['4'] },
    { 'is-automated': ['true'] },
    { stars: ['x'] },
    { 'is-official': ['x'] },
    { nosuch: ['x'] },
  ])
    await search(`term=${shelf}/debian&filters=${encodeURIComponent(JSON.stringify(filter))}`);
  const schema = await readSchema();
  for (const version of ['1.24', '1.47'])
    for (const [what, method, url, body] of [
      ['POST /auth', 'POST', '/auth', credentials],
      ['GET /distribution/{name}/json', 'GET', `/distribution/${image()}/json`, undefined],
      ['GET /images/search', 'GET', `/images/search?term=${shelf}/debian`, undefined],
    ] as const) {
      const answer = await request(engine.socket, method, `/v${version}${url}`, body, { 'X-Registry-Auth': header });
      assert.equal(answer.status, 200, answer.body.toString());
      assert.deepEqual(schema.judge(what, JSON.parse(answer.body.toString())).wrong, []);
    }
  const env = { DOCKER_CONFIG: path.join(folder, 'manifests') };
  for (const args of [
    ['login', '-u', USER, '--password-stdin', registry.host],
    ['manifest', 'inspect', image()],
  ]) {
    const ran = await docker(engine, args, { input: PASSWORD, env });
    assert.equal(ran.code, 0, ran.stderr);
  }

  for (const more of [
    [],
    ['--no-trunc'],
    ['--filter', 'is-official=true'],
    ['--format', '{{.Name}} {{.StarCount}}'],
    ['--limit', '1'],
  ]) {
    const args = ['search', ...more, `${shelf}/debian`];
    const ran = await Promise.all([docker(engine, args), docker(theirs, args), slipway(engine, args)]);
    for (const { code, stdout, stderr } of ran) assert.deepEqual([code, stdout], [0, ran[1]!.stdout], stderr);
  }
});

test('tokens, certificates of clients and credential helpers: all that docker is configured with', needs, async () => {
  const from = `docker-archive:${await busyboxArchive()}:busybox:test`;
  await using guarded = await openGuardedRegistry({
    ...{ address: ADDRESS, authority, from, as: 'team/busybox:1' },
    tokens: true,
    clients: true,
  });
  const config = path.join(folder, 'config');
  const programs = path.join(folder, 'bin');
  await mkdir(config);
  await mkdir(programs);
  await writeFile(path.join(config, 'config.json'), JSON.stringify({ credHelpers: { [guarded.host]: 'test' } }));
  const helper = path.join(programs, 'docker-credential-test');
  await writeFile(
    helper,
    `#!/bin/sh
case $1 in
  get) read -r server; [ -f ${folder}/kept ] && exec cat ${folder}/kept; echo credentials not found in native keychain; exit 1;;
  store) cat > ${folder}/kept;;
  erase) rm ${folder}/kept;;
  list) [ -f ${folder}/kept ] && echo '{"${guarded.host}":"${USER}"}' || echo '{}';;
esac\n`,
  );
  await chmod(helper, 0o755);
  await using other = await startEngine({ env: { DOCKER_CONFIG: config, PATH: `${programs}:${process.env['PATH']}` } });
  const name = `${guarded.host}/team/busybox:1`;
  const settings = (change: object) => request(other.socket, 'PUT', at(guarded.host), change);
  assert.equal((await settings({ ca: authority.certificate })).status, 200);
  const strangers = await docker(other, ['pull', name]);
  assert.match(strangers.stderr, /wants a client certificate of us/);
  const [mine, another] = await Promise.all([authority.issue('mine'), authority.issue('another')]);
  const mixed = await settings({ clientCertificate: mine.certificate, clientKey: another.key });
  assert.equal(mixed.status, 400);
  assert.match(mixed.body.toString(), /the client key does not belong to the client certificate/);
  assert.equal((await settings({ clientCertificate: mine.certificate, clientKey: mine.key })).status, 200);
  assert.equal((await stat(path.join(other.dataRoot, 'registries/settings.json'))).mode & 0o777, 0o600);
  assert.match((await docker(other, ['pull', name])).stderr, /pull access denied/);
  assert.deepEqual(new Set(guarded.scopes), new Set(['repository:team/busybox:pull']));

  const login = await slipway(other, ['login', '-u', USER, '--password-stdin', guarded.host], PASSWORD);
  assert.deepEqual([login.code, login.stdout, login.stderr], [0, 'Login Succeeded\n', '']);
  assert.ok((await readFile(path.join(folder, 'kept'), 'utf8')).includes(PASSWORD));
  const { user, credentials, helper: keeper } = (await known(guarded.host, other)) ?? {};
  assert.deepEqual({ user, credentials, keeper }, { user: USER, credentials: 'helper', keeper: 'test' });
  guarded.scopes.length = 0;
  const pulled = await docker(other, ['pull', '-q', name]);
  assert.equal(pulled.code, 0, pulled.stderr);
  // Once for all that a pull asks for.
  assert.deepEqual(guarded.scopes, ['repository:team/busybox:pull']);
  // A layer that the registry has is mounted, for which its repository's own scope is asked for; the login is the engine's here, too.
  const copy = `${guarded.host}/team/copy:1`;
  await docker(other, ['tag', name, copy]);
  const pushed = await docker(other, ['push', copy]);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stdout, /Mounted from team\/busybox/);
  assert.ok(
    guarded.scopes.includes('repository:team/busybox:pull repository:team/copy:pull,push'),
    String(guarded.scopes),
  );
  const catalogue = await api<RegistryNames>(other.socket, 'GET', at(guarded.host, '/repositories'));
  assert.deepEqual(catalogue.names, ['team/busybox', 'team/copy']);
  assert.equal(guarded.scopes.at(-1), 'registry:catalog:*');
  assert.equal((await slipway(other, ['logout', guarded.host])).code, 0);
  const denied = await docker(other, ['push', copy]);
  assert.equal(denied.code, 1);
  assert.match(denied.stderr, /push access denied for .*Log in as somebody who may push there/);
  await assert.rejects(stat(path.join(folder, 'kept')));
  assert.ok(!other.log().includes(PASSWORD));
});
