import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { digestOf } from '../content/index.js';
import { mountBlob, parseReference, Registry, uploadBlob, type Repository, type Upload } from './index.js';

const MIB = 1024 * 1024;

interface Fake {
  repository: Repository;
  /** `METHOD path?query`, in the order that they came. */
  requests: string[];
  /** What has come of the upload that is under way. */
  got: Buffer[];
  /** Blobs that are whole. */
  blobs: Map<string, Buffer>;
}

interface Behaviour {
  /** Bytes of the upload's first request after which the connection is cut. */
  cutAfter?: number;
  /** Answers to the first requests that upload; undefined: as usual. */
  refusals?: { status: number; headers?: Record<string, string>; code?: string }[];
  /** After a cut nothing is known of the upload. */
  forgetful?: boolean;
  /** The answer to the first PUT is lost. */
  swallowAnswer?: boolean;
}

/** A registry of one repository, on loopback, that misbehaves as told. */
async function fakeRegistry(t: TestContext, behaviour: Behaviour = {}): Promise<Fake> {
  const { refusals = [] } = behaviour;
  const fake = { requests: [] as string[], got: [] as Buffer[], blobs: new Map<string, Buffer>() };
  let session = 0;
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://fake');
    fake.requests.push(`${request.method} ${url.pathname}${url.search}`);
    const answer = (status: number, headers: Record<string, string> = {}, body = '') =>
      response.writeHead(status, { 'Content-Length': String(Buffer.byteLength(body)), ...headers }).end(body);
    const place = () => ({ Location: `/v2/me/app/blobs/uploads/${session}?state=a%2Bb`, Range: range() });
    const range = () => `0-${Math.max(0, Buffer.concat(fake.got).length - 1)}`;
    const receive = async () => {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        fake.got.push(chunk);
        if (behaviour.cutAfter !== undefined && Buffer.concat(fake.got).length >= behaviour.cutAfter) {
          behaviour.cutAfter = undefined;
          if (behaviour.forgetful) session = -1;
          request.socket.destroy();
          return false;
        }
      }
      return true;
    };
    void (async () => {
      if (request.method === 'HEAD') {
        const blob = fake.blobs.get(url.pathname.split('/').at(-1) ?? '');
        return blob ? answer(200, { 'Content-Length': String(blob.length) }) : answer(404);
      }
      if (request.method === 'POST') {
        const from = url.searchParams.get('from');
        if (from === 'me/base') return answer(201);
        session = Math.abs(session) + 1;
        fake.got.length = 0;
        return answer(202, place());
      }
      if (Number(url.pathname.split('/').at(-1)) !== session) {
        request.resume();
        return answer(404, {}, JSON.stringify({ errors: [{ code: 'BLOB_UPLOAD_UNKNOWN', message: 'gone' }] }));
      }
      if (request.method === 'GET') return answer(204, place());
      if (request.method === 'DELETE') return answer(204);
      const refusal = refusals.shift();
      if (refusal) {
        request.resume();
        const said = JSON.stringify({ errors: [{ code: refusal.code ?? 'UNKNOWN', message: 'not now' }] });
        return answer(refusal.status, refusal.headers, said);
      }
      assert.equal(url.searchParams.get('state'), 'a+b', 'the address of an upload is used as it was given');
      if (!(await receive())) return undefined;
      if (request.method === 'PATCH') return answer(202, place());
      const bytes = Buffer.concat(fake.got);
      const digest = url.searchParams.get('digest') ?? '';
      if (digestOf(bytes) !== digest) return answer(400, {}, '{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}');
      fake.blobs.set(digest, bytes);
      if (behaviour.swallowAnswer) {
        behaviour.swallowAnswer = false;
        return request.socket.destroy();
      }
      return answer(201);
    })().catch(() => undefined); // the client has gone
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const reference = parseReference(`127.0.0.1:${(server.address() as AddressInfo).port}/me/app`);
  const repository = new Registry({ env: {}, backOffMs: 1 }).repository(reference, undefined, { mirrors: false });
  return { ...fake, repository };
}

function blobOf(bytes: Buffer): Upload & { bytes: Buffer; opened: number[] } {
  const opened: number[] = [];
  return {
    ...{ bytes, opened, digest: digestOf(bytes), size: bytes.length },
    async *open(offset) {
      opened.push(offset);
      for (let at = offset; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024);
      await Promise.resolve();
    },
  };
}

const said = (requests: string[], method: string) => requests.filter((line) => line.startsWith(`${method} `));

