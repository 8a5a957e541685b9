import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseReference, Registry } from './index.js';
import { parseMirror } from './mirrors.js';
import { serve } from './testing-registry.js';

const digest = `sha256:${'a'.repeat(64)}`;

async function open(t: TestContext, options = {}) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-registry-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const env = { DOCKER_CONFIG: join(root, 'none'), HOME: root };
  const again = () => Registry.open({ root, env, certificates: [], backOffMs: 1, ...options });
  return { root, again, registry: await again() };
}

/** Takes connections and never says a word. */
async function silent() {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('any registry may have mirrors; one that is dead is waited for once, and then left alone for a while', async (t) => {
  const { registry } = await open(t);
  await using dead = await silent();
  await using server = await serve(() => ({ body: '{}' }));
  await registry.configure(server.host, { mirrors: [dead.url, 'http://127.0.0.1:1'] });
  const ask = () => registry.repository(parseReference(`${server.host}/a/b:1`)).manifest('1');
  await ask();
  assert.equal(dead.taken(), 1);
  await ask();
  assert.equal(dead.taken(), 1);
});

test('a mirror that was dead is asked all the same where its registry is out of reach', async (t) => {
  const { registry } = await open(t);
  const mirror = await serve(() => ({ body: '{"from":"the mirror"}' }));
  const server = await serve(() => ({ body: '{"from":"itself"}' }));
  await mirror[Symbol.asyncDispose]();
  await registry.configure(server.host, { mirrors: [`http://${mirror.host}`] });
  const ask = async () =>
    (await registry.repository(parseReference(`${server.host}/a/b:1`)).manifest('1')).bytes.toString();
  assert.equal(await ask(), '{"from":"itself"}');
  await server[Symbol.asyncDispose]();
  await assert.rejects(ask, { message: new RegExp(`the registry ${server.host} refuses the connection`) });
  await using _ = await serve(() => ({ body: '{"from":"the mirror"}' }), { port: Number(mirror.host.split(':')[1]) });
  assert.equal(await ask(), '{"from":"the mirror"}');
});

test('a mirror that has an image spares its registry; one that has not does not stand in the way', async (t) => {
  const { registry } = await open(t);
  await using mirror = await serve(({ url }) => (url.includes('/here/') ? { body: '{}' } : { status: 404 }));
  await using server = await serve(() => ({ body: '{"from":"itself"}' }));
  await registry.configure(server.host, { mirrors: [`http://${mirror.host}/cache`] });
  const ask = (path: string) => registry.repository(parseReference(`${server.host}/${path}:1`)).manifest('1');
  assert.equal((await ask('here/b')).bytes.toString(), '{}');
  assert.deepEqual(server.seen, []);
  assert.equal((await ask('there/b')).bytes.toString(), '{"from":"itself"}');
  // It is well, only without that image: it is asked for the next one.
  assert.equal((await ask('here/c')).bytes.toString(), '{}');
  assert.deepEqual(mirror.asked(), [
    'GET /v2/cache/here/b/manifests/1',
    'GET /v2/cache/there/b/manifests/1',
    'GET /v2/cache/here/c/manifests/1',
  ]);
  // What is pushed goes to the registry itself.
  await registry.repository(parseReference(`${server.host}/here/b:1`), undefined, { mirrors: false }).blobSize(digest);
  assert.equal(server.asked().at(-1), `HEAD /v2/here/b/blobs/${digest}`);
});

test("a mirror is shown its own login, never the registry's", async (t) => {
  const { registry } = await open(t);
  const guarded = (request: { authorization: string }) =>
    request.authorization ? { body: '{}' } : { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } };
  await using mirror = await serve(guarded);
  await using server = await serve(guarded);
  await registry.login(server.host, { username: 'me', password: 'registry' });
  await registry.configure(server.host, { mirrors: [`http://${mirror.host}`] });
  const ask = () => registry.repository(parseReference(`${server.host}/a/b:1`)).manifest('1');
  const shown = (seen: { authorization: string }[]) => [
    ...new Set(seen.map(({ authorization }) => Buffer.from(authorization.slice(6), 'base64').toString())),
  ];
  await ask();
  assert.deepEqual(shown(mirror.seen), ['']);
  await registry.login(mirror.host, { username: 'me', password: 'mirror' });
  server.seen.length = 0;
  await ask();
  assert.deepEqual(shown(mirror.seen), ['', 'me:mirror']);
  assert.deepEqual(server.seen, []);
});

