import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Store } from '../../base/store.js';
import { Helper } from '../helper/index.js';
import { Networks } from './index.js';

const binary = fileURLToPath(new URL('../../../native/build/slipway-helper', import.meta.url));
const built = await access(binary).then(
  () => true,
  () => false,
);
const skip = process.getuid?.() !== 0 ? 'needs root' : !built ? 'needs the helper: make -C native' : false;
const inside = process.env['SLIPWAY_OWN_NETNS'] === '1';

/** The kernel's view from a process's network namespace. */
const view = (pid: number, ...argv: string[]): string =>
  execFileSync('nsenter', ['-t', String(pid), '-n', ...argv], { encoding: 'utf8' });
const here = (...argv: string[]): string => view(process.pid, ...argv);

/** A process in a network namespace of its own, as a container's first process is. */
async function startProcess(t: TestContext): Promise<{ pid: number; end(): Promise<void> }> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  t.after(end);
  return { pid: child.pid as number, end };
}

const addressOf = (networks: Networks, id: string) =>
  networks.endpointsOf(id, '', [{ network: 'bridge' }])['bridge']?.IPAddress;

const placesOf = (root: string) => ({ binary, runDir: join(root, 'run'), dataRoot: join(root, 'data') });

/** A data root and a run directory; both go with the test, and the helper before them. */
async function temporary(t: TestContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-networks-'));
  await mkdir(placesOf(root).dataRoot);
  t.after(async () => {
    const helper = await Helper.open({ ...placesOf(root), headless: null });
    await helper.goodbye({ end: true });
    await rm(root, { recursive: true, force: true });
  });
  return root;
}

async function engine(root: string) {
  const helper = await Helper.open({ ...placesOf(root), headless: null });
  const store = await Store.open(join(placesOf(root).dataRoot, 'slipway.db'), Networks.tables);
  const networks = await Networks.open({ store, helper, runDir: placesOf(root).runDir, rootless: false });
  const close = async ({ last }: { last: boolean }): Promise<void> => {
    await networks.close({ last });
    await store.close();
    await helper.goodbye({ end: false });
  };
  /** As a run does it: the wire ends at a process that is there already. */
  const connect = (id: string, pid: number) =>
    networks.connect(id, async (network) => {
      for (const wire of network?.wires ?? []) await helper.endpoint({ pid, wire });
      await helper.routes({ pid, defaults: network?.defaults ?? [] });
    });
  return { networks, store, connect, close };
}

if (!inside) {
  test('the bridge, in a network namespace of the test', { skip, timeout: 60_000 }, () => {
    const run = 'ip link set lo up && exec "$0" --import tsx --test "$1"';
    const env: NodeJS.ProcessEnv = { ...process.env, SLIPWAY_OWN_NETNS: '1' };
    delete env['NODE_TEST_CONTEXT'];
    const argv = ['--net', 'sh', '-c', run, process.execPath, fileURLToPath(import.meta.url)];
    execFileSync('unshare', argv, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  });
} else {
  test('containers are wired, survive the engine, and the bridge goes with the last of them', async (t) => {
    const root = await temporary(t);
    const first = await engine(root);
    const [one, two] = [await startProcess(t), await startProcess(t)];
    await first.store.commit((change) => first.networks.allocate(change, 'one'));
    assert.ok(!here('ip', 'link').includes('slipway0'), 'no bridge before its first use');
    await first.connect('one', one.pid);
    assert.match(view(one.pid, 'ip', 'addr', 'show', 'eth0'), /inet 172\.17\.0\.2\/16/);
    await first.close({ last: false });

    const second = await engine(root);
    assert.equal(addressOf(second.networks, 'one'), '172.17.0.2');
    await second.store.commit((change) => second.networks.allocate(change, 'two'));
    await second.connect('two', two.pid);
    assert.match(view(two.pid, 'ip', 'addr', 'show', 'eth0'), /inet 172\.17\.0\.3\/16/);
    assert.equal(here('ip', '-o', 'link', 'show', 'master', 'slipway0').trim().split('\n').length, 2);

    await Promise.all([one.end(), two.end()]);
    await second.store.commit((change) => ['one', 'two'].forEach((id) => second.networks.release(change, id)));
    await second.close({ last: true });
    assert.ok(!here('ip', 'link').includes('slipway0'));
    assert.equal(here('nft', 'list', 'tables'), '');
  });

  test('two engines on one machine have a bridge and a range each', async (t) => {
    const engines = [];
    for (const name of ['one', 'two']) {
      const { networks, store, connect, close } = await engine(await temporary(t));
      const { pid } = await startProcess(t);
      await store.commit((change) => networks.allocate(change, name));
      await connect(name, pid);
      engines.push({ close, address: addressOf(networks, name) });
    }
    assert.deepEqual(
      engines.map(({ address }) => address),
      ['172.17.0.2', '172.18.0.2'],
    );
    assert.match(here('ip', 'link'), /slipway0[\s\S]*slipway1/);
    for (const { close } of engines) await close({ last: false });
  });

  test('a bridge that somebody took away is made again', async (t) => {
    const { networks, store, connect, close } = await engine(await temporary(t));
    const [one, two] = [await startProcess(t), await startProcess(t)];
    await store.commit((change) => ['one', 'two'].forEach((id) => networks.allocate(change, id)));
    await connect('one', one.pid);
    const name = networks.inspect('bridge').Options['com.docker.network.bridge.name'] as string;
    here('ip', 'link', 'del', name);
    await connect('two', two.pid);
    assert.match(view(two.pid, 'ip', 'route'), /default via/);
    await close({ last: false });
  });
}
