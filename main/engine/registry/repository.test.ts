import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference, Registry, type RegistryAuth } from './index.js';
import { parseChallenge } from './auth.js';
import { serve, type Answer, type Seen, type TestServer } from './testing-registry.js';

const hex = 'a'.repeat(64);
const digest = `sha256:${hex}`;
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const me: RegistryAuth = { username: 'me', password: 's3cret' };

const registry = (options = {}) => new Registry({ env: {}, backOffMs: 1, ...options });
const at = ({ host }: TestServer, path = 'a/b', auth?: RegistryAuth) =>
  registry().repository(parseReference(`${host}/${path}:1`), auth);

/** A registry that wants tokens of a server (the one fake of its kind: a token server has no counterpart on this machine). */
async function withTokens(
  registryAnswer: (request: Seen, server: TestServer) => Answer = () => ({ body: 'ok' }),
  tokenAnswer: (query: URLSearchParams, request: Seen) => Answer = () => ({}),
) {
  let count = 0;
  const tokens = await serve((request) => {
    const query = new URLSearchParams(request.method === 'POST' ? request.body : request.url.split('?')[1]);
    return { body: { token: `t${++count}`, expires_in: 300 }, ...tokenAnswer(query, request) };
  });
  const server = await serve((request, itself) => {
    if (!request.authorization.startsWith('Bearer '))
      return {
        status: 401,
        headers: { 'WWW-Authenticate': `Bearer realm="http://${tokens.host}/token",service="reg"` },
      };
    return registryAnswer(request, itself);
  });
  const asked = () =>
    tokens.seen.map(({ url, method, body }) =>
      new URLSearchParams(method === 'POST' ? body : url.split('?')[1]).getAll('scope').join(' '),
    );
  return {
    server,
    tokens,
    asked,
    async [Symbol.asyncDispose]() {
      await tokens[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test('a token is asked for what is done, once for each, also for a mount from another repository', async () => {
  await using all = await withTokens();
  const repository = at(all.server, 'a/b', me);
  await repository.blobSize(digest);
  await repository.blobSize(digest);
  await Promise.all([1, 2, 3].map(() => repository.request('POST', 'blobs/uploads/')));
  await repository.request('POST', 'blobs/uploads/', { query: { mount: digest, from: 'c' }, mountFrom: 'c' });
  assert.deepEqual(all.asked(), [
    'repository:a/b:pull',
    'repository:a/b:pull,push',
    'repository:a/b:pull,push repository:c:pull',
  ]);
  assert.ok(all.tokens.seen.every(({ authorization }) => authorization === 'Basic bWU6czNjcmV0'));
  // The registry was asked without a token once: after that it is known what it wants.
  assert.equal(all.server.seen.filter(({ authorization }) => authorization === '').length, 1);
});

test('a token that the registry refuses is replaced once, with all that the registry wants to see', async () => {
  const accepted = new Set(['Bearer t2']);
  await using all = await withTokens(({ authorization }) =>
    accepted.has(authorization)
      ? {}
      : {
          status: 401,
          headers: {
            'WWW-Authenticate': `Bearer realm="http://${all.tokens.host}/token",service="reg",scope="repository:a/b:pull,push"`,
          },
        },
  );
  const repository = at(all.server);
  await repository.blobSize(digest);
  assert.deepEqual(all.asked(), ['repository:a/b:pull', 'repository:a/b:pull,push']);
  accepted.clear();
  await assert.rejects(repository.blobSize(digest), { reason: 'unauthorized' });
});

test('an identity token is exchanged, never sent to the registry', async () => {
  await using all = await withTokens();
  await at(all.server, 'a/b', { identitytoken: 'lasting' }).blobSize(digest);
  const [request] = all.tokens.seen;
  assert.equal(request?.method, 'POST');
  const form = new URLSearchParams(request?.body);
  assert.equal(form.get('grant_type'), 'refresh_token');
  assert.equal(form.get('refresh_token'), 'lasting');
  assert.ok(!JSON.stringify(all.server.seen).includes('lasting'));
});

test('credentials stay with the host they were given for (CVE-2020-15157)', async () => {
  await using thief = await serve(() => ({
    status: 401,
    headers: { 'WWW-Authenticate': `Bearer realm="http://${thief.host}/token",service="x"` },
    body: { token: 'x' },
  }));
  const elsewhere = () => `http://${thief.host.replace('127.0.0.1', 'localhost')}`;
  await using all = await withTokens(({ url }) => {
    if (url.includes('/blobs/')) return { status: 307, headers: { Location: `${elsewhere()}/stolen` } };
    return { status: 202, headers: { Location: `${elsewhere()}/upload` } };
  });
  const repository = at(all.server, 'a/b', me);
  await assert.rejects(repository.blobSize(digest), { reason: 'unauthorized' });
  await assert.rejects(repository.request('PUT', new URL(`${elsewhere()}/upload`), { body: 'x' }), {
    reason: 'unauthorized',
  });
  assert.deepEqual(thief.asked(), ['HEAD /stolen', 'PUT /upload']);
  assert.ok(thief.seen.every(({ authorization }) => authorization === ''));
});

test('a log-in service on another machine that is not encrypted gets nothing', async () => {
  await using server = await serve(() => ({
    status: 401,
    headers: { 'WWW-Authenticate': 'Bearer realm="http://tokens.example.com/token",service="x"' },
  }));
  await assert.rejects(at(server, 'a', me).manifest('1'), /sends log-ins to .*not encrypted: refused/);
});

test('a failure of the moment is tried again; what the registry means is not', async () => {
  let troubles: Answer[] = [{ status: 503 }, { cut: true }];
  await using server = await serve(() => troubles.shift() ?? { headers: { 'Content-Type': MANIFEST }, body: '{}' });
  const repository = at(server);
  // Once it is known that it does not speak TLS.
  assert.equal((await repository.manifest('1')).mediaType, MANIFEST);
  troubles = [{ status: 502 }, { status: 504 }, { status: 503 }];
  await assert.rejects(repository.manifest('1'), { reason: 'unavailable', status: 503 });
  for (const status of [400, 403, 404, 500]) {
    const before = server.seen.length;
    troubles = [{ status }];
    await assert.rejects(repository.manifest('1'), { status });
    assert.equal(server.seen.length, before + 1);
  }
});

test('what was tried is tried again: a plain registry that cuts the line is told as such, every time', async () => {
  await using server = await serve(() => ({ cut: true }));
  const plain = registry();
  for (let time = 0; time < 3; time++) {
    const repository = plain.repository(parseReference(`${server.host}/a/b:1`));
    const before = server.seen.length;
    await assert.rejects(repository.manifest('1'), /cut the connection/);
    assert.equal(server.seen.length, before + 3);
    const source = repository.blob(digest);
    for (let again = 0; again < 2; again++)
      await assert.rejects(async () => source(0, AbortSignal.timeout(5000)), /cut the connection/);
  }
});

test('a rate limit is told with its numbers and when it opens again; a short one is waited for', async () => {
  const limits = { 'RateLimit-Limit': '100;w=21600', 'RateLimit-Remaining': '0;w=21600' };
  let troubles: Answer[] = [{ status: 429, headers: { ...limits, 'Retry-After': '660' } }];
  await using server = await serve(() => troubles.shift() ?? { body: '{}' });
  const repository = at(server);
  await assert.rejects(repository.manifest('1'), {
    reason: 'rate-limited',
    retryAfter: 660,
    message: `toomanyrequests: the registry ${server.host} allows 100 pulls in 6 hours, none is left. It answers again in 11 minutes: wait until then, log in (docker login), or use a mirror (--registry-mirror)`,
  });
  troubles = [{ status: 429, headers: limits }];
  await assert.rejects(repository.manifest('1'), /none is left\. Wait up to 6 hours, log in/);
  troubles = [{ status: 429, headers: { 'Retry-After': '0' } }];
  assert.equal((await repository.manifest('1')).bytes.toString(), '{}');
});

test('a log-in service that is busy is asked again, or told with when it opens', async () => {
  const troubles: Answer[] = [{ status: 503 }];
  await using all = await withTokens(undefined, () => troubles.shift() ?? {});
  const repository = at(all.server);
  await repository.blobSize(digest);
  troubles.push({ status: 429, headers: { 'Retry-After': '90' } });
  await assert.rejects(at(all.server, 'c').blobSize(digest), { reason: 'rate-limited', retryAfter: 90 });
});

test('names and digests are checked before they become part of an address (CVE-2024-3727)', async () => {
  await using server = await serve(() => ({ body: '{}' }));
  const repository = at(server);
  for (const evil of ['sha256:../../../etc/passwd', '../../_catalog', 'sha256:', `sha512:${hex}`, 'a?b', ''])
    await assert.rejects(async () => repository.manifest(evil), { kind: 'invalid' }, evil);
  for (const evil of ['sha256:../..', `sha256:${hex}/..`, hex]) {
    assert.throws(() => repository.blob(evil), { kind: 'invalid' });
    await assert.rejects(repository.blobSize(evil), { kind: 'invalid' });
  }
  assert.deepEqual(server.seen, []);
});

test('a body that streams is sent with back-pressure, again where the registry first wants a token', async () => {
  await using all = await withTokens(({ body }) => ({ status: 201, body: String(body.length) }));
  async function* bytes() {
    for (let count = 0; count < 64; count++) yield Buffer.alloc(65536, 'x');
  }
  let made = 0;
  const response = await at(all.server).request('PATCH', 'blobs/uploads/1', { body: () => (made++, bytes()) });
  assert.equal((await response.bytes()).toString(), String(64 * 65536));
  assert.ok(made >= 2);
  // What cannot be read is said, and is not taken for the registry's failure.
  const broken = async function* () {
    yield Buffer.from('x');
    throw new Error('the disk is gone');
  };
  await assert.rejects(at(all.server).request('PATCH', 'blobs/uploads/1', { body: broken }), /the disk is gone/);
});

test('who may not push is told so in other words than who may not pull', async () => {
  await using server = await serve(() => ({ status: 403, body: { errors: [{ code: 'DENIED', message: 'no' }] } }));
  const repository = at(server);
  await assert.rejects(repository.manifest('1'), {
    kind: 'not-found',
    message: `pull access denied for ${server.host}/a/b, repository does not exist or may require 'docker login': denied: no`,
  });
  await assert.rejects(repository.putManifest('1', { mediaType: MANIFEST, bytes: Buffer.from('{}') }), {
    kind: 'forbidden',
    reason: 'denied',
    message: `push access denied for ${server.host}/a/b: denied: no. Log in as somebody who may push there (docker login)`,
  });
});

test('of several ways to log in the one by token is taken', () => {
  assert.deepEqual(parseChallenge('Basic realm="a, b", charset=UTF-8, Bearer realm="https://t/x?y=1",service="s"'), {
    scheme: 'bearer',
    parameters: { realm: 'https://t/x?y=1', service: 's' },
  });
  assert.deepEqual(parseChallenge('Negotiate, Basic realm="x\\"y"'), { scheme: 'basic', parameters: { realm: 'x"y' } });
  assert.equal(parseChallenge('Negotiate')?.scheme, 'negotiate');
  assert.equal(parseChallenge(undefined), undefined);
});
