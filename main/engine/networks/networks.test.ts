import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../base/store.js';
import { Networks } from './index.js';

/** A store in memory that outlives the room, as a file would. */
class FakeStore {
  readonly tables = new Map<string, Map<string, unknown>>();
  /** Commits fail. */
  full = false;

  rows<T>(table: string): Map<string, T> {
    return structuredClone(this.#table(table)) as Map<string, T>;
  }

  async commit(build: (change: Change) => void): Promise<void> {
    const reverts: (() => void)[] = [];
    build({
      undo: (revert) => void reverts.unshift(revert),
      put: (table, key, record) => void this.#table(table).set(key, structuredClone(record)),
      remove: (table, key) => void this.#table(table).delete(key),
      urgent: () => undefined,
      passing: () => undefined,
    });
    if (!this.full) return;
    reverts.forEach((revert) => revert());
    throw new Error('no space left on device');
  }

  #table(name: string): Map<string, unknown> {
    const table = this.tables.get(name) ?? new Map<string, unknown>();
    this.tables.set(name, table);
    return table;
  }
}

class FakeHelper {
  readonly asked: object[] = [];

  async bridge(request: object): Promise<void> {
    this.asked.push(request);
  }
  async bridgeRemove(name: string): Promise<boolean> {
    this.asked.push({ remove: name });
    return true;
  }
  async nft(): Promise<void> {}
  async endpoint(request: object): Promise<{ mac: string }> {
    this.asked.push(request);
    return { mac: '' };
  }
  async endpointRemove(request: object): Promise<void> {
    this.asked.push(request);
  }
  companion(): Promise<{ started: boolean }> {
    return Promise.reject(new Error('there is none in this test'));
  }
  async routes(request: object): Promise<void> {
    this.asked.push(request);
  }
}

async function openNetworks({ store = new FakeStore(), rootless = false } = {}) {
  const helper = new FakeHelper();
  const events: string[] = [];
  const networks = await Networks.open({
    store,
    helper,
    rootless,
    runDir: '/nonexistent',
    routes: async () => [],
    events: {
      publish: (type, action, _, attributes) =>
        events.push(`${type} ${action} ${attributes?.['name']} ${attributes?.['container']}`),
    },
  });
  return { store, helper, networks, events };
}

const endpointOf = (networks: Networks, id: string, network = 'bridge') => {
  const found = networks.endpointsOf(id, id, [{ network }])[network];
  assert.ok(found);
  return found;
};

const names = (networks: Networks, filters = {}) => networks.list(filters).map(({ Name }) => Name);

test('every engine has bridge, host and none', async () => {
  const { networks } = await openNetworks();
  assert.deepEqual(names(networks), ['bridge', 'host', 'none']);
  const { Driver, IPAM, Options } = networks.inspect('bridge');
  assert.deepEqual([Driver, IPAM.Config], ['bridge', [{ Subnet: '172.17.0.0/16', Gateway: '172.17.0.1' }]]);
  assert.match(Options['com.docker.network.bridge.name'] ?? '', /^slipway\d+$/);
  assert.equal(networks.inspect('none').Driver, 'null');
});

test('a network is found by its id, its name and the beginning of its id', async () => {
  const { networks } = await openNetworks();
  const { Id } = networks.inspect('host');
  assert.equal(networks.inspect(Id).Name, 'host');
  assert.equal(networks.inspect(Id.slice(0, 20)).Name, 'host');
  assert.throws(() => networks.inspect('web'), { kind: 'not-found', message: 'network web not found' });
});

test('filters narrow the list', async () => {
  const { networks } = await openNetworks();
  assert.deepEqual(names(networks, { name: ['brid'] }), ['bridge']);
  assert.deepEqual(names(networks, { driver: ['null', 'host'] }), ['host', 'none']);
  assert.deepEqual(names(networks, { type: ['custom'] }), []);
  assert.deepEqual(names(networks, { dangling: ['false'], name: ['none'] }), ['none']);
});

