// Wires, in a network namespace of the helper's own: nothing here touches the machine's network.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as nodeTest } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Bench, sleep, unable } from './harness.mjs';

const real = process.env.SLIPWAY_NATIVE_BUILD ?? fileURLToPath(new URL('../build/', import.meta.url));
const BRIDGE = { op: 'bridge', name: 'slipway0', addresses: ['172.17.0.1/16', 'fd00:17::1/64'], mtu: 1500 };

const test = (name, body) => nodeTest(name, { skip: unable, timeout: 300_000 }, body);

let bench;
let wrapper;
let outer; // a machine beyond the host: its namespace's first process

before(async () => {
  if (unable) return;
  wrapper = mkdtempSync(join(tmpdir(), 'slipway-wrapper-'));
  const script = `#!/bin/sh\nexec unshare --net sh -c 'ip link set lo up; exec "$0" "$@"' ${join(real, 'slipway-helper')} "$@"\n`;
  writeFileSync(join(wrapper, 'slipway-helper'), script);
  chmodSync(join(wrapper, 'slipway-helper'), 0o755);
  symlinkSync(join(real, 'slipway-monitor'), join(wrapper, 'slipway-monitor'));
  bench = await Bench.open({ build: wrapper });
  outer = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
  const own = readlinkSync('/proc/self/ns/net');
  while (readlinkSync(`/proc/${outer.pid}/ns/net`) === own) await sleep(10);
  // host0 (10.9.0.1) is the host's way out, to 10.9.0.2.
  host('ip', 'link', 'add', 'host0', 'type', 'veth', 'peer', 'name', 'out0', 'netns', String(outer.pid));
  host('ip', 'addr', 'add', '10.9.0.1/24', 'dev', 'host0');
  host('ip', 'link', 'set', 'host0', 'up');
  beyond('ip', 'addr', 'add', '10.9.0.2/24', 'dev', 'out0');
  beyond('ip', 'link', 'set', 'out0', 'up');
  beyond('ip', 'route', 'add', 'default', 'via', '10.9.0.1');
});

after(async () => {
  await bench?.close();
  outer?.kill('SIGKILL');
  if (wrapper) rmSync(wrapper, { recursive: true });
});

