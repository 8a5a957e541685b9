/** The engine killed at random points while containers start, print, take execs and end: nothing is lost, every time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dice, rounds } from '../fixtures/campaign.js';
import { api, docker, loadBusybox, request, startEngine } from '../fixtures/engine.js';

interface Inspect {
  State: { Status: string; ExitCode: number; Running: boolean };
  LogPath: string;
}

test(
  'after a kill -9 of the engine at any moment every container, exit status and log line is accounted for',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async () => {
    const random = dice();
    await using engine = await startEngine();
    await loadBusybox(engine);
    for (let round = 0; round < rounds(4, 100); round++) {
      const acknowledged: { id: string; lines: number; code: number }[] = [];
      // Numbered lines, then an exit code of its own: both must be found whole afterwards.
      const work = Array.from({ length: 4 }, async (_, index) => {
        const [lines, code] = [200 + index * 50, index];
        const script = `i=0; while [ $i -lt ${lines} ]; do echo line $i; i=$((i+1)); [ $((i % 50)) = 0 ] && sleep 0.1; done; exit ${code}`;
        const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', {
          Image: 'busybox:test',
          Cmd: ['sh', '-c', script],
          HostConfig: { NetworkMode: 'none' },
        });
        await api(engine.socket, 'POST', `/containers/${Id}/start`);
        acknowledged.push({ id: Id, lines, code });
        await request(engine.socket, 'POST', `/containers/${Id}/stop?t=30&signal=CONT`).catch(() => undefined);
      });
      const settled = Promise.allSettled(work); // refused connections are expected from here on
      await new Promise((resolve) => setTimeout(resolve, random() * 600));
      await engine.kill();
      await settled;
      await engine.restart();
      for (const { id, lines, code } of acknowledged) {
        const { StatusCode } = await api<{ StatusCode: number }>(engine.socket, 'POST', `/containers/${id}/wait`);
        assert.equal(StatusCode, code, `round ${round}: exit status of ${id}`);
        const logs = await docker(engine, ['logs', id]);
        const expected = Array.from({ length: lines }, (_, line) => `line ${line}\n`).join('');
        assert.equal(logs.stdout, expected, `round ${round}: log of ${id}`);
      }
      for (const { Id } of await api<{ Id: string }[]>(engine.socket, 'GET', '/containers/json?all=1')) {
        const { State } = await api<Inspect>(engine.socket, 'GET', `/containers/${Id}/json`);
        assert.ok(['created', 'exited', 'running'].includes(State.Status), State.Status);
        await api(engine.socket, 'DELETE', `/containers/${Id}?force=1`);
      }
    }
  },
);
