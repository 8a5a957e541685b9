/** The engine is killed at each point at which a pull, a load, a commit and a removal write something, ask the helper or commit to the database. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dice, rounds } from '../fixtures/campaign.js';
import { api, docker, request, root, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { layeredImage } from '../fixtures/layered-image.js';
import { openRegistry } from '../fixtures/registry.js';
import { checkStore, originalOf, type Originals } from '../fixtures/store-check.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 3_600_000 };

interface Deed {
  name: string;
  /** What has to be there first. */
  prepare(engine: RunningEngine): Promise<void>;
  act(engine: RunningEngine): Promise<unknown>;
  /** The image that it is about, and whether it is there once it was answered. */
  image: string;
  there: boolean;
}

test('a kill at any write leaves whole images only, and the same thing done again succeeds', options, async () => {
  await using source = await layeredImage('loaded:1');
  await using registry = await openRegistry({ from: `docker-archive:${source.archive}`, as: 'app:1' });
  const pulled = `${registry.host}/app:1`;
  const pull = async ({ socket }: RunningEngine) => {
    const answer = await request(socket, 'POST', `/images/create?fromImage=${encodeURIComponent(pulled)}`);
    assert.doesNotMatch(answer.body.toString(), /"error"/);
  };
  const load = async (engine: RunningEngine) => {
    const ran = await docker(engine, ['load', '-q', '-i', source.archive]);
    assert.equal(ran.code, 0, ran.stderr);
  };
  const nothing = () => Promise.resolve();
  const deeds: Deed[] = [
    { name: 'pull', prepare: nothing, act: pull, image: pulled, there: true },
    { name: 'load', prepare: nothing, act: load, image: 'loaded:1', there: true },
    {
      ...{ name: 'commit', image: 'made:1', there: true },
      async prepare(engine) {
        await load(engine);
        await api(engine.socket, 'POST', '/containers/create?name=box', { Image: 'loaded:1' });
        const ran = await docker(engine, ['cp', '/etc/debian_version', 'box:/data/version']);
        assert.equal(ran.code, 0, ran.stderr);
      },
      act: ({ socket }) => api(socket, 'POST', '/commit?container=box&repo=made&tag=1'),
    },
    {
      ...{ name: 'remove', prepare: pull, image: pulled, there: false },
      act: ({ socket }) => api(socket, 'DELETE', `/images/${pulled}`),
    },
  ];
  const random = dice();
  for (const deed of deeds) {
    const { points, originals } = await rehearse(deed);
    const wanted = Math.min(rounds(2, points.length), points.length);
    for (let round = 0; round < wanted; round++) {
      const at = 1 + Math.floor(((round + (wanted < points.length ? random() : 0)) / wanted) * points.length);
      const late = random() < 0.5 ? 0 : 1 + Math.floor(random() * 20);
      const what = `${deed.name}, at write ${at} of ${points.length} (${points[at - 1]}), ${late} ms late`;
      await die(deed, { at, late }, originals, what);
    }
  }
});

/** Every point there is, and what comes of it where nobody is killed. */
async function rehearse(deed: Deed): Promise<{ points: string[]; originals: Originals }> {
  const originals: Originals = new Map();
  await using place = await makePlace();
  await using engine = await place.start();
  await deed.prepare(engine);
  await recall(engine, originals);
  await place.count(engine);
  await deed.act(engine);
  await recall(engine, originals);
  return { points: await place.points(), originals };
}

async function recall(engine: RunningEngine, originals: Originals): Promise<void> {
  for (const { RepoTags } of await api<{ RepoTags: string[] }[]>(engine.socket, 'GET', '/images/json?all=1'))
    for (const name of RepoTags) originals.set(name, await originalOf(engine, name));
}

async function die(deed: Deed, when: { at: number; late: number }, originals: Originals, what: string): Promise<void> {
  await using place = await makePlace();
  await using engine = await place.start(when);
  try {
    await deed.prepare(engine);
    await place.count(engine);
    const gone = once(engine.process, 'exit');
    const answered = await Promise.resolve(deed.act(engine)).then(
      () => true,
      () => false,
    );
    // What is written behind the answer is counted too; where it was less this time, nobody dies of it.
    await Promise.race([gone, sleep(2000, undefined, { ref: false })]);
    await engine.kill();
    await place.restart(engine);
    const names = await checkStore(engine, originals);
    if (answered) assert.equal(names.includes(deed.image), deed.there);
    if (names.includes(deed.image) !== deed.there) await deed.act(engine);
    const after = await checkStore(engine, originals);
    assert.equal(after.includes(deed.image), deed.there);
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}\n${engine.log()}`, {
      cause: error,
    });
  }
}

async function makePlace() {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-points-'));
  const file = path.join(folder, 'points');
  const switchOff = path.join(folder, 'live');
  await writeFile(file, '');
  const command = [process.execPath, path.join(root, 'out/daemon.cjs')];
  // The engine that comes after the killed one is like any other.
  const program = 'if [ -e "$0" ]; then unset NODE_OPTIONS; fi; exec "$@"';
  return {
    start: ({ at, late } = { at: 0, late: 0 }) =>
      startEngine({
        folder,
        command: ['sh', '-c', program, switchOff, ...command],
        env: {
          NODE_OPTIONS: `--import=${path.join(root, 'e2e/fixtures/write-points.mjs')}`,
          SLIPWAY_POINTS: file,
          SLIPWAY_DIE_AT: String(at),
          SLIPWAY_DIE_LATE: String(late),
        },
      }),
    async count(engine: RunningEngine) {
      engine.process.kill('SIGUSR2');
      while (!(await readFile(file, 'utf8')).includes('counting')) await sleep(5);
    },
    async points() {
      return (await readFile(file, 'utf8')).trim().split('\n').slice(1);
    },
    async restart(engine: RunningEngine) {
      await writeFile(switchOff, '');
      await engine.restart();
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