const inNetns = (pid, ...argv) => execFileSync('nsenter', ['-t', String(pid), '-n', ...argv], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const host = (...argv) => inNetns(bench.hello.pid, ...argv);
const beyond = (...argv) => inNetns(outer.pid, ...argv);
const links = (pid) => JSON.parse(inNetns(pid, 'ip', '-j', 'addr')).map((link) => link.ifname);
const linkOf = (pid, name) => JSON.parse(inNetns(pid, 'ip', '-j', 'addr', 'show', 'dev', name))[0];
const inet = (link) => link.addr_info.map(({ family, local, prefixlen }) => `${family} ${local}/${prefixlen}`);

/** A pair of addresses that no container has yet, and a wire of them to the bridge. */
let number = 1;
function newWire(more = {}) {
  const [four, six] = [`172.17.0.${++number}`, `fd00:17::${number.toString(16)}`];
  const wire = { kind: 'bridge', parent: 'slipway0', ifname: 'eth0', veth: `vethT${number}`, addresses: [`${four}/16`, `${six}/64`], ...more };
  return { four, six, wire };
}
const DEFAULTS = [{ gateway: '172.17.0.1', ifname: 'eth0' }, { gateway: 'fd00:17::1', ifname: 'eth0' }];

/** A container on the bridge that waits for its start. */
async function connected(script = 'sleep 600', more = {}) {
  await bench.ask(BRIDGE);
  const end = newWire(more);
  const container = await bench.run(['/bin/sh', '-c', script], { network: { wires: [end.wire], defaults: DEFAULTS } });
  return { ...end, container, async output() {
    const streams = await container.attach({ stdin: false, stderr: false });
    await container.start();
    const bytes = await streams.rest();
    return bytes.subarray(8).toString();
  } };
}
/** A container of its own network that is on none. */
const lonely = () => bench.run(['/bin/sleep', '600'], { network: { wires: [], defaults: [] } });
const routes = (pid, family) => inNetns(pid, 'ip', `-${family}`, 'route', 'show', 'default').trim().split('\n').filter((line) => line !== '');
const setting = (pid, path) => inNetns(pid, 'cat', `/proc/sys/net/${path}`).trim();

/** Answers each TCP connection with the address it came from. */
function listen(pid, port) {
  const script = 'import socket,sys\ns=socket.create_server(("",int(sys.argv[1])),family=socket.AF_INET6,dualstack_ipv6=True)\nprint("ready",flush=True)\nwhile 1:\n c,a=s.accept(); c.sendall(a[0].removeprefix("::ffff:").encode()); c.close()';
  const child = spawn('nsenter', ['-t', String(pid), '-n', 'python3', '-c', script, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => child.stdout.once('data', () => resolve({ close: () => child.kill() })));
}

const call = (pid, address, port, seconds = 60) =>
  inNetns(pid, 'timeout', String(seconds), 'python3', '-c', `import socket\nprint(socket.create_connection(("${address}",${port}),${seconds}).recv(99).decode(),end="")`);

test('a bridge is up with its addresses and forwarding, and asking again changes nothing', async () => {
  await bench.ask(BRIDGE);
  const first = linkOf(bench.hello.pid, 'slipway0');
  await bench.ask(BRIDGE);
  assert.deepEqual(linkOf(bench.hello.pid, 'slipway0'), first);
  assert.deepEqual(inet(first).filter((text) => !text.includes('fe80')), ['inet 172.17.0.1/16', 'inet6 fd00:17::1/64']);
  assert.equal(first.address, '02:42:ac:11:00:01');
  assert.ok(first.flags.includes('UP'));
  assert.match(host('ip', 'link', 'show', 'slipway0'), new RegExp(`alias slipway ${bench.data}\n`));
  const expected = { 'ipv4/ip_forward': '1', 'ipv6/conf/all/forwarding': '1', 'ipv4/conf/slipway0/route_localnet': '1', 'ipv6/conf/slipway0/accept_ra': '0' };
  for (const [path, value] of Object.entries(expected)) assert.equal(setting(bench.hello.pid, path), value, path);
  assert.equal(host('nft', 'list', 'tables'), '', 'packet rules are the engine\'s');
});

test('a host that believes routers goes on believing them once it forwards IPv6', async () => {
  host('sysctl', '-qw', 'net.ipv6.conf.all.forwarding=0', 'net.ipv6.conf.host0.accept_ra=1');
  await bench.ask({ ...BRIDGE, addresses: ['172.17.0.1/16'] });
  assert.equal(setting(bench.hello.pid, 'ipv6/conf/all/forwarding'), '0', 'nobody asked for IPv6');
  assert.equal(setting(bench.hello.pid, 'ipv6/conf/host0/accept_ra'), '1');
  await bench.ask(BRIDGE);
  assert.equal(setting(bench.hello.pid, 'ipv6/conf/all/forwarding'), '1');
  assert.equal(setting(bench.hello.pid, 'ipv6/conf/host0/accept_ra'), '2');
  assert.equal(setting(bench.hello.pid, 'ipv6/conf/slipway0/accept_ra'), '0');
});

test('an address of either family is usable at once: nobody is asked whether it is taken', async () => {
  await bench.ask({ ...BRIDGE, name: 'slipway4', addresses: ['fd00:4::1/64'] });
  const flags = linkOf(bench.hello.pid, 'slipway4').addr_info.map(({ tentative }) => tentative ?? false);
  assert.ok(flags.length > 0 && !flags.includes(true));
  const { container } = await connected();
  assert.ok(linkOf(container.pid, 'eth0').addr_info.every(({ tentative }) => !tentative));
  await bench.ask({ op: 'bridge-remove', name: 'slipway4' });
});

test('a bridge has exactly the addresses that it is asked for last', async () => {
  const ask = (addresses, more) => bench.ask({ ...BRIDGE, name: 'slipway5', addresses, ...more });
  const has = () => inet(linkOf(bench.hello.pid, 'slipway5')).filter((text) => !text.includes('fe80'));
  await ask(['172.25.0.1/16', '172.25.0.2/16', 'fd00:5::1/64']);
  assert.deepEqual(has(), ['inet 172.25.0.1/16', 'inet 172.25.0.2/16', 'inet6 fd00:5::1/64']);
  await ask(['172.25.0.2/16', '172.26.0.1/24', 'fd00:6::1/64']); // with the first of a network the kernel takes the second away
  assert.deepEqual(has().toSorted(), ['inet 172.25.0.2/16', 'inet 172.26.0.1/24', 'inet6 fd00:6::1/64']);
  await ask(['172.26.0.1/24'], { mtu: 1400 });
  assert.deepEqual(inet(linkOf(bench.hello.pid, 'slipway5')), ['inet 172.26.0.1/24'], 'no IPv6 at all without an address of it');
  assert.equal(linkOf(bench.hello.pid, 'slipway5').mtu, 1400);
  await ask([]);
  assert.deepEqual(inet(linkOf(bench.hello.pid, 'slipway5')), []);
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'slipway5' })).removed, true);
});

