/** Networks that people make, with the docker CLI: who reaches whom, by which name, and what comes back after a restart. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { api, docker, end, loadBusybox, run, startEngine, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 ? 'an ordinary user has no bridge networks' : false;
const STAY = ['busybox:test', 'sleep', '1000'];

/** A dockerd beside us drops what is forwarded between bridges that are not its own: here there is none. */
const inside = process.env['SLIPWAY_OWN_NETNS'] === '1';

if (!inside)
  test('networks, in a network namespace of the test', { skip, timeout: 300_000 }, async () => {
    const again = 'unset NODE_TEST_CONTEXT; ip link set lo up && exec "$0" --import tsx --test "$1"';
    const argv = ['--net', 'sh', '-c', again, process.execPath, fileURLToPath(import.meta.url)];
    const { code, stdout, stderr } = await run('unshare', argv, {
      env: { SLIPWAY_OWN_NETNS: '1' },
    });
    assert.equal(code, 0, stdout + stderr);
  });

if (inside)
  describe('networks', { skip }, () => {
    let engine: RunningEngine;
    before(async () => {
      engine = await startEngine();
      await loadBusybox(engine);
    });
    after(() => engine[Symbol.asyncDispose]());

    /** The output of a command that works. */
    const says = async (...argv: string[]): Promise<string> => {
      const { code, stdout, stderr } = await docker(engine, argv);
      assert.equal(code, 0, `docker ${argv.join(' ')}: ${stderr}`);
      return stdout.trim();
    };
    /** What a command that is refused says. */
    const refused = async (...argv: string[]): Promise<string> => {
      const { code, stderr } = await docker(engine, argv);
      assert.notEqual(code, 0, `docker ${argv.join(' ')} worked`);
      return stderr;
    };
    const pings = async (from: string, to: string): Promise<boolean> =>
      (await docker(engine, ['exec', from, 'ping', '-c', '1', '-W', '1', to])).code === 0;
    /** Names follow a change at once, addresses once the bridge has learnt them: waited for, with a deadline that says so. */
    const reaches = async (from: string, to: string): Promise<void> => {
      const deadline = Date.now() + 15_000;
      while (!(await pings(from, to))) {
        if (Date.now() > deadline) {
          const { stdout } = await docker(engine, ['exec', from, 'nslookup', to]);
          assert.fail(`${from} does not reach ${to} after 15 s; the name is answered:\n${stdout}`);
        }
        await sleep(50);
      }
    };
    const addressOn = (network: string, container: string): Promise<string> =>
      says('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, container);

    test('containers on a network find each other by name, by alias and by id; those elsewhere are not reached', async () => {
      await says('network', 'create', 'shop');
      await says('run', '-d', '--name', 'web', '--network', 'shop', ...STAY);
      await says('run', '-d', '--name', 'db', '--network', 'shop', '--network-alias', 'database', ...STAY);
      await says('run', '-d', '--name', 'stranger', ...STAY);
      const id = (await says('inspect', '-f', '{{.Id}}', 'db')).slice(0, 12);
      for (const name of ['db', 'database', id]) await reaches('web', name);
      await reaches('db', 'web');
      assert.match(await says('exec', 'web', 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m);
      assert.doesNotMatch(await says('exec', 'stranger', 'cat', '/etc/resolv.conf'), /127\.0\.0\.11/);
      const address = await addressOn('shop', 'db');
      assert.match(await says('exec', 'web', 'nslookup', 'database'), new RegExp(address.replaceAll('.', '\\.')));
      assert.match(await says('exec', 'web', 'nslookup', address), /db\.shop/);
      assert.equal(await pings('stranger', await addressOn('shop', 'web')), false);
      assert.equal(await pings('web', await addressOn('bridge', 'stranger')), false);
      assert.match(
        await says('network', 'inspect', 'shop'),
        /"Name": "web"[\s\S]*"Name": "db"|"Name": "db"[\s\S]*"Name": "web"/,
      );
      assert.match(await refused('network', 'rm', 'shop'), /has active endpoints/);
    });

    test('a container that runs is put on a network and taken off, keeps what it wrote into its hosts file, and is renamed', async () => {
      await says('exec', 'stranger', 'sh', '-c', 'echo 10.1.2.3 mine >> /etc/hosts');
      await says('network', 'connect', '--alias', 'guest', 'shop', 'stranger');
      await reaches('stranger', 'web');
      assert.match(await says('exec', 'stranger', 'cat', '/etc/resolv.conf'), /127\.0\.0\.11/);
      await reaches('web', 'guest');
      assert.match(await refused('network', 'connect', 'shop', 'stranger'), /already exists in network shop/);
      await says('rename', 'stranger', 'friend');
      await reaches('web', 'friend');
      await says('network', 'disconnect', 'shop', 'friend');
      assert.equal(await pings('friend', 'web'), false);
      assert.match(await says('exec', 'friend', 'cat', '/etc/hosts'), /10\.1\.2\.3 mine/);
      assert.equal(await says('exec', 'friend', 'sh', '-c', 'ls /sys/class/net | xargs'), 'eth0 lo');
      assert.match(await refused('network', 'disconnect', 'shop', 'friend'), /not connected/);
    });

    test('fixed addresses, IPv6, internal networks and no traffic between containers are as asked', async () => {
      await says('network', 'create', '--subnet', '10.77.0.0/24', '--ipv6', '--subnet', 'fd77::/64', 'fixed');
      await says('run', '-d', '--name', 'one', '--network', 'fixed', '--ip', '10.77.0.9', '--ip6', 'fd77::9', ...STAY);
      await says('run', '-d', '--name', 'two', '--network', 'fixed', ...STAY);
      assert.equal(await addressOn('fixed', 'one'), '10.77.0.9');
      await reaches('two', '10.77.0.9');
      await reaches('two', 'fd77::9');
      assert.match(await refused('run', '--rm', '--network', 'fixed', '--ip', '10.77.0.9', ...STAY), /already in use/);
      await says('network', 'create', '--internal', 'inner');
      await says('run', '-d', '--name', 'inside', '--network', 'inner', ...STAY);
      assert.equal(await says('exec', 'inside', 'sh', '-c', 'ip route | grep -c default || true'), '0');
      await says('network', 'create', '-o', 'com.docker.network.bridge.enable_icc=false', 'quiet');
      await says('run', '-d', '--name', 'lone', '--network', 'quiet', ...STAY);
      await says('run', '-d', '--name', 'other', '--network', 'quiet', ...STAY);
      assert.equal(await pings('lone', await addressOn('quiet', 'other')), false);
    });

    test('a network that is missing, taken or impossible is refused in a sentence', async () => {
      assert.match(await refused('network', 'create', 'shop'), /network with name shop already exists/);
      assert.match(await refused('network', 'create', '--subnet', '10.77.0.128/25', 'late'), /Pool overlaps/);
      assert.match(await refused('network', 'create', '-d', 'nosuch', 'late'), /could not find plugin nosuch/);
      assert.match(await refused('network', 'rm', 'bridge'), /pre-defined network and cannot be removed/);
      assert.match(await refused('run', '--rm', '--network', 'nosuch', ...STAY), /network nosuch not found/);
      assert.match(await refused('network', 'connect', 'host', 'web'), /host network/);
    });

    test('networks and who is on them outlive the engine, killed or not; unused ones are pruned', async () => {
      const before = await says('network', 'inspect', '-f', '{{.Id}} {{json .IPAM.Config}}', 'shop');
      await engine.kill();
      await engine.restart();
      assert.equal(await says('network', 'inspect', '-f', '{{.Id}} {{json .IPAM.Config}}', 'shop'), before);
      await reaches('web', 'db');
      const { stdout } = await run('pgrep', ['-f', `slipway-resolver ${engine.runDir}`]);
      end(Number(stdout.trim()));
      await reaches('web', 'db');
      await says('run', '-d', '--name', 'late', '--network', 'shop', ...STAY);
      await reaches('web', 'late');
      const names = ['web', 'db', 'late', 'friend', 'one', 'two', 'inside', 'lone', 'other'];
      await says('rm', '-f', ...names);
      const pruned = await says('network', 'prune', '-f');
      for (const name of ['shop', 'fixed', 'inner', 'quiet']) assert.match(pruned, new RegExp(`^${name}$`, 'm'));
      const left = await api<{ Name: string }[]>(engine.socket, 'GET', '/networks');
      assert.deepEqual(left.map(({ Name }) => Name).sort(), ['bridge', 'host', 'none']);
    });
  });
