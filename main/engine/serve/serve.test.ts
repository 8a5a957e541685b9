import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Store } from '../../base/store.js';
import { Content } from '../content/index.js';
import type { Shelf } from '../images/index.js';
import { reachable } from './addresses.js';
import { Serve } from './index.js';

/** Engines one after the other on the same data. */
async function engines(t: TestContext) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-serve-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const content = await Content.open({ root });
  const images = { shelf: {} as Shelf, removeUnused: () => Promise.resolve() };
  return async () => {
    const store = await Store.open(join(root, 'slipway.db'), Serve.tables);
    const serve = await Serve.open({ store, content, images, retryMs: 10 });
    return {
      serve,
      async end(how: { handover: boolean }) {
        await serve.close(how);
        await store.close();
      },
    };
  };
}

test('what is left out of a change is as it was: who asked for a token is not served to everybody after it', async (t) => {
  const { serve, end } = await (await engines(t))();
  try {
    const first = await serve.start({ address: '127.0.0.1:0', token: true });
    const { token, serving } = await serve.start({ writable: true });
    assert.deepEqual(serving, { ...first.serving, writable: true, token: true });
    assert.ok(token !== undefined && token !== first.token);
    const open = await serve.start({ token: false });
    assert.deepEqual([open.serving?.token, open.token], [false, undefined]);
  } finally {
    await end({ handover: false });
  }
});

test('it goes on with the engine that is handed over to, and ends with the one that ends', async (t) => {
  const open = await engines(t);
  const first = await open();
  const { serving } = await first.serve.start({ address: '127.0.0.1:0', writable: true });
  await first.end({ handover: true });
  const second = await open();
  assert.deepEqual(await second.serve.state(), { serving });
  await second.end({ handover: false });
  const third = await open();
  assert.deepEqual(await third.serve.state(), { serving: null });
  await third.end({ handover: false });
});

test('an address that is taken when it was to go on there is told, and had as soon as it is free', async (t) => {
  const open = await engines(t);
  const first = await open();
  const { serving } = await first.serve.start({ address: '127.0.0.1:0', persist: true });
  const { address = '' } = serving ?? {};
  await first.end({ handover: false });
  const other = net.createServer().listen(Number(address.split(':')[1]), '127.0.0.1');
  await once(other, 'listening');
  const second = await open();
  const { serving: none, problem } = await second.serve.state();
  assert.deepEqual([none, problem?.address], [null, address]);
  assert.match(problem?.message ?? '', /is in use: choose another port/);
  other.close();
  while ((await second.serve.state()).problem) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(await second.serve.state(), { serving });
  await second.end({ handover: false });

  // Who stops it meanwhile is not overruled.
  const again = net.createServer().listen(Number(address.split(':')[1]), '127.0.0.1');
  await once(again, 'listening');
  const third = await open();
  assert.ok((await third.serve.state()).problem);
  await third.serve.stop();
  again.close();
  await once(again, 'close');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(await third.serve.state(), { serving: null });
  await third.end({ handover: false });
});

test('of all addresses those are told that others can call, the one of the default route first', () => {
  const address = (family: 'IPv4' | 'IPv6', text: string, internal = false) => ({
    ...{ address: text, netmask: '', mac: '', cidr: null, internal },
    ...(family === 'IPv6' ? { family, scopeid: 0 } : { family }),
  });
  const interfaces = {
    lo: [address('IPv4', '127.0.0.1', true), address('IPv6', '::1', true)],
    docker0: [address('IPv4', '172.17.0.1')],
    slipway0: [address('IPv4', '172.18.0.1')],
    eth0: [address('IPv4', '10.0.0.5'), address('IPv6', 'fe80::1')],
    wlan0: [address('IPv4', '192.168.1.5'), address('IPv6', '2001:db8::5')],
  };
  const links = { interfaces, route: 'wlan0' };
  assert.deepEqual(reachable('10.0.0.5', links), ['10.0.0.5']);
  assert.deepEqual(reachable('0.0.0.0', links), ['192.168.1.5', '10.0.0.5']);
  assert.deepEqual(reachable('::', links), ['192.168.1.5', '10.0.0.5', '2001:db8::5']);
  assert.deepEqual(reachable('0.0.0.0', { interfaces: { lo: interfaces.lo }, route: undefined }), ['127.0.0.1']);
});