test('a container has its addresses, a way out of each family and a MAC made from its address', async () => {
  const { container, four, six } = await connected();
  const eth0 = linkOf(container.pid, 'eth0');
  assert.deepEqual(inet(eth0).slice(0, 2), [`inet ${four}/16`, `inet6 ${six}/64`]);
  assert.equal(eth0.address, `02:42:ac:11:00:${number.toString(16).padStart(2, '0')}`);
  assert.ok(linkOf(container.pid, 'lo').flags.includes('UP'));
  assert.match(routes(container.pid, 4).join(), /^default via 172\.17\.0\.1 dev eth0/);
  assert.match(routes(container.pid, 6).join(), /^default via fd00:17::1 dev eth0/);
  assert.deepEqual(inet(linkOf(bench.hello.pid, `vethT${number}`)), []);
  assert.deepEqual(links(container.pid), ['lo', 'eth0']);
});

test('without an address of IPv6 an interface has none at all', async () => {
  await bench.ask(BRIDGE);
  const { wire, four } = newWire();
  const network = { wires: [{ ...wire, addresses: [`${four}/16`] }], defaults: DEFAULTS.slice(0, 1) };
  const { pid } = await bench.run(['/bin/sleep', '600'], { network });
  assert.deepEqual(inet(linkOf(pid, 'eth0')), [`inet ${four}/16`]);
  assert.deepEqual(routes(pid, 6), []);
});

test('a MAC that is asked for is given, to as many interfaces as there are', async () => {
  await bench.ask(BRIDGE);
  const [one, two] = [newWire({ mac: '02:11:22:33:44:55' }), newWire({ ifname: 'eth1', addresses: ['fd00:17::ffff/64'] })];
  const network = { wires: [one.wire, two.wire], defaults: [DEFAULTS[0], { gateway: 'fd00:17::1', ifname: 'eth1' }] };
  const container = await bench.run(['/bin/sleep', '600'], { network });
  assert.equal(linkOf(container.pid, 'eth0').address, '02:11:22:33:44:55');
  assert.deepEqual(links(container.pid).toSorted(), ['eth0', 'eth1', 'lo']);
  assert.match(routes(container.pid, 6).join(), /via fd00:17::1 dev eth1/);
});

test('containers reach each other and the host under their own addresses', async () => {
  const [one, two] = [await connected(), await connected()];
  const server = await listen(two.container.pid, 8000);
  try {
    assert.equal(call(one.container.pid, two.four, 8000), one.four);
    assert.equal(call(one.container.pid, two.six, 8000), one.six);
    assert.equal(call(bench.hello.pid, two.four, 8000), '172.17.0.1');
    assert.equal(call(bench.hello.pid, two.six, 8000), 'fd00:17::1');
  } finally {
    server.close();
  }
});

test('without wires only lo comes up', async () => {
  const container = await lonely();
  assert.deepEqual(links(container.pid), ['lo']);
  assert.ok(linkOf(container.pid, 'lo').flags.includes('UP'));
});

test('the wire is there before the first instruction of the container', async () => {
  const { four, six, output } = await connected('ip addr show dev eth0; ip route');
  const text = await output();
  assert.match(text, new RegExp(`inet ${four}/16[^]*inet6 ${six}/64`));
  assert.match(text, /default via 172\.17\.0\.1/);
});

