import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parseReference, Registry } from './index.js';
import { Proxies } from './proxies.js';
import { serve } from './testing-registry.js';

const throughWhat = (url: string, env: Record<string, string>) => new Proxies(env).of(new URL(url))?.href;

test('proxies are read from the environment as dockerd reads them', () => {
  const env = { HTTP_PROXY: 'proxy.lan:3128', https_proxy: 'http://me:pass@secure.lan:8080' };
  assert.equal(throughWhat('http://a.b/v2/', env), 'http://proxy.lan:3128/');
  assert.equal(throughWhat('https://a.b/v2/', env), 'http://me:pass@secure.lan:8080/');
  assert.equal(throughWhat('https://a.b/', {}), undefined);
  for (const own of ['https://localhost:5000/', 'https://127.0.0.1/', 'https://[::1]:5000/'])
    assert.equal(throughWhat(own, env), undefined, own);
  assert.throws(
    () => throughWhat('https://a.b/', { HTTPS_PROXY: 'socks5://x:1' }),
    /HTTPS_PROXY names no proxy that can be used/,
  );
});

test('NO_PROXY spares names and what is below them, addresses, networks and ports', () => {
  const spared = (url: string, NO_PROXY: string) => throughWhat(url, { HTTPS_PROXY: 'p:1', NO_PROXY }) === undefined;
  const cases: [url: string, entry: string, spared: boolean][] = [
    ['https://a.example.com/', 'example.com', true],
    ['https://example.com/', 'example.com', true],
    ['https://badexample.com/', 'example.com', false],
    ['https://a.example.com/', '.example.com', true],
    ['https://example.com/', '.example.com', false],
    ['https://a.example.com/', '*.example.com', true],
    ['https://a.example.com/', ' other.org , EXAMPLE.com', true],
    ['https://example.com/', 'example.com:443', true],
    ['https://example.com:5000/', 'example.com:443', false],
    ['https://10.1.2.3/', '10.0.0.0/8', true],
    ['https://11.1.2.3/', '10.0.0.0/8', false],
    ['https://10.1.2.3/', '10.1.2.3', true],
    ['https://10.1.2.3/', '1.2.3', false],
    ['https://[fd00::1]/', 'fd00::/8', true],
    ['https://[fd00::1]/', 'fd00::1', true],
    ['https://[fd00::1]:5000/', '[fd00::1]:5000', true],
    ['https://a.b/', '*', true],
    ['https://a.b/', ',,', false],
  ];
  for (const [url, entry, expected] of cases)
    assert.equal(spared(url, entry), expected, `${url} with NO_PROXY=${entry}`);
});

test('what is shown of a proxy has no password', () => {
  const proxies = new Proxies({ HTTPS_PROXY: 'http://me:s3cret@proxy.lan:3128', HTTP_PROXY: 'me:s3cret@proxy.lan' });
  assert.equal(proxies.shown('HTTPS_PROXY'), 'http://xxxxx:xxxxx@proxy.lan:3128');
  assert.equal(proxies.shown('HTTP_PROXY'), 'xxxxx:xxxxx@proxy.lan');
  assert.equal(proxies.shown('NO_PROXY'), '');
});

/** A proxy that leads everything to one port of this machine, or refuses. */
async function openProxy(to: number, { refuse }: { refuse?: number } = {}) {
  const seen: { method: string; target: string; authorization: string }[] = [];
  const note = ({ method = '', url = '', headers }: http.IncomingMessage) =>
    void seen.push({ method, target: url, authorization: headers['proxy-authorization'] ?? '' });
  const server = http.createServer((request, response) => {
    note(request);
    if (refuse) return void response.writeHead(refuse).end();
    const { pathname, search } = new URL(request.url ?? '');
    http
      .request({ port: to, path: pathname + search, method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      })
      .end();
  });
  server.on('connect', (request, socket) => {
    note(request);
    if (refuse) return void socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
    const upstream = net.connect(to, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    upstream.pipe(socket).pipe(upstream);
    for (const each of [upstream, socket]) each.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    seen,
    url: `http://me:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a registry is reached through a proxy, plain or by CONNECT', async () => {
  await using server = await serve(() => ({ headers: { 'Content-Type': 'application/json' }, body: '{}' }));
  await using proxy = await openProxy(Number(server.host.split(':')[1]));
  const env = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
  const registry = new Registry({ env, insecure: ['reg.example.com:5000'], backOffMs: 1 });
  // It does not speak TLS behind the tunnel; then it is asked in plain HTTP, through the proxy too.
  const { bytes } = await registry.repository(parseReference('reg.example.com:5000/a/b:1')).manifest('1');
  assert.equal(bytes.toString(), '{}');
  assert.deepEqual(proxy.seen, [
    { method: 'CONNECT', target: 'reg.example.com:5000', authorization: 'Basic bWU6czNjcmV0' },
    { method: 'GET', target: 'http://reg.example.com:5000/v2/a/b/manifests/1', authorization: 'Basic bWU6czNjcmV0' },
  ]);
  assert.equal(server.seen[0]?.headers.host, 'reg.example.com:5000');
});

test('a proxy that refuses or is not there is told apart from the registry, without its password', async () => {
  const said = async (HTTPS_PROXY: string) => {
    const registry = new Registry({ env: { HTTPS_PROXY }, backOffMs: 1 });
    const error = await registry
      .repository(parseReference('reg.example.com/a:1'))
      .manifest('1')
      .then(
        () => assert.fail('it answered'),
        (failure: Error) => failure.message,
      );
    assert.ok(!error.includes('s3cret'), error);
    return error;
  };
  await using locked = await openProxy(1, { refuse: 407 });
  assert.match(await said(locked.url), /the proxy 127\.0\.0\.1:\d+ asks for a login: give it in HTTPS_PROXY/);
  await using strict = await openProxy(1, { refuse: 403 });
  assert.match(await said(strict.url), /lets nobody through to reg\.example\.com:443 \(status 403\): allow it there/);
  assert.match(
    await said('http://me:s3cret@127.0.0.1:1'),
    /the proxy 127\.0\.0\.1:1 cannot be used: it refuses the connection\. Check HTTP_PROXY/,
  );
});
