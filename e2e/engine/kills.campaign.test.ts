/**
 * The engine, the helper and the monitors killed at random points while containers start, print, take execs, are paused, renamed, stopped
 * and removed: nothing that was acknowledged is lost, and nothing is left behind.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dice, rounds } from '../fixtures/campaign.js';
import { api, loadBusybox, request, run, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { audit, lives } from '../fixtures/load.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 1_800_000 };
/** A load is over in about a second; kills come anywhere in it. */
const LATEST_KILL_MS = 900;

/** `made` takes the ids of all containers there were. */
async function withEngine(body: (engine: RunningEngine, made: Set<string>) => Promise<void>): Promise<void> {
  const before = await links();
  await using engine = await startEngine();
  await loadBusybox(engine);
  const made = new Set<string>();
  await body(engine, made);
  await nothingIsLeft(engine, made, before);
}

/** The host's ends of containers' networks. */
async function links(): Promise<string[]> {
  const { stdout } = await run('ip', ['-o', 'link']);
  return stdout.split('\n').filter((line) => /: veth/.test(line));
}

async function cgroupsOf(ids: Set<string>): Promise<string[]> {
  const { stdout } = await run('find', ['/sys/fs/cgroup', '-type', 'd', '-name', '?'.repeat(64)]);
  return stdout.split('\n').filter((line) => line !== '' && ids.has(path.basename(line)));
}

async function removeAll({ socket }: RunningEngine): Promise<void> {
  const all = await api<{ Id: string }[]>(socket, 'GET', '/containers/json?all=1');
  await Promise.all(all.map(({ Id }) => request(socket, 'DELETE', `/containers/${Id}?force=1`)));
  assert.deepEqual(await api(socket, 'GET', '/containers/json?all=1'), []);
}

/** Who listens on the helper's socket: its workers look the same from outside. */
async function helperPid({ runDir }: RunningEngine): Promise<number> {
  const socket = net.connect(path.join(runDir, 'helper.sock'));
  socket.write('{"op":"hello"}\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return (JSON.parse(answer.toString()) as { pid: number }).pid;
}

async function monitorPids({ runDir }: RunningEngine): Promise<number[]> {
  const pids = [];
  for (const place of await readdir(path.join(runDir, 'c')).catch(() => [])) {
    const text = await readFile(path.join(runDir, 'c', place, 'monitor.json'), 'utf8').catch(() => '');
    if (text) pids.push((JSON.parse(text) as { pid: number }).pid);
  }
  return pids;
}

/** No mount, cgroup, link, directory or monitor of containers that are all gone. */
async function nothingIsLeft(engine: RunningEngine, made: Set<string>, before: string[]): Promise<void> {
  const left = async (): Promise<string[]> => {
    const mounts = (await readFile('/proc/self/mounts', 'utf8'))
      .split('\n')
      .filter((line) => line.includes(engine.dataRoot));
    const names = async (place: string): Promise<string[]> => {
      const all = await readdir(place, { recursive: true }).catch(() => []);
      return all.map((name) => path.join(place, name));
    };
    return [
      ...mounts,
      ...(await links()).filter((link) => !before.includes(link)),
      ...(await cgroupsOf(made)),
      ...(await names(path.join(engine.dataRoot, 'containers'))),
      ...(await names(path.join(engine.dataRoot, 'trash'))),
      ...(await names(path.join(engine.runDir, 'c'))),
      ...(await names(path.join(engine.runDir, 'x'))),
    ];
  };
  for (let tries = 0; (await left()).length > 0 && tries < 1000; tries++) await sleep(50);
  const rest = await left();
  if (rest.length > 0) assert.fail(`${rest.join('\n')}\n${engine.log().slice(-5000)}`);
}

test(
  'after a kill -9 of the engine at any moment every container, exit status, log line and name is accounted for',
  options,
  () =>
    withEngine(async (engine, made) => {
      const random = dice();
      for (let round = 0; round < rounds(10, 100); round++) {
        const all = lives(round, random);
        // Refused connections are expected from the kill on.
        const settled = Promise.allSettled(all.map((life) => life.live(engine.socket)));
        await sleep(random() * LATEST_KILL_MS);
        await engine.kill();
        await settled;
        if (random() < 0.3) await sleep(random() * 500); // what goes on meanwhile ends unseen
        await engine.restart();
        for (const { id } of all) made.add(id);
        await Promise.all(all.map((life) => audit(engine.socket, life)));
        await removeAll(engine);
      }
    }),
);

test(
  'a killed helper costs nothing: what was under way is done by the next one or refused in a sentence',
  options,
  () =>
    withEngine(async (engine, made) => {
      const random = dice();
      for (let round = 0; round < rounds(4, 50); round++) {
        const all = lives(round, random);
        const settled = Promise.all(all.map((life) => life.live(engine.socket)));
        await sleep((random() * LATEST_KILL_MS) / 3);
        process.kill(await helperPid(engine), 'SIGKILL');
        await settled;
        for (const life of all) {
          made.add(life.id);
          // What asks something of a container that has ended by itself is refused in other words.
          for (const refusal of life.refused) assert.match(refusal, /helper|^(exec|pause|unpause|kill): 4/);
          await audit(engine.socket, life);
        }
        await removeAll(engine);
      }
    }),
);

test('a killed monitor takes its container along and no other, and says so', options, () =>
  withEngine(async (engine, made) => {
    const random = dice();
    for (let round = 0; round < rounds(3, 30); round++) {
      const start = async (policy: string): Promise<string> => {
        const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', {
          Image: 'busybox:test',
          Cmd: ['sleep', '1000'],
          HostConfig: { NetworkMode: random() < 0.5 ? 'none' : 'bridge', RestartPolicy: { Name: policy } },
        });
        await api(engine.socket, 'POST', `/containers/${Id}/start`);
        return Id;
      };
      const ids = await Promise.all(['no', 'no', 'no', 'always'].map(start));
      for (const id of ids) made.add(id);
      const { Pid } = (await state(engine, ids[3] as string)) as { Pid: number };
      const pids = await monitorPids(engine);
      assert.equal(pids.length, ids.length);
      const spared = pids.splice(Math.floor(random() * pids.length), 1);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      const now = async () => Promise.all(ids.map((id) => state(engine, id)));
      const hit = ({ Status, Pid: pid }: Awaited<ReturnType<typeof state>>, index: number) =>
        index === 3 ? Status === 'running' && pid !== Pid : Status === 'exited';
      let seen = await now();
      for (let tries = 0; seen.filter(hit).length < 3 && tries < 1000; tries++) {
        await sleep(20);
        seen = await now();
      }
      // The one that was spared is among the first three, or it is the one with a policy, and then the same process.
      assert.deepEqual([seen.filter(hit).length, spared.length], [3, 1], JSON.stringify(seen));
      const policyRan = seen.pop();
      assert.equal(policyRan?.Status, 'running');
      for (const { Status, ExitCode, Error: error } of seen)
        if (Status === 'exited') {
          assert.equal(ExitCode, 137);
          assert.match(error, /monitor was killed/);
        } else assert.equal(Status, 'running');
      await removeAll(engine);
    }
  }),
);

async function state(engine: RunningEngine, id: string) {
  const { State } = await api<{ State: { Status: string; ExitCode: number; Error: string; Pid: number } }>(
    engine.socket,
    'GET',
    `/containers/${id}/json`,
  );
  return State;
}
