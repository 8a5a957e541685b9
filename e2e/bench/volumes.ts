/** fio in a bind and in a volume of a container, and the same fio beside it in the same directories. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { docker, loadBusybox, run, startEngine, type Ran } from '../fixtures/engine.js';
import { isWanted, note } from './measure.js';

const WORK = {
  '256 MiB read and written in blocks of 128 KiB': ['--rw=rw', '--bs=128k', '--size=256m'],
  '64,000 reads and writes of 4 KiB here and there': [
    ...['--rw=randrw', '--rwmixread=75', '--bs=4k', '--size=32m', '--io_size=256m'],
    ...['--invalidate=0', '--pre_read=1'],
  ],
  '2000 small files made': [
    ...['--ioengine=filecreate', '--create_on_open=1', '--openfiles=1', '--rw=write'],
    ...['--nrfiles=2000', '--filesize=4k', '--bs=4k'],
  ],
};
/** Equal: not a twentieth more. */
const TARGET = 1 / 0.95;
const ROUNDS = 20;
/** This machine's own, with the libraries that it is linked with. */
const FIO = ['fio', '--output-format=json', '--name=bench', '--ioengine=psync'];
const OF_THE_MACHINE = ['/usr', '/lib', '/lib64'].flatMap((folder) => ['-v', `${folder}:${folder}:ro`]);

/** Milliseconds that fio says its work took. */
function millisecondsOf({ code, stdout, stderr }: Ran): number {
  if (code !== 0) throw new Error(stderr || stdout);
  const [job] = (JSON.parse(stdout) as { jobs: { job_runtime: number; error: number }[] }).jobs;
  if (!job || job.error !== 0) throw new Error(stdout);
  return job.job_runtime;
}

export async function volumesBench(): Promise<void> {
  const measures = Object.entries(WORK).flatMap(([words, flags]) =>
    (['bind', 'volume'] as const).map((kind) => ({ flags, kind, name: `${words} in a ${kind}` })),
  );
  if (!measures.some(({ name }) => isWanted(name))) return;
  const base = await mkdtemp(path.join(tmpdir(), 'slipway-bench-'));
  await using engine = await startEngine();
  try {
    await loadBusybox(engine);
    await mkdir(path.join(base, 'bind'));
    const mounts = ['-v', `${base}/bind:/bind`, '-v', 'volume:/volume', ...OF_THE_MACHINE];
    const options = ['run', '-d', '--name', 'io', '--network=none', ...mounts];
    const started = await docker(engine, [...options, 'busybox:test', 'sleep', '100000']);
    if (started.code !== 0) throw new Error(started.stderr);
    const places = { bind: path.join(base, 'bind'), volume: path.join(engine.dataRoot, 'volumes/volume/_data') };
    for (const { flags, kind, name } of measures) {
      if (!isWanted(name)) continue;
      const ways = [
        () => docker(engine, ['exec', '-w', '/tmp', 'io', ...FIO, ...flags, `--directory=/${kind}`]),
        () => run('fio', [...FIO.slice(1), ...flags, `--directory=${places[kind]}`]),
      ];
      const samples = ways.map((): number[] => []);
      for (let round = -1; round < ROUNDS; round++)
        for (const [index, does] of ways.entries()) {
          const value = millisecondsOf(await does());
          for (const file of await readdir(places[kind])) await rm(path.join(places[kind], file));
          if (round >= 0) samples[index]?.push(value);
        }
      // Whatever else the machine does makes a sample slower, never faster.
      const quick = samples.map((each) => each.sort((a, b) => a - b).slice(0, ROUNDS / 2));
      note(`${name}, the quicker half of ${ROUNDS}`, ['container', 'native'], quick, { target: TARGET });
    }
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
