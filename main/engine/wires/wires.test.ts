import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conflict } from '../../base/errors.js';
import { formatSubnet, parseSubnet, Wires } from './index.js';
import { parseIpv6Routes, parseRoutes } from './routes.js';

const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t008012AC\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0
`;

const table6 = `fd000017000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001    wlan0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003    wlan0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000005 00000000 80200001       lo
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`;

/** Remembers what was asked of the helper. */
function fakeHelper() {
  const asked: string[] = [];
  return {
    asked,
    bridge: async ({ name, addresses }: { name: string; addresses: string[] }) =>
      void asked.push(`bridge ${name} ${addresses.join(' ')}`),
    bridgeRemove: async () => true,
    nft: async () => undefined,
  };
}

test('the routing table is read with its masks', () => {
  const routes = parseRoutes(table).map((route) => `${route.link} ${formatSubnet(route)}`);
  assert.deepEqual(routes, ['eth0 0.0.0.0/0', 'docker0 172.17.0.0/16', 'tun0 172.18.128.0/20']);
});

test('so is that of IPv6, without what is the machine itself', () => {
  const routes = parseIpv6Routes(table6).map((route) => `${route.link} ${formatSubnet(route)}`);
  assert.deepEqual(routes, ['wlan0 fd00:17::/64', 'wlan0 ::/0']);
});

test('what is taken is what routes lead to, but for the default ones and those of a bridge of ours', async () => {
  const wires = new Wires(fakeHelper(), async () => [...parseRoutes(table), ...parseIpv6Routes(table6)]);
  const taken = (await wires.taken({ except: ['docker0'] })).map(formatSubnet);
  assert.deepEqual(taken, ['172.18.128.0/20', 'fd00:17::/64']);
});

test('a range that a route leads into is passed over, however small the route', async () => {
  const wires = new Wires(fakeHelper(), async () => parseRoutes(table));
  assert.equal(formatSubnet(await wires.freeSubnet()), '172.19.0.0/16');
});

test('the range of before is kept while it is free, and the route of its own bridge does not count', async () => {
  const wires = new Wires(fakeHelper(), async () => parseRoutes(table));
  const of = async (subnet: string, bridge?: string) =>
    formatSubnet(await wires.freeSubnet(parseSubnet(subnet), bridge));
  assert.equal(await of('172.25.0.0/16'), '172.25.0.0/16');
  assert.equal(await of('172.17.0.0/16'), '172.19.0.0/16');
  assert.equal(await of('172.17.0.0/16', 'docker0'), '172.17.0.0/16');
});

test('no range free is said with the way out', async () => {
  const all = async () => [{ link: 'eth0', ...parseSubnet('128.0.0.0/1') }];
  await assert.rejects(new Wires(fakeHelper(), all).freeSubnet(), { kind: 'unavailable', message: /--network host/ });
});

test('a bridge is made once, and again after a failure', async () => {
  const helper = fakeHelper();
  const wires = new Wires(helper, async () => []);
  const bridge = { name: 'slipway7', addresses: ['172.17.0.1/16'] };
  const make = helper.bridge;
  helper.bridge = async () => Promise.reject(conflict('somebody else has it'));
  await assert.rejects(wires.ensure(bridge), { kind: 'conflict' });
  helper.bridge = make;
  await Promise.all([wires.ensure(bridge), wires.ensure(bridge)]);
  assert.deepEqual(helper.asked, ['bridge slipway7 172.17.0.1/16']);
});

test('a bridge that is asked for in another way is made so', async () => {
  const helper = fakeHelper();
  const wires = new Wires(helper, async () => []);
  await wires.ensure({ name: 'slipway7', addresses: ['172.17.0.1/16'] });
  await wires.ensure({ name: 'slipway7', addresses: ['172.17.0.1/16', 'fd00::1/64'] });
  assert.deepEqual(helper.asked, ['bridge slipway7 172.17.0.1/16', 'bridge slipway7 172.17.0.1/16 fd00::1/64']);
});

test('a bridge that links of ended containers are still on is taken away once they have gone', async () => {
  const helper = fakeHelper();
  const answers = [false, false, true];
  const asked: string[] = [];
  helper.bridgeRemove = async () => (asked.push('bridge-remove'), answers.shift() ?? true);
  await new Wires(helper, async () => []).remove({ name: 'lo', addresses: [] }); // one that every machine has
  assert.deepEqual(asked, ['bridge-remove', 'bridge-remove', 'bridge-remove']);
});