test('what a login comes to is what the registry gives: a lasting token in the place of the password', async (t) => {
  const { root, registry } = await open(t);
  // The one fake of its kind: a token server has no counterpart on this machine.
  await using tokens = await serve(({ authorization, body }) => {
    if (body.includes('refresh_token=lasting')) return { body: { access_token: 'from-lasting' } };
    if (authorization !== `Basic ${Buffer.from('me:s3cret').toString('base64')}`) return { status: 401 };
    return { body: { token: 'short', refresh_token: 'lasting' } };
  });
  await using server = await serve(({ authorization }) =>
    /^Bearer (short|from-lasting)$/.test(authorization)
      ? { body: '{}' }
      : { status: 401, headers: { 'WWW-Authenticate': `Bearer realm="http://${tokens.host}/t",service="s"` } },
  );
  await assert.rejects(registry.login(server.host, { username: 'me', password: 'wrong' }), {
    kind: 'unauthorized',
    message: 'unauthorized: incorrect username or password',
  });
  assert.equal((await registry.logins()).size, 0);
  await registry.login(server.host, { username: 'me', password: 's3cret' });
  assert.ok(!(await readFile(join(root, 'registries/credentials.json'), 'utf8')).includes('s3cret'));
  await registry.repository(parseReference(`${server.host}/a:1`)).manifest('1');
  assert.equal(server.seen.at(-1)?.authorization, 'Bearer from-lasting');
  await registry.logout(server.host);
  await assert.rejects(
    registry.repository(parseReference(`${server.host}/a:1`)).manifest('1'),
    /authentication required/,
  );
});

test('what a client sends goes before what the engine keeps', async (t) => {
  const { registry } = await open(t);
  await using server = await serve(({ authorization }) =>
    authorization ? { body: '{}' } : { status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' } },
  );
  await registry.login(server.host, { username: 'kept', password: 'x' });
  const who = async (auth?: { username: string; password: string }) => {
    await registry.repository(parseReference(`${server.host}/a:1`), auth).manifest('1');
    return Buffer.from(server.seen.at(-1)?.authorization.slice(6) ?? '', 'base64').toString();
  };
  assert.equal(await who(), 'kept:x');
  assert.equal(await who({ username: 'sent', password: 'y' }), 'sent:y');
});

test('settings are kept, in a file that nobody else reads, and refused where they cannot be', async (t) => {
  const { root, registry, again } = await open(t, { mirrors: ['https://flag.example.com'], insecure: ['10.0.0.0/8'] });
  await registry.configure('reg.example.com', {
    mirrors: ['https://m.example.com/', 'https://m.example.com'],
    insecure: true,
  });
  await registry.configure('docker.io', { mirrors: ['https://m.example.com/hub/'] });
  assert.equal((await stat(join(root, 'registries/settings.json'))).mode & 0o777, 0o600);
  const next = await again();
  assert.deepEqual((await next.describe('reg.example.com')).mirrors, ['https://m.example.com']);
  assert.equal(next.isInsecure('reg.example.com'), true);
  assert.equal(next.isInsecure('10.1.2.3:5000'), true);
  assert.equal(next.isInsecure('11.1.2.3:5000'), false);
  assert.deepEqual(next.mirrors, ['https://m.example.com/hub', 'https://flag.example.com']);
  await next.configure('reg.example.com', { mirrors: [], insecure: false });
  assert.deepEqual(next.known(), ['docker.io', 'docker.io']);
  for (const [change, said] of [
    [{ mirrors: ['ftp://x'] }, /invalid mirror: ftp:\/\/x is not an http or https URL/],
    [{ mirrors: ['https://me:pass@x'] }, /must have no user/],
    [{ mirrors: ['https://x/UPPER'] }, /not the beginning of a repository's name/],
    [{ ca: 'nonsense' }, /the CA certificate is not in PEM/],
    [{ clientCertificate: 'x' }, /set together/],
    [{ clientCertificate: 'x', clientKey: 'y' }, /the client certificate cannot be read/],
  ] as const)
    await assert.rejects(next.configure('reg.example.com', { ...change } as object), said);
});

test('a mirror may keep another registry below a name of its own', () => {
  assert.equal(parseMirror('https://m.example.com:5000/v2/hub/').prefix, 'hub/');
  assert.equal(parseMirror('https://m.example.com').prefix, '');
  assert.equal(parseMirror('http://m.example.com/a/b').text, 'http://m.example.com/a/b');
});
