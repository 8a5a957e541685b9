/** Mounts put into a container that runs: from the wish until a process inside could read the file, while the answer has come as well. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { api, loadBusybox, request, startEngine } from '../fixtures/engine.js';
import { elapsed, noteOne, note, quantile } from './measure.js';

const ROUNDS = 60;
/** Milliseconds, for 95 of a hundred. */
const TARGET = 100;

export async function mountsBench(): Promise<void> {
  await using engine = await startEngine();
  const { socket } = engine;
  await loadBusybox(engine);
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-mounts-'));
  try {
    await mkdir(path.join(folder, 'source'));
    await writeFile(path.join(folder, 'source/file'), 'there');
    await api(socket, 'POST', '/containers/create?name=web', {
      ...{ Image: 'busybox:test', Cmd: ['sleep', '10000'], StopTimeout: 0, HostConfig: { NetworkMode: 'none' } },
    });
    await api(socket, 'POST', '/containers/web/start');
    const { State } = await api<{ State: { Pid: number } }>(socket, 'GET', '/containers/web/json');
    const inside = `/proc/${State.Pid}/root/m/file`;
    for (const wish of [
      { Type: 'bind', Source: path.join(folder, 'source') },
      { Type: 'volume', Source: 'data' },
    ]) {
      const attached: number[] = [];
      const detached: number[] = [];
      for (let round = -1; round < ROUNDS; round++) {
        const on = await elapsed(async () => {
          await api(socket, 'POST', '/slipway/containers/web/mounts', { ...wish, Target: '/m' });
          if (wish.Type === 'bind') await readFile(inside);
        });
        const off = await elapsed(() => request(socket, 'DELETE', '/slipway/containers/web/mounts?target=/m'));
        if (round >= 0) attached.push(on);
        if (round >= 0) detached.push(off);
      }
      note(`${wish.Type} attached to a running container`, ['slipway'], [attached]);
      noteOne(`${wish.Type} attached, p95`, quantile(attached, 0.95), { target: TARGET });
      note(`${wish.Type} detached`, ['slipway'], [detached]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
