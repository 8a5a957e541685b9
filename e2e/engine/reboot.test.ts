/** A machine that went down under its containers: another boot id, no process left, an empty run directory. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { api, end, loadBusybox, root, startEngine, type RunningEngine } from '../fixtures/engine.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 600_000 };

interface Inspect {
  RestartCount: number;
  State: { Status: string; ExitCode: number; Pid: number };
}
const inspect = ({ socket }: RunningEngine, name: string): Promise<Inspect> =>
  api(socket, 'GET', `/containers/${name}/json`);

/** Ends every process that the engine has to do with, and everything that a boot takes away. */
async function powerCut(engine: RunningEngine): Promise<void> {
  await engine.kill();
  const ends = [];
  for (const place of await readdir(path.join(engine.runDir, 'c'))) {
    const said = JSON.parse(await readFile(path.join(engine.runDir, 'c', place, 'monitor.json'), 'utf8')) as {
      pid: number;
    };
    ends.push(said.pid);
  }
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words.includes('serve') && words.includes(engine.runDir)) ends.push(Number(pid));
  }
  for (const pid of ends) end(pid);
  const runs = (pid: number) =>
    readFile(`/proc/${pid}/stat`, 'utf8').then(
      (text) => !/\) [ZX]/.test(text),
      () => false,
    );
  for (const pid of ends) while (await runs(pid)) await sleep(20);
  await rm(engine.runDir, { recursive: true });
}

test('after a reboot everything that ran has ended with 255, and comes back as its policy says', options, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-reboot-'));
  const bootId = path.join(folder, 'boot_id');
  await writeFile(bootId, '11111111-1111-1111-1111-111111111111\n');
  // In mounts of their own the engine and what it starts see a boot id that the test can change.
  const command = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'];
  {
    await using engine = await startEngine({
      folder,
      command: [...command, bootId, process.execPath, path.join(root, 'out/daemon.cjs')],
    });
    await loadBusybox(engine);
    const make = async (name: string, host: object, ...verbs: string[]): Promise<void> => {
      const body = { Image: 'busybox:test', Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: 'none', ...host } };
      await api(engine.socket, 'POST', `/containers/create?name=${name}`, body);
      for (const verb of verbs) await api(engine.socket, 'POST', `/containers/${name}/${verb}`);
    };
    const policy = (name: string) => ({ RestartPolicy: { Name: name } });
    await Promise.all([
      make('plain', {}, 'start'),
      make('paused', {}, 'start', 'pause'),
      make('created', policy('always')),
      make('passing', { AutoRemove: true }, 'start'),
      make('always', { ...policy('always'), NetworkMode: 'bridge' }, 'start'),
      make('always-stopped', policy('always'), 'start', 'stop?t=0'),
      make('unless-stopped', policy('unless-stopped'), 'start'),
      make('unless-stopped-stopped', policy('unless-stopped'), 'start', 'stop?t=0'),
      make('on-failure', policy('on-failure'), 'start'),
      make('on-failure-stopped', policy('on-failure'), 'start', 'stop?t=0'),
    ]);
    await make('companion', { ...policy('always'), NetworkMode: 'container:always' }, 'start');
    const before = (await inspect(engine, 'always')).State.Pid;

    await powerCut(engine);
    await writeFile(bootId, '22222222-2222-2222-2222-222222222222\n');
    await engine.restart();

    const expected: Record<string, [status: string, exitCode: number]> = {
      plain: ['exited', 255],
      paused: ['exited', 255],
      created: ['created', 0],
      always: ['running', 0],
      'always-stopped': ['running', 0],
      'unless-stopped': ['running', 0],
      'unless-stopped-stopped': ['exited', 137],
      'on-failure': ['running', 0],
      'on-failure-stopped': ['exited', 137],
      companion: ['running', 0],
    };
    const seen = async () => {
      const there = await api<{ Names: string[] }[]>(engine.socket, 'GET', '/containers/json?all=1');
      const all = there.map(async ({ Names: [name = ''] }) => {
        const { State } = await inspect(engine, name.slice(1));
        return [name.slice(1), [State.Status, State.ExitCode]] as const;
      });
      return Object.fromEntries(await Promise.all(all));
    };
    for (let tries = 0; tries < 1000; tries++) {
      if (isDeepStrictEqual(await seen().catch(() => undefined), expected)) break;
      await sleep(50);
    }
    assert.deepEqual(await seen(), expected); // and `passing`, which was to be removed, has gone
    assert.notEqual((await inspect(engine, 'always')).State.Pid, before);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});
