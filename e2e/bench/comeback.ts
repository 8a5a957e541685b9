/** An engine that is killed: how long until its successor answers, with all of its containers. Ours alone: dockerd has nobody who would start it again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { api, docker, loadBusybox, startEngine } from '../fixtures/engine.js';
import { elapsed, isWanted, note } from './measure.js';

const MEASURE = 'killed, until another engine answers';

export async function comebackBench(): Promise<void> {
  if (!isWanted(MEASURE)) return;
  await using engine = await startEngine({ flags: ['--watchdog'] });
  await loadBusybox(engine);
  for (let each = 0; each < 5; each++)
    await docker(engine, ['run', '-d', '--name', `each-${each}`, '--network', 'none', 'busybox:test', 'sleep', '1000']);
  const pidOf = () => api<{ pid: number }>(engine.socket, 'GET', '/slipway/features').then(({ pid }) => pid);
  let pid = await pidOf();
  const samples: number[] = [];
  for (let round = 0; round < 5; round++) {
    const killed = pid;
    samples.push(
      await elapsed(async () => {
        process.kill(killed, 'SIGKILL');
        while (pid === killed) {
          await sleep(10);
          pid = await pidOf().catch(() => killed);
        }
      }),
    );
  }
  note(MEASURE, ['slipway'], [samples], { target: 2000 });
  for (let each = 0; each < 5; each++) await docker(engine, ['rm', '-f', `each-${each}`]);
  process.kill(pid, 'SIGTERM');
  while (await pidOf().catch(() => undefined)) await sleep(20);
}