test('a container that runs is given an interface, and its routes change as they are told to', async () => {
  const container = await lonely();
  const { wire, four } = newWire({ ifname: 'eth1' });
  const { mac } = await bench.ask({ op: 'endpoint', pid: container.pid, wire });
  assert.equal(linkOf(container.pid, 'eth1').address, mac);
  assert.deepEqual(inet(linkOf(container.pid, 'eth1')).slice(0, 1), [`inet ${four}/16`]);
  const tell = (...defaults) => bench.ask({ op: 'routes', pid: container.pid, defaults });
  assert.deepEqual([routes(container.pid, 4), routes(container.pid, 6)], [[], []]);
  await tell({ gateway: '172.17.0.1', ifname: 'eth1' }, { gateway: 'fd00:17::1', ifname: 'eth1' });
  inNetns(container.pid, 'ip', 'route', 'add', 'default', 'via', '172.17.0.9', 'metric', '300');
  await tell({ gateway: '172.17.0.2', ifname: 'eth1' });
  assert.deepEqual(routes(container.pid, 4).map((line) => line.trim()), ['default via 172.17.0.2 dev eth1']);
  assert.deepEqual(routes(container.pid, 6), []);
  await tell({ gateway: 'fd00:17::2', ifname: 'eth1' });
  assert.deepEqual(routes(container.pid, 4), []);
  assert.match(routes(container.pid, 6).join('|'), /^default via fd00:17::2 dev eth1[^|]*$/);
  await assert.rejects(tell({ gateway: '172.17.0.1', ifname: 'eth7' }), { kind: 'not-found', message: 'the container has no interface eth7' });
  await assert.rejects(tell(DEFAULTS[0], DEFAULTS[0]), { kind: 'invalid' });
});

test('an interface is gone at the answer, whatever the container has called it, and again is no error', async () => {
  const [one, two] = [await connected(), await connected()];
  inNetns(one.container.pid, 'ip', 'link', 'set', 'eth0', 'name', 'mine0');
  for (const { container, wire } of [one, two, two]) {
    await bench.ask({ op: 'endpoint-remove', pid: container.pid, ifname: wire.ifname, veth: wire.veth });
    assert.deepEqual(links(container.pid), ['lo']);
    assert.ok(!links(bench.hello.pid).includes(wire.veth));
  }
  // The same name is free for the next one at once.
  const { wire } = newWire();
  await bench.ask({ op: 'endpoint', pid: two.container.pid, wire });
  await assert.rejects(bench.ask({ op: 'endpoint-remove', pid: two.container.pid, ifname: 'eth0', veth: 'slipway0' }), { kind: 'conflict' });
  await bench.ask({ op: 'endpoint-remove', pid: 4194303, ifname: 'eth0', veth: 'vethnone' });
});

test('who takes over an address says so: nobody sends to the one before', async () => {
  await bench.ask(BRIDGE);
  const container = await lonely();
  const { wire, four, six } = newWire();
  const give = (mac) => bench.ask({ op: 'endpoint', pid: container.pid, wire: { ...wire, mac } });
  const known = () => JSON.parse(host('ip', '-j', 'neigh', 'show', 'dev', 'slipway0')).filter(({ dst }) => [four, six].includes(dst)).map(({ lladdr }) => lladdr);
  await give('02:00:00:00:00:01');
  for (const address of [four, six]) host('ip', 'neigh', 'replace', address, 'lladdr', '02:00:00:00:00:01', 'nud', 'reachable', 'dev', 'slipway0');
  await bench.ask({ op: 'endpoint-remove', pid: container.pid, ifname: 'eth0', veth: wire.veth });
  await give('02:00:00:00:00:02');
  const deadline = Date.now() + 10_000;
  while (known().some((mac) => mac !== '02:00:00:00:00:02') && Date.now() < deadline) await sleep(10);
  assert.deepEqual(known(), ['02:00:00:00:00:02', '02:00:00:00:00:02']);
});

test('a container may reach itself by way of the bridge where that is asked for', async () => {
  const hairpin = (veth) => host('bridge', '-d', 'link', 'show', 'dev', veth).match(/hairpin (\w+)/)?.[1];
  const [plain, folded] = [await connected(), await connected('sleep 600', { hairpin: true })];
  assert.deepEqual([hairpin(plain.wire.veth), hairpin(folded.wire.veth)], ['off', 'on']);
});