test('a large blob is streamed, a small one goes in one request', async (t) => {
  const { repository, requests, blobs } = await fakeRegistry(t);
  for (const blob of [blobOf(randomBytes(3 * MIB + 1)), blobOf(randomBytes(100)), blobOf(Buffer.alloc(0))]) {
    const seen: number[] = [];
    await uploadBlob(repository, blob, { onBytes: (current) => seen.push(current) });
    assert.deepEqual(blobs.get(blob.digest), blob.bytes);
    assert.equal(seen.at(-1), blob.size);
  }
  assert.equal(said(requests, 'PATCH').length, 1);
  assert.equal(said(requests, 'PUT').length, 3);
});

test('an upload that was cut off goes on where it stopped', async (t) => {
  const { repository, requests, blobs } = await fakeRegistry(t, { cutAfter: MIB });
  const blob = blobOf(randomBytes(4 * MIB));
  const waits: number[] = [];
  await uploadBlob(repository, blob, { second: 1, onRetry: (seconds) => waits.push(seconds) });
  assert.deepEqual(blobs.get(blob.digest), blob.bytes);
  assert.equal(said(requests, 'POST').length, 1, 'the same upload went on');
  assert.ok((blob.opened.at(-1) ?? 0) >= MIB, `opened at ${blob.opened.join()}`);
  assert.deepEqual(waits, [1]);
});

test('an upload that the registry knows nothing of any more is begun anew', async (t) => {
  const { repository, requests, blobs } = await fakeRegistry(t, { cutAfter: MIB, forgetful: true });
  const blob = blobOf(randomBytes(4 * MIB));
  await uploadBlob(repository, blob, { second: 1 });
  assert.deepEqual(blobs.get(blob.digest), blob.bytes);
  assert.equal(said(requests, 'POST').length, 2);
});

test('who was not told that it arrived finds it there', async (t) => {
  const { repository, blobs, requests } = await fakeRegistry(t, { swallowAnswer: true });
  const blob = blobOf(randomBytes(MIB));
  await uploadBlob(repository, blob, { second: 1 });
  assert.ok(blobs.has(blob.digest));
  assert.equal(said(requests, 'PUT').length, 1);
});

test('a registry that asks for patience gets it, one that fails is given up on', async (t) => {
  const busy = { status: 429, headers: { 'Retry-After': '3' }, code: 'TOOMANYREQUESTS' };
  const patient = await fakeRegistry(t, { refusals: [busy, { status: 500 }] });
  const blob = blobOf(randomBytes(MIB));
  const waits: number[] = [];
  await uploadBlob(patient.repository, blob, { second: 1, onRetry: (seconds) => waits.push(seconds) });
  assert.deepEqual(waits, [3, 2, 1, 2, 1]);

  const broken = await fakeRegistry(t, { refusals: Array.from({ length: 9 }, () => ({ status: 500 })) });
  await assert.rejects(uploadBlob(broken.repository, blob, { second: 1 }), { kind: 'unavailable' });
  assert.equal(said(broken.requests, 'PATCH').length, 5);
});

test('a refusal is not tried again', async (t) => {
  const { repository, requests } = await fakeRegistry(t, { refusals: [{ status: 403, code: 'DENIED' }] });
  await assert.rejects(uploadBlob(repository, blobOf(randomBytes(MIB)), { second: 1 }), /denied/);
  assert.equal(said(requests, 'PATCH').length, 1);
});

test('an upload that is called off is taken back', async (t) => {
  const { repository, requests } = await fakeRegistry(t);
  const control = new AbortController();
  const blob = blobOf(randomBytes(2 * MIB));
  const stopping = {
    ...blob,
    async *open(offset: number) {
      yield* blob.open(offset);
      control.abort(new Error('called off'));
      await new Promise(() => undefined);
    },
  };
  await assert.rejects(uploadBlob(repository, { ...stopping, size: blob.size + 1 }, { signal: control.signal }), {
    message: 'called off',
  });
  for (let tries = 0; said(requests, 'DELETE').length === 0; tries++) {
    assert.ok(tries < 500, 'the registry was not told');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('a blob is mounted from a repository that has it, or an upload is begun', async (t) => {
  const { repository, requests } = await fakeRegistry(t);
  const digest = digestOf('x');
  assert.equal(await mountBlob(repository, digest, 'me/base'), undefined);
  assert.match((await mountBlob(repository, digest, 'me/other'))?.pathname ?? '', /\/v2\/me\/app\/blobs\/uploads\/1$/);
  assert.match(requests[0] ?? '', /mount=sha256%3A\w+&from=me%2Fbase/);
});
