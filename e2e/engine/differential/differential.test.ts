/**
 * The API side by side with Debian's dockerd (API 1.41): the same requests to both, and everything that clients read of the answers compared.
 * `SLIPWAY_DIFFERENCES=FILE` also writes every mismatch to a file.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { api, loadBusybox, request, root, startDockerd, startEngine } from '../../fixtures/engine.js';
import { full, mismatches, send, type Mismatch, type Side, type Step } from './compare.js';
import { differences, explains, isAt, MOST } from './differences.js';
import { createAnswers, createRefusals } from './tables/create.js';
import { failedStarts, lifecycle } from './tables/lifecycle.js';
import { bodies, paths, versions } from './tables/protocol.js';
import { eventReading, lists, logReading } from './tables/read.js';
import { attaching, execs } from './tables/streams.js';
import { archives, images, imports, names, networks, system, updates } from './tables/things.js';
import { volumes } from './tables/volumes.js';

const subjects: Record<string, Step[]> = {
  'the system': system,
  'paths, methods and versions in them': paths,
  'bodies of requests': bodies,
  'what create refuses': createRefusals,
  'what create makes of a wish': createAnswers,
  'a container’s life': lifecycle,
  'starts that fail': failedStarts,
  'lists, filters and what is read of containers': lists,
  logs: logReading,
  events: eventReading,
  attach: attaching,
  exec: execs,
  'older versions': versions,
  files: archives,
  limits: updates,
  networks,
  images,
  'names of images': names,
  imports,
  volumes,
};

const needs = { skip: process.getuid?.() !== 0 && 'needs root for the dockerd to compare with' };
const found: Mismatch[] = [];
let engine: Awaited<ReturnType<typeof startEngine>>;
let dockerd: Awaited<ReturnType<typeof startDockerd>>;

before(async () => {
  if (needs.skip) return;
  [engine, dockerd] = await Promise.all([
    startEngine(),
    // Where its bridge is not there yet, dockerd tells of its gateway only if it was given it.
    startDockerd({ flags: ['--bip', '172.17.0.1/16'] }),
  ]);
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await dockerd?.[Symbol.asyncDispose]();
  const file = process.env.SLIPWAY_DIFFERENCES;
  if (file) await writeFile(file, found.map((each) => `${JSON.stringify(each)}\n`).join(''));
});

for (const [name, steps] of Object.entries(subjects)) {
  test(`the same answers: ${name}`, needs, async () => {
    const sides = [engine, dockerd].map(({ socket }): Side => ({ socket, kept: new Map() }));
    await Promise.all(sides.map(loadBusybox));
    const here: Mismatch[] = [];
    for (const step of steps.map(full)) {
      const [ours, theirs] = await Promise.all(sides.map((side) => send(side, step)));
      here.push(...mismatches(step.ask, ours!, theirs!));
    }
    found.push(...here);
    await Promise.all(sides.map(clear));
    const unexplained = here.filter((mismatch) => !differences.some((difference) => explains(difference, mismatch)));
    assert.deepEqual(unexplained, []);
  });
}

test('a few hundred requests were compared, and what remains is listed, each with its reason', needs, () => {
  const count = Object.values(subjects).reduce((sum, steps) => sum + steps.length, 0);
  assert.ok(count >= 300, `${count} requests`);
  assert.ok(differences.length <= MOST, `${differences.length} differences`);
  const gone = differences.flatMap(({ title, at }) =>
    at.filter((place) => !found.some((mismatch) => isAt(place, mismatch))).map((place) => ({ title, ...place })),
  );
  assert.deepEqual(gone, [], 'these are no longer differences');
});

test('docs/compatibility.md tells of every difference, and of no other', async () => {
  const text = await readFile(path.join(root, 'docs/compatibility.md'), 'utf8');
  assert.deepEqual(
    text.split('\n').filter((line) => /^\d+\. /.test(line)),
    differences.map(({ title, reason }, index) => `${index + 1}. **${title}.** ${reason}`),
  );
});

async function clear({ socket }: Side): Promise<void> {
  for (const { Id } of await api<{ Id: string }[]>(socket, 'GET', '/containers/json?all=1'))
    await request(socket, 'DELETE', `/containers/${Id}?force=1&v=1`);
}