test('isolated ports of a bridge do not reach each other', async () => {
  const isolated = (veth) => host('bridge', '-d', 'link', 'show', 'dev', veth).match(/isolated (\w+)/)?.[1];
  const [plain, alone] = [await connected(), await connected('sleep 600', { isolated: true })];
  assert.deepEqual([isolated(plain.wire.veth), isolated(alone.wire.veth)], ['off', 'on']);
});

test('a macvlan link is on the network of its parent, with its mode and its own address', async () => {
  const container = await lonely();
  const wire = { kind: 'macvlan', parent: 'host0', mode: 'bridge', ifname: 'eth0', addresses: ['10.9.0.77/24', 'fd00:9::77/64'] };
  const { mac } = await bench.ask({ op: 'endpoint', pid: container.pid, wire });
  const link = JSON.parse(inNetns(container.pid, 'ip', '-j', '-d', 'link', 'show', 'dev', 'eth0'))[0];
  assert.deepEqual([link.linkinfo.info_kind, link.linkinfo.info_data.mode, link.address], ['macvlan', 'bridge', mac]);
  assert.equal(mac, '02:42:0a:09:00:4d');
  const server = await listen(container.pid, 8000);
  try {
    assert.equal(call(outer.pid, '10.9.0.77', 8000), '10.9.0.2');
  } finally {
    server.close();
  }
  await bench.ask({ op: 'endpoint-remove', pid: container.pid, ifname: 'eth0' });
  assert.deepEqual(links(container.pid), ['lo']);
  await assert.rejects(bench.ask({ op: 'endpoint', pid: container.pid, wire: { ...wire, mode: 'l2' } }), { kind: 'invalid' });
});

test('a kernel without ipvlan links says so', async (t) => {
  const container = await lonely();
  const wire = { kind: 'ipvlan', parent: 'host0', mode: 'l2', ifname: 'eth0', addresses: ['10.9.0.78/24'] };
  const failure = await bench.ask({ op: 'endpoint', pid: container.pid, wire }).then(() => undefined, (error) => error);
  if (!failure) return t.skip('this kernel has them');
  assert.equal(failure.kind, 'not-implemented');
  assert.match(failure.message, /kernel has no ipvlan links: Operation not supported/);
  assert.deepEqual(links(container.pid), ['lo']);
});

test('an interface has the settings that are asked for, and no others of the machine', async () => {
  const sysctls = { 'net.ipv4.conf.IFNAME.log_martians': '1', 'net.ipv6.conf.IFNAME.accept_ra': '2', 'net.ipv4.neigh.IFNAME.gc_stale_time': '77' };
  const { container } = await connected('sleep 600', { sysctls });
  assert.deepEqual(
    ['ipv4/conf/eth0/log_martians', 'ipv6/conf/eth0/accept_ra', 'ipv4/neigh/eth0/gc_stale_time'].map((path) => setting(container.pid, path)),
    ['1', '2', '77'],
  );
  for (const name of ['net.ipv4.conf.all.forwarding', 'net.ipv4.IFNAME', 'net.core.IFNAME.x', 'kernel.IFNAME.x', 'net.ipv4.conf.IFNAME.../../ip_forward', 'net.ipv4.conf/../x.IFNAME.y', 'net.ipv4.a.b.IFNAME.y', 'net.ipv4.conf.IFNAME.'])
    await assert.rejects(connected('true', { sysctls: { [name]: '1' } }), { kind: 'invalid', message: /not a setting of one interface/ }, name);
  await assert.rejects(connected('true', { sysctls: { 'net.ipv4.conf.IFNAME.nothere': '1' } }), { kind: 'invalid', message: /open the setting/ });
  await assert.rejects(connected('true', { sysctls: { 'net.ipv4.conf.IFNAME.log_martians': 'x' } }), { kind: 'invalid', message: /set net/ });
});

