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

let number = 1;
/** A running container on the bridge, and what endpoint said. */
async function connected(script = 'sleep 600', more = {}) {
  await bench.ask(BRIDGE);
  const address = `172.17.0.${++number}`;
  const container = await bench.run(['/bin/sh', '-c', script]);
  const request = { op: 'endpoint', pid: container.pid, bridge: 'slipway0', address: `${address}/16`, gateway: '172.17.0.1', mac: null, ifname: 'eth0', veth: `vethT${number}` };
  const { mac } = await bench.ask({ ...request, ...more });
  return { container, address, mac, async output() {
    const streams = await container.attach({ stdin: false, stderr: false });
    await container.start();
    const bytes = await streams.rest();
    return bytes.subarray(8).toString();
  } };
}

/** Answers each TCP connection with the address it came from. */
function listen(pid, port) {
  const script = 'import socket,sys\ns=socket.create_server(("",int(sys.argv[1])))\nprint("ready",flush=True)\nwhile 1:\n c,a=s.accept(); c.sendall(a[0].encode()); c.close()';
  const child = spawn('nsenter', ['-t', String(pid), '-n', 'python3', '-c', script, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => child.stdout.once('data', () => resolve({ close: () => child.kill() })));
}

const call = (pid, address, port, seconds = 60) =>
  inNetns(pid, 'timeout', String(seconds), 'python3', '-c', `import socket\nprint(socket.create_connection(("${address}",${port}),${seconds}).recv(99).decode(),end="")`);

test('a bridge is up with its address, its rules and forwarding, and asking again changes nothing', async () => {
  await bench.ask(BRIDGE);
  const first = linkOf(bench.hello.pid, 'slipway0');
  const rules = host('nft', 'list', 'table', 'inet', 'slipway');
  await bench.ask(BRIDGE);
  assert.deepEqual(linkOf(bench.hello.pid, 'slipway0'), first);
  assert.equal(host('nft', 'list', 'table', 'inet', 'slipway'), rules);
  assert.deepEqual(inet(first), ['inet 172.17.0.1/16']);
  assert.equal(first.address, '02:42:ac:11:00:01');
  assert.ok(first.flags.includes('UP'));
  assert.match(host('ip', 'link', 'show', 'slipway0'), new RegExp(`alias slipway ${bench.data}\n`));
  assert.match(rules, /ip saddr 172\.17\.0\.0\/16 oifname != "slipway0" masquerade/);
  assert.equal(host('cat', '/proc/sys/net/ipv4/ip_forward'), '1\n');
});

test('another gateway takes the place of the old one', async () => {
  await bench.ask({ ...BRIDGE, name: 'slipway5', gateway: '172.25.0.1/16' });
  await bench.ask({ ...BRIDGE, name: 'slipway5', gateway: '172.26.0.1/24' });
  assert.deepEqual(inet(linkOf(bench.hello.pid, 'slipway5')), ['inet 172.26.0.1/24']);
  assert.match(host('nft', 'list', 'table', 'inet', 'slipway'), /ip saddr 172\.26\.0\.0\/24 oifname != "slipway5" masquerade/);
  await bench.ask({ op: 'bridge-remove', name: 'slipway5' });
  assert.doesNotMatch(host('nft', 'list', 'table', 'inet', 'slipway'), /slipway5/);
});

test('a container has an address, a route and a MAC made from its address, and no IPv6', async () => {
  const { container, address, mac } = await connected();
  const eth0 = linkOf(container.pid, 'eth0');
  assert.deepEqual(inet(eth0), [`inet ${address}/16`]);
  assert.equal(eth0.address, mac);
  assert.equal(mac, `02:42:ac:11:00:${Number(address.split('.')[3]).toString(16).padStart(2, '0')}`);
  assert.ok(linkOf(container.pid, 'lo').flags.includes('UP'));
  assert.match(inNetns(container.pid, 'ip', 'route'), /^default via 172\.17\.0\.1 dev eth0/);
  assert.deepEqual(inet(linkOf(bench.hello.pid, `vethT${number}`)), []);
  assert.deepEqual(links(container.pid), ['lo', 'eth0']);
});

test('a MAC that is asked for is given', async () => {
  const { container, mac } = await connected('sleep 600', { mac: '02:11:22:33:44:55' });
  assert.equal(mac, '02:11:22:33:44:55');
  assert.equal(linkOf(container.pid, 'eth0').address, mac);
});

test("a container reaches the world under the host's address, and its neighbours under its own", async () => {
  const { container, address } = await connected();
  const neighbour = await connected();
  const world = await listen(outer.pid, 8000);
  const next = await listen(neighbour.container.pid, 8000);
  try {
    assert.equal(call(container.pid, '10.9.0.2', 8000), '10.9.0.1');
    assert.equal(call(container.pid, neighbour.address, 8000), address);
    assert.equal(call(bench.hello.pid, neighbour.address, 8000), '172.17.0.1');
  } finally {
    world.close();
    next.close();
  }
});

test('nobody beyond the host opens a connection to a container', async () => {
  const { container, address } = await connected();
  const server = await listen(container.pid, 8000);
  try {
    assert.throws(() => call(outer.pid, address, 8000, 1));
  } finally {
    server.close();
  }
});

test('without a bridge only lo comes up', async () => {
  const container = await bench.run(['/bin/sleep', '600']);
  await bench.ask({ op: 'endpoint', pid: container.pid, bridge: null });
  assert.deepEqual(links(container.pid), ['lo']);
  assert.ok(linkOf(container.pid, 'lo').flags.includes('UP'));
});

test('the wire is there before the first instruction of the container', async () => {
  const { address, output } = await connected('ip -4 addr show dev eth0; ip route');
  const text = await output();
  assert.match(text, new RegExp(`inet ${address}/16`));
  assert.match(text, /default via 172\.17\.0\.1/);
});

test('what cannot be wired is refused in a sentence, and nothing stays behind', async () => {
  const container = await bench.run(['/bin/sleep', '600']);
  const request = { op: 'endpoint', pid: container.pid, bridge: 'slipway0', address: '172.17.0.99/16', gateway: '172.17.0.1', ifname: 'eth0', veth: 'vethbad' };
  const refuses = (more, expected) => assert.rejects(bench.ask({ ...request, ...more }), expected);
  await refuses({ pid: bench.hello.pid }, { kind: 'conflict', message: /no network namespace of its own/ });
  await refuses({ pid: 4194303 }, { kind: 'not-found' });
  await refuses({ bridge: 'nothere' }, { kind: 'not-found', message: 'there is no bridge nothere' });
  await refuses({ address: '172.17.0.300/16' }, { kind: 'invalid' });
  await refuses({ address: '172.17.0.3/33' }, { kind: 'invalid' });
  await refuses({ address: '172.17.0.3' }, { kind: 'invalid' });
  await refuses({ mac: '03:00:00:00:00:01' }, { kind: 'invalid' });
  await refuses({ ifname: 'eth0"; flush ruleset' }, { kind: 'invalid' });
  await refuses({ veth: '../x' }, { kind: 'invalid' });
  await refuses({ gateway: '10.1.2.3' }, { message: /default route/ });
  assert.deepEqual(links(container.pid), ['lo']);
  assert.ok(!links(bench.hello.pid).includes('vethbad'));
  await bench.ask(request);
  await refuses({}, { message: /make the link/ });
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

test('a bridge goes with its rules once the last container has, and not before', async () => {
  const { container } = await connected();
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'slipway0' })).removed, false);
  for (const each of bench.containers.splice(0)) await each.delete();
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'slipway0' })).removed, true);
  assert.deepEqual(links(bench.hello.pid), ['lo', 'host0']);
  assert.equal(host('nft', 'list', 'tables'), '');
  assert.equal((await bench.ask({ op: 'bridge-remove', name: 'slipway0' })).removed, true);
  assert.ok(container.pid);
});