test('networks keep their ids and their range from one engine to the next', async () => {
  const { store, networks } = await openNetworks();
  const again = await openNetworks({ store });
  assert.deepEqual(again.networks.list(), networks.list());
});

test('an endpoint gets the lowest free address and a MAC made from it', async () => {
  const { store, networks } = await openNetworks();
  await store.commit((change) => ['a', 'b', 'c'].forEach((id) => networks.allocate(change, id)));
  assert.equal(endpointOf(networks, 'c').IPAddress, '172.17.0.4');
  await store.commit((change) => networks.release(change, 'b'));
  await store.commit((change) => networks.allocate(change, 'd'));
  const { IPAddress, IPPrefixLen, Gateway, MacAddress } = endpointOf(networks, 'd');
  assert.deepEqual([IPAddress, IPPrefixLen, Gateway], ['172.17.0.3', 16, '172.17.0.1']);
  assert.equal(MacAddress, '02:42:ac:11:00:03');
});

test('an address outlives the engine and is not given twice', async () => {
  const { store, networks } = await openNetworks();
  await store.commit((change) => networks.allocate(change, 'a'));
  const again = await openNetworks({ store });
  await store.commit((change) => again.networks.allocate(change, 'b'));
  assert.equal(endpointOf(again.networks, 'a').IPAddress, '172.17.0.2');
  assert.equal(endpointOf(again.networks, 'b').IPAddress, '172.17.0.3');
});

test('an address is free again when the commit that took it fails', async () => {
  const { store, networks } = await openNetworks();
  store.full = true;
  await assert.rejects(store.commit((change) => networks.allocate(change, 'a')));
  assert.equal(endpointOf(networks, 'a').IPAddress, '');
});

test('a container without a place has an empty one', async () => {
  const { networks } = await openNetworks();
  const { NetworkID, EndpointID, IPAddress, MacAddress } = endpointOf(networks, 'gone');
  assert.equal(NetworkID, networks.inspect('bridge').Id);
  assert.deepEqual([EndpointID, IPAddress, MacAddress], ['', '', '']);
});

test('connecting makes the bridge first and only once, and a wire of its own for each container', async () => {
  const { store, helper, networks, events } = await openNetworks();
  await store.commit((change) => ['a', 'b'].forEach((id) => networks.allocate(change, id)));
  const wireOf = (id: string) => networks.connect(id, async (network) => network?.wires[0]);
  const [first, second] = [await wireOf('a'), await wireOf('b')];
  assert.deepEqual(
    helper.asked.map((request) => (request as { addresses: string[] }).addresses),
    [['172.17.0.1/16']],
  );
  assert.equal(first?.addresses[0], '172.17.0.2/16');
  assert.equal(second?.addresses[0], '172.17.0.3/16');
  assert.notEqual(first?.veth, second?.veth);
  assert.deepEqual(events, ['network connect bridge a', 'network connect bridge b']);
});

test('on none only lo comes up, on host nothing is touched', async () => {
  const { store, helper, networks } = await openNetworks();
  await store.commit((change) => {
    networks.allocate(change, 'quiet', { places: [{ network: 'none' }] });
    networks.allocate(change, 'open', { places: [{ network: 'host' }] });
  });
  const wireOf = (id: string) => networks.connect(id, async (wire) => wire);
  assert.deepEqual(await wireOf('quiet'), { wires: [], defaults: [] });
  assert.equal(await wireOf('open'), null);
  assert.deepEqual(helper.asked, []);
});

test('inspect lists who is connected', async () => {
  const { store, networks } = await openNetworks();
  await store.commit((change) => networks.allocate(change, 'a', { name: 'web' }));
  const { Containers } = networks.inspect('bridge');
  assert.equal(Containers['a']?.Name, 'web');
  assert.equal(Containers['a']?.IPv4Address, '172.17.0.2/16');
  assert.deepEqual(networks.inspect('none').Containers, {});
});