test('what cannot be wired is refused in a sentence, and nothing stays behind', async () => {
  const container = await lonely();
  const { wire } = newWire({ veth: 'vethbad' });
  const ask = (more, pid = container.pid) => bench.ask({ op: 'endpoint', pid, wire: { ...wire, ...more } });
  const refuses = (more, expected, pid) => assert.rejects(ask(more, pid), expected);
  await refuses({}, { kind: 'conflict', message: /no network namespace of its own/ }, bench.hello.pid);
  await refuses({}, { kind: 'not-found' }, 4194303);
  await refuses({ parent: 'nothere' }, { kind: 'not-found', message: 'there is no bridge nothere' });
  await refuses({ kind: 'macvlan', parent: 'nothere' }, { kind: 'not-found', message: 'there is no network link nothere' });
  await refuses({ parent: 'host0' }, { kind: 'system' });
  for (const address of ['172.17.0.300/16', '172.17.0.3/33', '172.17.0.3', 'fd00::1/129', 'fd00::g/64', '1.2.3.4/', null, 7])
    await refuses({ addresses: [address] }, { kind: 'invalid', message: /is not an address with its prefix length/ });
  await refuses({ addresses: '172.17.0.3/16' }, { kind: 'invalid' });
  await refuses({ mac: '03:00:00:00:00:01' }, { kind: 'invalid' });
  await refuses({ ifname: 'eth0"; flush ruleset' }, { kind: 'invalid' });
  await refuses({ veth: '../x' }, { kind: 'invalid' });
  await refuses({ veth: undefined }, { kind: 'invalid' });
  await refuses({ kind: 'tunnel' }, { kind: 'invalid', message: /no kind of wire/ });
  await refuses({ sysctls: { 'net.ipv4.conf.IFNAME.log_martians': 1 } }, { kind: 'invalid' });
  await refuses({ sysctls: { 'net.ipv4.conf.IFNAME.nothere': '1' } }, { kind: 'invalid' });
  await assert.rejects(bench.ask({ op: 'endpoint', pid: container.pid }), { kind: 'invalid' });
  assert.deepEqual(links(container.pid), ['lo']);
  assert.ok(!links(bench.hello.pid).includes('vethbad'));
  await ask({});
  await refuses({ veth: 'vethnext' }, { message: /make the link/ });
  assert.deepEqual(links(container.pid), ['lo', 'eth0'], 'the one that was there stays');
});

test('a run that cannot be wired as a whole leaves nothing', async () => {
  await bench.ask(BRIDGE);
  const [one, two] = [newWire(), newWire({ ifname: 'eth1', parent: 'nothere' })];
  const run = (network) => bench.run(['/bin/true'], { network });
  await assert.rejects(run({ wires: [one.wire, two.wire], defaults: [] }), { kind: 'not-found', step: 'network' });
  await assert.rejects(run({ wires: [one.wire], defaults: [{ gateway: '10.1.2.3', ifname: 'eth0' }] }), { message: /default route/ });
  await assert.rejects(run({ wires: 'none', defaults: [] }), { kind: 'invalid' });
  assert.ok(!links(bench.hello.pid).includes(one.wire.veth));
});

test("somebody else's link is neither taken over nor removed", async () => {
  host('ip', 'link', 'add', 'theirs', 'type', 'bridge');
  await assert.rejects(bench.ask({ ...BRIDGE, name: 'theirs' }), { kind: 'conflict', message: /somebody else/ });
  await assert.rejects(bench.ask({ ...BRIDGE, name: 'host0' }), { kind: 'conflict' });
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'theirs' })).removed, false);
  assert.ok(links(bench.hello.pid).includes('theirs'));
  host('ip', 'link', 'del', 'theirs');
});

test('a batch of rules is taken as a whole or not at all', async () => {
  await bench.ask({ op: 'nft' }, { body: 'add table inet trial\nadd chain inet trial one\n' });
  assert.match(host('nft', 'list', 'tables'), /inet trial/);
  const wrong = bench.ask({ op: 'nft' }, { body: 'add chain inet trial two\nadd rule inet trial nowhere accept\n' });
  await assert.rejects(wrong, { kind: 'system', message: /nft refused the packet rules: .*No such file/ });
  assert.doesNotMatch(host('nft', 'list', 'table', 'inet', 'trial'), /two/);
  host('nft', 'delete', 'table', 'inet', 'trial');
});

test('a bridge goes once the last container has, and not before', async () => {
  const { container } = await connected();
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'slipway0' })).removed, false);
  for (const each of bench.containers.splice(0)) await each.delete();
  // A container's link goes a moment after it, when the kernel gets round to it.
  while (host('ip', '-o', 'link', 'show', 'master', 'slipway0') !== '') await sleep(10);
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'slipway0' })).removed, true);
  assert.deepEqual(links(bench.hello.pid), ['lo', 'host0']);
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'slipway0' })).removed, true);
  assert.ok(container.pid);
});
