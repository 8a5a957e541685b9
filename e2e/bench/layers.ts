/** How long the layers of a large image take to open in the window: never looked at before, again, and next to another image. */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { TestApp } from '../fixtures/app.js';
import { openDisplay } from '../fixtures/display.js';
import { loadLayered, type Step } from '../fixtures/layered.js';
import { isWanted, note } from './measure.js';

const LAYERS = 40;
const SMALL = 1000;
const LARGE = 25_000_000;
const ROUNDS = 5;

const FIRST = `layers of a 1 GB image of ${LAYERS} layers and ${LAYERS * SMALL} files, never looked at: from the click to its files`;
const AGAIN = 'the same image again';
const FOLDER = 'a folder of it, from the click to its rows';
const COMPARE = 'the same image compared with what it was 20 layers below, never compared';

/** Each layer has a large file and many small ones, of which one in ten was there before. */
const steps = (count: number): Step[] =>
  Array.from({ length: count }, (_, layer) => ({
    command: `RUN /bin/sh -c make layer ${layer} # buildkit`,
    files: () => ({
      [`large/${layer}`]: Buffer.concat([Buffer.from(`large ${layer}`), Buffer.alloc(LARGE, layer)]),
      ...Object.fromEntries(
        Array.from({ length: SMALL }, (_, file) => {
          const at = file % 10 === 0 ? file : layer * SMALL + file;
          return [`usr/lib/d${at % 40}/f${at}`, `${layer} ${file}`];
        }),
      ),
    }),
  }));

export async function layersBench(): Promise<void> {
  if (![FIRST, AGAIN, FOLDER, COMPARE].some(isWanted)) return;
  await using display = await openDisplay();
  const app = await TestApp.open({ display: display.name });
  try {
    await app.features();
    const all = steps(LAYERS);
    await loadLayered(app, 'bench/large:2', all);
    await loadLayered(app, 'bench/large:1', all.slice(0, LAYERS - 20));
    const taken: Record<string, number[]> = { [FIRST]: [], [AGAIN]: [], [FOLDER]: [], [COMPARE]: [] };
    for (let round = -1; round < ROUNDS; round++) {
      const [first, again, folder, compare] = await once(app);
      if (round < 0) continue;
      for (const [name, value] of Object.entries({
        [FIRST]: first,
        [AGAIN]: again,
        [FOLDER]: folder,
        [COMPARE]: compare,
      }))
        taken[name]?.push(value as number);
    }
    const targets: Record<string, number> = { [FIRST]: 1000, [AGAIN]: 300, [FOLDER]: 300, [COMPARE]: 1000 };
    for (const [name, samples] of Object.entries(taken))
      note(name, ['slipway'], [samples], { target: targets[name] as number });
  } finally {
    await app[Symbol.asyncDispose]();
  }
}

/** Milliseconds until something is on the screen that an address leads to. */
const shown = (app: TestApp, act: string, wanted: string): Promise<number> =>
  app.page.evaluate(`(async () => {
    const from = performance.now();
    ${act};
    while (!(${wanted})) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - from;
  })()`);

const LOOK = `location.hash = '/images/bench%2Flarge%3A2/layers'`;
const FILES = `document.querySelectorAll('[role=option]').length === ${LAYERS} && document.querySelector('[role=treeitem] .files-name')`;

/** With an engine that has never looked at the image. */
async function once(app: TestApp): Promise<[number, number, number, number]> {
  await app.quit();
  const layers = path.join(app.dataRoot, 'layers');
  for (const name of await readdir(layers)) await rm(path.join(layers, name, 'index'), { force: true });
  await app.start();
  await app.features();
  const { page } = app;
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Images' }).click();
  await page.getByRole('row').filter({ hasText: 'bench/large' }).first().waitFor();
  const first = await shown(app, LOOK, FILES);
  await page.evaluate(`location.hash = '/images'`);
  await page.getByRole('option').first().waitFor({ state: 'detached' });
  const again = await shown(app, LOOK, FILES);
  const names = `[...document.querySelectorAll('[role=treeitem]')]`;
  const folder = await shown(
    app,
    `${names}.find((row) => row.querySelector('.files-name').textContent === 'large').click()`,
    `${names}.length > 10`,
  );
  const compare = await shown(
    app,
    `location.hash = '/images/bench%2Flarge%3A2/layers/-/with/image%3Abench%2Flarge%3A1'`,
    `document.querySelector('.comparing [role=treeitem] .files-name')`,
  );
  return [first, again, folder, compare];
}
