/** Published ports: reached from here, from a neighbor and from other containers, held while the container runs, and no longer. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { api, docker, end, loadBusybox, run, startEngine, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 ? 'an ordinary user cannot publish ports' : false;
const SERVE = 'while :; do echo "I am $(hostname)" | nc -l -p 80; done';

/** What comes from a TCP port, whole. */
function answer(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, host);
    socket.on('data', (chunk) => (text += String(chunk)));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

/** A dockerd beside us drops what is forwarded between bridges that are not its own: here there is none. */
const inside = process.env['SLIPWAY_OWN_NETNS'] === '1';

if (!inside)
  test('published ports, in a network namespace of the test', { skip, timeout: 300_000 }, async () => {
    const again = 'unset NODE_TEST_CONTEXT; ip link set lo up && exec "$0" --import tsx --test "$1"';
    const argv = ['--net', 'sh', '-c', again, process.execPath, fileURLToPath(import.meta.url)];
    const { code, stdout, stderr } = await run('unshare', argv, {
      env: { SLIPWAY_OWN_NETNS: '1' },
    });
    assert.equal(code, 0, stdout + stderr);
  });

if (inside)
  describe('published ports', { skip }, () => {
    let engine: RunningEngine;
    before(async () => {
      engine = await startEngine();
      await loadBusybox(engine);
    });
    after(() => engine[Symbol.asyncDispose]());

    const says = async (...argv: string[]): Promise<string> => {
      const { code, stdout, stderr } = await docker(engine, argv);
      assert.equal(code, 0, `docker ${argv.join(' ')}: ${stderr}`);
      return stdout.trim();
    };
    const serve = (name: string, ...options: string[]) =>
      says('run', '-d', '--name', name, '--hostname', name, ...options, 'busybox:test', 'sh', '-c', SERVE);
    /** Its server needs a moment to listen, again after each answer. */
    const answers = async (ask: () => Promise<string>, wanted: string): Promise<void> => {
      const deadline = Date.now() + 15_000;
      let last = '';
      while (last.trim() !== wanted) {
        if (Date.now() > deadline) assert.fail(`"${wanted}" was waited for 15 s; the last answer was "${last}"`);
        last = await ask().catch((error: unknown) => String(error));
        if (last.trim() !== wanted) await sleep(50);
      }
    };
    const portOf = async (name: string, inside = '80/tcp'): Promise<number> =>
      Number((await says('port', name, inside)).split('\n')[0]?.split(':').pop());

    test('a random port is the same for IPv4 and IPv6, shown everywhere, and answers on both loopback addresses', async () => {
      await serve('web', '-p', '80');
      const port = await portOf('web');
      assert.equal(await says('port', 'web'), `80/tcp -> 0.0.0.0:${port}\n80/tcp -> [::]:${port}`);
      assert.equal(await says('ps', '--format', '{{.Ports}}'), `0.0.0.0:${port}->80/tcp, [::]:${port}->80/tcp`);
      assert.equal(await says('ps', '-q', '--filter', `publish=${port}`), (await says('ps', '-q')).trim());
      await answers(() => answer('127.0.0.1', port), 'I am web');
      await answers(() => answer('::1', port), 'I am web');
    });

    test('another container and the container itself reach it at the gateway', async () => {
      const port = await portOf('web');
      const gateway = await says('inspect', '-f', '{{.NetworkSettings.Gateway}}', 'web');
      const ask = (from: string) => async () =>
        (await docker(engine, ['exec', from, 'sh', '-c', `nc -w 2 ${gateway} ${port} < /dev/null`])).stdout;
      await says('run', '-d', '--name', 'client', 'busybox:test', 'sleep', '1000');
      await answers(ask('client'), 'I am web');
      await says('network', 'create', 'far');
      await says('run', '-d', '--name', 'stranger', '--network', 'far', 'busybox:test', 'sleep', '1000');
      await answers(ask('stranger'), 'I am web');
      await answers(ask('web'), 'I am web');
      await says('rm', '-f', 'client', 'stranger');
      await says('network', 'rm', 'far');
    });

    test('a neighbor reaches published ports and is seen with its own address; what is not published, or on loopback only, it does not', async () => {
      const ip = (...argv: string[]) => run('ip', argv);
      const hold = ['--net', 'sh', '-c', 'echo ready; exec sleep 600'];
      const neighbor = spawn('unshare', hold, { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(neighbor.stdout, 'data');
      const inside = (...argv: string[]) => run('nsenter', ['-t', String(neighbor.pid), '-n', ...argv]);
      try {
        await ip('link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1', 'netns', String(neighbor.pid));
        await ip('addr', 'add', '10.66.0.1/24', 'dev', 'lan0');
        await ip('link', 'set', 'lan0', 'up');
        await inside('ip', 'addr', 'add', '10.66.0.2/24', 'dev', 'lan1');
        await inside('ip', 'link', 'set', 'lan1', 'up');
        await inside('ip', 'route', 'add', 'default', 'via', '10.66.0.1');
        const script =
          'const s=require("net").connect(+process.argv[2],process.argv[1]);s.on("data",d=>process.stdout.write(d));s.on("error",e=>{console.log(e.code);process.exit()});s.setTimeout(1500,()=>{console.log("TIMEOUT");process.exit()})';
        const ask = (host: string, port: number) => async () =>
          (await inside(process.execPath, '-e', script, host, String(port))).stdout;
        const port = await portOf('web');
        await answers(ask('10.66.0.1', port), 'I am web');
        const peer = ['nc', '-ll', '-p', '81', '-e', 'sh', '-c', 'netstat -tn | grep ":81 "'];
        await says('run', '-d', '--name', 'seen', '-p', '8181:81', 'busybox:test', ...peer);
        const deadline = Date.now() + 15_000;
        let told = '';
        while (!told.includes('10.66.0.2') && Date.now() < deadline) told = await ask('10.66.0.1', 8181)();
        assert.match(told, /10\.66\.0\.2/, 'the client has its own address');
        const address = await says('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web');
        assert.match(await ask(address, 80)(), /TIMEOUT|EHOSTUNREACH|ECONNREFUSED/);
        await serve('local', '-p', '127.0.0.1:8182:80');
        await answers(() => answer('127.0.0.1', 8182), 'I am local');
        assert.match(await ask('10.66.0.1', 8182)(), /ECONNREFUSED|TIMEOUT/);
      } finally {
        end(neighbor.pid as number);
        await ip('link', 'del', 'lan0');
        await docker(engine, ['rm', '-f', 'seen', 'local']);
      }
    });

    test('UDP is relayed, ranges take the first that is free, and all exposed ports are published at once', async () => {
      // The test image has nothing that speaks UDP: a program of this machine does it in the container's network.
      await says('run', '-d', '--name', 'echo', '-p', '127.0.0.1::53/udp', 'busybox:test', 'sleep', '1000');
      const pid = await says('inspect', '-f', '{{.State.Pid}}', 'echo');
      const echo =
        'const s=require("dgram").createSocket("udp4");s.on("message",(m,r)=>s.send(m,r.port,r.address));s.bind(53)';
      const server = spawn('nsenter', ['-t', pid, '-n', process.execPath, '-e', echo], { stdio: 'ignore' });
      const port = await portOf('echo', '53/udp');
      const socket = createSocket('udp4');
      const heard = once(socket, 'message');
      const knock = setInterval(() => socket.send('hello', port, '127.0.0.1'), 200);
      const [message] = (await Promise.race([heard, sleep(15_000, [undefined])])) as [Buffer | undefined];
      clearInterval(knock);
      socket.close();
      server.kill();
      assert.match(String(message), /^hello$/, 'no answer over UDP in 15 s');
      await says('run', '-d', '--name', 'first', '-p', '18100-18101:80', 'busybox:test', 'sleep', '1000');
      await says('run', '-d', '--name', 'second', '-p', '18100-18101:80', 'busybox:test', 'sleep', '1000');
      assert.deepEqual([await portOf('first'), await portOf('second')], [18100, 18101]);
      await says(
        'run',
        '-d',
        '--name',
        'all',
        '-P',
        '--expose',
        '90',
        '--expose',
        '91/udp',
        'busybox:test',
        'sleep',
        '1000',
      );
      assert.ok((await portOf('all', '90/tcp')) > 0 && (await portOf('all', '91/udp')) > 0);
      await says('rm', '-f', 'echo', 'first', 'second', 'all');
    });

    test('a port that is taken names its owner, and the container stays as it was', async () => {
      const port = await portOf('web');
      const { code, stderr } = await docker(engine, [
        'run',
        '--name',
        'late',
        '-p',
        `${port}:80`,
        'busybox:test',
        'true',
      ]);
      assert.equal(code, 125);
      assert.match(stderr, /port is already allocated: container web has it/);
      assert.equal(await says('inspect', '-f', '{{.State.Status}}', 'late'), 'created');
      const listener = createServer().listen(0, '0.0.0.0');
      await once(listener, 'listening');
      const { port: foreign } = listener.address() as { port: number };
      const other = await docker(engine, ['run', '--rm', '-p', `${foreign}:80`, 'busybox:test', 'true']);
      assert.match(other.stderr, new RegExp(`address already in use: .*pid ${process.pid}`));
      listener.close();
      await says('rm', 'late');
    });

    test('ports go on when the engine is killed and when the forwarder is, and are free once the container has stopped', async () => {
      const port = await portOf('web');
      await engine.kill();
      await answers(() => answer('127.0.0.1', port), 'I am web');
      await engine.restart();
      assert.equal(await portOf('web'), port);
      const { stdout } = await run('pgrep', ['-f', `slipway-forwarder ${engine.runDir}`]);
      end(Number(stdout.trim()));
      await answers(() => answer('127.0.0.1', port), 'I am web');
      await says('stop', '-t', '0', 'web');
      const free = async (): Promise<string> => {
        const listener = createServer().listen(port, '0.0.0.0');
        await once(listener, 'listening');
        listener.close();
        return 'free';
      };
      await answers(free, 'free');
      await says('start', 'web');
      await answers(async () => answer('127.0.0.1', await portOf('web')), 'I am web');
      const [shown] = await api<{ Ports: { PrivatePort: number }[] }[]>(engine.socket, 'GET', '/containers/json');
      assert.equal(shown?.Ports.length, 2);
    });

    test('an engine that ends for good leaves no forwarder, not one of an engine before it either', async () => {
      await says('rm', '-f', 'web');
      await engine.kill();
      await engine.restart();
      const forwarders = async () => (await run('pgrep', ['-f', `slipway-forwarder ${engine.runDir}`])).stdout.trim();
      assert.notEqual(await forwarders(), '', 'the forwarder outlives an engine that is killed');
      await engine.stop();
      const gone = async () => ((await forwarders()) === '' ? 'gone' : 'there');
      await answers(gone, 'gone');
      await engine.restart();
    });
  });