test('what is released can be announced afterwards', async () => {
  const { store, networks, events } = await openNetworks();
  await store.commit((change) => networks.allocate(change, 'a'));
  let announce = () => {};
  await store.commit((change) => (announce = networks.release(change, 'a')));
  assert.deepEqual(events, []);
  announce();
  assert.deepEqual(events, ['network disconnect bridge a']);
});

test("Docker's words for the usual network mean the bridge", async () => {
  const { networks } = await openNetworks();
  for (const word of ['', 'default', 'bridge']) assert.deepEqual(networks.modeOf(word), { mode: 'bridge' });
  assert.deepEqual(networks.modeOf('host'), { mode: 'host' });
  assert.deepEqual(networks.modeOf('container:web'), { mode: 'container:web' });
  assert.throws(() => networks.modeOf('web'), { kind: 'not-found', message: 'network web not found' });
});

test('started by an ordinary user the usual network is none, with a warning', async () => {
  const { networks } = await openNetworks({ rootless: true });
  const { mode, warning } = networks.modeOf('default');
  assert.equal(mode, 'none');
  assert.match(warning ?? '', /--network host/);
  assert.deepEqual(networks.modeOf('none'), { mode: 'none' });
  assert.deepEqual(names(networks), ['host', 'none']);
});

test("a network of one's own has a range, a bridge and options of its own, and is removed once nobody is on it", async () => {
  const { store, networks, events } = await openNetworks();
  const { Id } = await networks.create({
    Name: 'shop',
    Labels: { a: 'b' },
    IPAM: { Config: [{ Subnet: '10.9.0.0/24' }] },
  });
  const found = networks.inspect('shop');
  assert.equal(found.Id, Id);
  assert.deepEqual(found.IPAM.Config, [{ Subnet: '10.9.0.0/24', Gateway: '10.9.0.1' }]);
  assert.deepEqual(found.Labels, { a: 'b' });
  await assert.rejects(networks.create({ Name: 'shop' }), {
    kind: 'conflict',
    message: 'network with name shop already exists',
  });
  await assert.rejects(networks.create({ Name: 'other', IPAM: { Config: [{ Subnet: '10.9.0.128/25' }] } }), {
    kind: 'forbidden',
    message: /overlaps/,
  });
  await store.commit((change) => networks.allocate(change, 'a', { name: 'web', places: [{ network: 'shop' }] }));
  assert.equal(endpointOf(networks, 'a', 'shop').IPAddress, '10.9.0.2');
  await assert.rejects(networks.remove('shop'), { kind: 'forbidden', message: /has active endpoints \(name:"web"/ });
  assert.deepEqual((await networks.prune()).NetworksDeleted, null);
  await store.commit((change) => networks.release(change, 'a'));
  assert.deepEqual((await networks.prune({ label: ['a=c'] })).NetworksDeleted, null);
  assert.deepEqual((await networks.prune({ label: ['a=b'] })).NetworksDeleted, ['shop']);
  assert.deepEqual(
    events.filter((event) => event.includes('shop')),
    ['network create shop undefined', 'network destroy shop undefined'],
  );
  await assert.rejects(networks.remove('bridge'), { kind: 'forbidden' });
});

test('wrong wishes for a network are refused by name', async () => {
  const { networks } = await openNetworks();
  const config = (Config: object) => ({ Name: 'x', IPAM: { Config: [Config] } });
  await assert.rejects(networks.create({ Name: '' }), { kind: 'invalid' });
  await assert.rejects(networks.create({ Name: 'bridge' }), { kind: 'forbidden' });
  await assert.rejects(networks.create({ Name: 'x', Driver: 'nosuch' }), { kind: 'not-found' });
  await assert.rejects(networks.create({ Name: 'x', Driver: 'macvlan' }), { kind: 'not-implemented' });
  await assert.rejects(networks.create(config({ Subnet: '10.9.0.1/24' })), { message: /it should be 10\.9\.0\.0\/24/ });
  await assert.rejects(networks.create(config({ Subnet: '10.9.0.0/24', Gateway: '10.8.0.1' })), {
    message: /invalid gateway/,
  });
  await assert.rejects(networks.create(config({ Subnet: 'fd00::/64' })), { message: /--ipv6/ });
  await assert.rejects(networks.create({ Name: 'x', Options: { 'com.docker.network.bridge.name': 'a name' } }), {
    kind: 'invalid',
  });
  assert.deepEqual(names(networks, { type: ['custom'] }), []);
});

test("addresses that a person chose are theirs, within the network's range and once", async () => {
  const { store, networks } = await openNetworks();
  const range = { Subnet: '10.9.0.0/24', IPRange: '10.9.0.64/30', AuxiliaryAddresses: { router: '10.9.0.64' } };
  await networks.create({ Name: 'shop', IPAM: { Config: [range] } });
  const place = (ipv4?: string) => ({
    places: [{ network: 'shop', wish: { ...(ipv4 && { ipv4 }), aliases: ['db'] } }],
  });
  await store.commit((change) => networks.allocate(change, 'a', { ...place('10.9.0.7'), name: 'one' }));
  await store.commit((change) => networks.allocate(change, 'b', { ...place(), name: 'two' }));
  assert.equal(endpointOf(networks, 'b', 'shop').IPAddress, '10.9.0.65');
  await assert.rejects(
    store.commit((change) => networks.allocate(change, 'c', place('10.9.0.7'))),
    { message: 'Address already in use' },
  );
  assert.throws(() => networks.checkPlace({ network: 'shop', wish: { ipv4: '10.8.0.7' } }), { kind: 'conflict' });
  assert.throws(() => networks.checkPlace({ network: 'bridge', wish: { ipv4: '172.17.0.9' } }), { kind: 'invalid' });
  assert.deepEqual(networks.endpointsOf('b', 'two', place().places)['shop']?.DNSNames, ['two', 'db', 'b']);
});

test('a container on several networks has an interface on each, and the way out of the highest priority', async () => {
  const { store, networks } = await openNetworks();
  await networks.create({ Name: 'back', Internal: true });
  await networks.create({ Name: 'front', EnableIPv6: true });
  const places = [{ network: 'back' }, { network: 'front' }, { network: 'bridge', wish: { priority: -1 } }];
  await store.commit((change) => networks.allocate(change, 'a', { places }));
  const request = await networks.connect('a', async (wanted) => wanted);
  assert.deepEqual(
    request?.wires.map(({ ifname, addresses }) => [ifname, addresses.length]),
    [
      ['eth0', 1],
      ['eth1', 2],
      ['eth2', 1],
    ],
  );
  const { Gateway, IPv6Gateway } = endpointOf(networks, 'a', 'front');
  assert.deepEqual(request?.defaults, [
    { gateway: Gateway, ifname: 'eth1' },
    { gateway: IPv6Gateway, ifname: 'eth1' },
  ]);
});

test('rows of earlier versions are understood', async () => {
  const store = new FakeStore();
  const bridge = {
    id: 'b'.repeat(64),
    name: 'bridge',
    created: '2026-01-01T00:00:00Z',
    bridge: { name: 'slipway9', subnet: '172.20.0.0/16' },
  };
  await store.commit((change) => {
    change.put('networks', 'bridge', bridge);
    change.put('endpoints', 'old', {
      id: 'e',
      network: 'bridge',
      container: 'old',
      name: 'web',
      address: '172.20.0.5',
    });
  });
  const { networks } = await openNetworks({ store });
  assert.equal(endpointOf(networks, 'old').IPAddress, '172.20.0.5');
  await store.commit((change) => networks.release(change, 'old'));
  assert.deepEqual([...store.rows('endpoints')], []);
});
