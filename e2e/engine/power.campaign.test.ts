/**
 * The power goes at any point of a pull, a load, a commit and a removal: the disk's own story of writes and flushes is played up to there, with what
 * was not flushed kept, dropped, reordered or torn; then the disk is mounted and an engine started on it.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { dice, rounds } from '../fixtures/campaign.js';
import { api, busyboxArchive, docker, request, root, startEngine, type RunningEngine } from '../fixtures/engine.js';
import { layeredImage } from '../fixtures/layered-image.js';
import { LOSSES, makeLoggedDisk, mountImage, type LoggedDisk, type Story } from '../fixtures/logged-disk.js';
import { openRegistry, type Registry } from '../fixtures/registry.js';
import { checkStore, differenceOf, originalOf, type Originals } from '../fixtures/store-check.js';

const options = { skip: process.getuid?.() !== 0 && 'needs root', timeout: 3_600_000 };
const DISK_MIB = 96;
/** Engines at once. */
const LANES = 2;

/** An image was asked to come or to go: between `from` and `to` in the story it may be either. */
interface Turn {
  image: string;
  there: boolean;
  from: number;
  to: number;
}

test('a power cut at any point leaves whole images only, and nothing that belongs to nothing', options, async () => {
  const random = dice();
  await using source = await layeredImage('app:1');
  await using registry = await openRegistry({ from: `docker-archive:${source.archive}`, as: 'app:1' });
  await using disk = await makeLoggedDisk(DISK_MIB);
  const { turns, originals } = await tell(disk, registry);
  const story = await disk.end();
  const count = rounds(25, 500);
  // Evenly over the whole story, anywhere in each part of it.
  const cuts = Array.from({ length: count }, (_, part) => ({
    step: Math.floor(((part + random()) / count) * story.steps),
    loss: LOSSES[Math.floor(random() * LOSSES.length)] ?? 'keeps',
    rebooted: random() < 0.5,
    dice: Math.floor(random() * 2 ** 31),
  }));
  const lane = async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'slipway-cut-'));
    try {
      for (let cut = cuts.shift(); cut; cut = cuts.shift())
        await survive(folder, { ...cut, story, turns, originals, registry });
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
});

/** What happens to the disk, and which images are there when. */
async function tell(disk: LoggedDisk, registry: Registry): Promise<{ turns: Turn[]; originals: Originals }> {
  const turns: Turn[] = [];
  const originals: Originals = new Map();
  const runDir = await mkdtemp(path.join(tmpdir(), 'slipway-r-'));
  await using _ = {
    [Symbol.asyncDispose]: () => rm(runDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
  await using engine = await startEngine({ folder: disk.folder, runDir });
  const pulled = `${registry.host}/app:1`;
  const turn = async (there: boolean, images: string[], act: () => Promise<unknown>): Promise<void> => {
    const from = await disk.told();
    await act();
    const to = await disk.told();
    for (const image of images) {
      turns.push({ image, there, from, to });
      if (there && !originals.has(image)) originals.set(image, await originalOf(engine, image));
    }
  };
  await turn(true, [pulled], () => pull(engine, pulled));
  const archive = await busyboxArchive();
  await turn(true, ['busybox:test', 'busybox:latest'], async () => {
    const loaded = await docker(engine, ['load', '-q', '-i', archive]);
    assert.equal(loaded.code, 0, loaded.stderr);
  });
  const { Id } = await api<{ Id: string }>(engine.socket, 'POST', '/containers/create', { Image: pulled });
  const written = await docker(engine, ['cp', '/etc/debian_version', `${Id}:/data/version`]);
  assert.equal(written.code, 0, written.stderr);
  await turn(true, ['made:1'], () => api(engine.socket, 'POST', `/commit?container=${Id}&repo=made&tag=1`));
  await api(engine.socket, 'DELETE', `/containers/${Id}`);
  for (const [image, ...more] of [['busybox:test'], ['busybox:latest'], ['made:1'], [pulled]] as string[][])
    await turn(false, [image as string, ...more], () => api(engine.socket, 'DELETE', `/images/${image}`));
  await turn(true, [pulled], () => pull(engine, pulled));
  return { turns, originals };
}

async function pull({ socket }: { socket: string }, image: string): Promise<void> {
  const answer = await request(socket, 'POST', `/images/create?fromImage=${encodeURIComponent(image)}`);
  assert.equal(answer.status, 200, answer.body.toString());
  assert.doesNotMatch(answer.body.toString(), /"error"/);
}

interface Cut {
  story: Story;
  step: number;
  loss: (typeof LOSSES)[number];
  /** The machine has another boot id: the engine looks at the newest layers by itself. */
  rebooted: boolean;
  dice: number;
  turns: Turn[];
  originals: Originals;
  registry: Registry;
}

async function survive(folder: string, { story, step, loss, rebooted, dice: seed, turns, originals, registry }: Cut) {
  const what = `step ${step} of ${story.steps}, which ${loss} what was not flushed, dice ${seed}${rebooted ? ', rebooted' : ''}`;
  // A name of its own: of one that was mounted a moment ago the kernel may still have pages.
  const image = path.join(folder, `image-${step}-${seed}`);
  await story.cut(image, step, loss, dice(seed));
  await using _ = await mountImage(image, path.join(folder, 'disk'));
  await rm(image);
  const bootId = path.join(folder, 'boot_id');
  await writeFile(bootId, '11111111-1111-1111-1111-111111111111\n');
  const command = [process.execPath, path.join(root, 'out/daemon.cjs')];
  const elsewhere = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"',
  ];
  let engine: RunningEngine | undefined;
  try {
    engine = await startEngine({
      folder: path.join(folder, 'disk'),
      runDir: path.join(folder, 'run'),
      command: rebooted ? [...elsewhere, bootId, ...command] : command,
    });
    const names = await checkStore(engine, originals);
    const now = story.endOf(step);
    for (const name of originals.keys()) {
      const said = turns.filter((turn) => turn.image === name && turn.from <= now);
      const last = said.at(-1);
      // Until it is answered it may be either; before it was asked for, it is not there.
      if (last && last.to > now) continue;
      assert.equal(names.includes(name), last?.there ?? false, `${name} ${last?.there ? 'is lost' : 'is still there'}`);
    }
    const pulled = `${registry.host}/app:1`;
    await pull(engine, pulled);
    assert.equal(differenceOf(await originalOf(engine, pulled), originals.get(pulled)), undefined);
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}\n${engine?.log() ?? ''}`, {
      cause: error,
    });
  } finally {
    await engine?.[Symbol.asyncDispose]();
  }
}
