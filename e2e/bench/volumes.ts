/** Reading and writing in a bind and in a volume, by a process in a container and by the same program beside it in the same directory. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { docker, loadBusybox, root, run, startEngine, type Ran } from '../fixtures/engine.js';
import { isWanted, note } from './measure.js';

const WORK = {
  large: '64 MiB written and read',
  random: '60,000 reads and writes of 4 KiB',
  small: '4000 times a small file opened, written, looked at and renamed',
};
/** Equal: not a twentieth more. */
const TARGET = 1 / 0.95;
const ROUNDS = 60;

/** Nanoseconds that the program itself has measured. */
function millisecondsOf({ code, stdout, stderr }: Ran): number {
  if (code !== 0) throw new Error(stderr);
  return Number(stdout) / 1e6;
}

export async function volumesBench(): Promise<void> {
  const measures = Object.entries(WORK).flatMap(([way, words]) =>
    (['bind', 'volume'] as const).map((kind) => ({ way, kind, name: `${words} in a ${kind}` })),
  );
  if (!measures.some(({ name }) => isWanted(name))) return;
  const base = await mkdtemp(path.join(tmpdir(), 'slipway-bench-'));
  await using engine = await startEngine();
  try {
    await loadBusybox(engine);
    for (const name of ['bind', 'tools']) await mkdir(path.join(base, name));
    const program = path.join(base, 'tools/io');
    const source = path.join(root, 'e2e/bench/io.c');
    const built = await run('musl-gcc', ['-static', '-O2', '-Wall', '-Werror', '-o', program, source]);
    if (built.code !== 0) throw new Error(built.stderr);
    const mounts = ['-v', `${base}/bind:/bind`, '-v', 'volume:/volume', '-v', `${base}/tools:/tools:ro`];
    const options = ['run', '-d', '--name', 'io', '--network=none', ...mounts];
    const started = await docker(engine, [...options, 'busybox:test', 'sleep', '100000']);
    if (started.code !== 0) throw new Error(started.stderr);
    const places = { bind: path.join(base, 'bind'), volume: path.join(engine.dataRoot, 'volumes/volume/_data') };
    for (const { way, kind, name } of measures) {
      if (!isWanted(name)) continue;
      const ways = [
        () => docker(engine, ['exec', 'io', '/tools/io', `/${kind}`, way]),
        () => run(program, [places[kind], way]),
      ];
      const samples = ways.map((): number[] => []);
      for (let round = 0; round < ROUNDS; round++)
        for (const [index, does] of ways.entries()) samples[index]?.push(millisecondsOf(await does()));
      // Whatever else the machine does makes a sample slower, never faster.
      const quick = samples.map((each) => each.sort((a, b) => a - b).slice(0, ROUNDS / 3));
      note(`${name}, the quicker third of ${ROUNDS}`, ['container', 'native'], quick, { target: TARGET });
    }
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
