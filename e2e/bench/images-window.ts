/** What many images cost the window. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import tar from 'tar-stream';
import { TestApp } from '../fixtures/app.js';
import { openDisplay } from '../fixtures/display.js';
import { docker } from '../fixtures/engine.js';
import { SlipwayPage } from '../fixtures/window.js';
import { isWanted, note, noteOne } from './measure.js';

const IMAGES = 1000;
const TAGS = 5;
const CROWD = IMAGES * TAGS;
const ROUNDS = 9;
const SCROLL_MS = 3000;

const OPEN = `page of ${CROWD} images, from the click to its rows`;
const FILTER = `filtering ${CROWD} images, from the last letter to what is left`;
const SCROLL = `scrolling ${CROWD} images: median time between frames`;
const SLOWEST = `scrolling ${CROWD} images: the slowest frame in twenty`;

export async function imagesWindowBench(): Promise<void> {
  if (![OPEN, FILTER, SCROLL, SLOWEST].some(isWanted)) return;
  await using display = await openDisplay();
  await using app = await TestApp.open({ display: display.name });
  await app.features();
  const archive = path.join(app.folder, 'crowd.tar');
  await writeCrowd(archive);
  const loaded = await docker(app, ['load', '-q', '-i', archive]);
  if (loaded.code !== 0) throw new Error(`docker load: ${loaded.stderr}`);
  await table(app);
}

/** An archive of many images that share one layer, each under several names. */
export async function writeCrowd(file: string): Promise<void> {
  const pack = tar.pack();
  const out = createWriteStream(file);
  pack.pipe(out);
  const sha = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
  const inner = tar.pack();
  inner.entry({ name: 'hello' }, 'hello');
  inner.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of inner) pieces.push(piece as Buffer);
  const layer = Buffer.concat(pieces);
  pack.entry({ name: 'layer.tar' }, layer);
  const manifest = Array.from({ length: IMAGES }, (_, turn) => {
    const config = JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
      config: { Labels: { turn: String(turn) } },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha(layer)}`] },
    });
    const Config = `${sha(config)}.json`;
    pack.entry({ name: Config }, config);
    const RepoTags = Array.from({ length: TAGS }, (_each, tag) => `team-${turn % 50}/app-${turn}:1.${tag}`);
    return { Config, RepoTags, Layers: ['layer.tar'] };
  });
  pack.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  pack.finalize();
  await once(out, 'close');
}

/** Milliseconds from an act in the page until what it asks for has been drawn; both in JavaScript. */
const drawn = (app: TestApp, act: string, wanted: string): Promise<number> =>
  app.page.evaluate(`(async () => {
    const from = performance.now();
    ${act};
    while (!(${wanted})) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame); // what was found is on the screen with the next frame
    return performance.now() - from;
  })()`);

async function table(app: TestApp): Promise<void> {
  const { page } = app;
  const window = new SlipwayPage(page);
  const type = (text: string) => `const box = document.querySelector('[data-filter]');
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(box, '${text}');
    box.dispatchEvent(new Event('input', { bubbles: true }))`;
  const count = `document.querySelector('.list-foot [role=status]')?.textContent`;
  const [opened, filtered]: [number[], number[]] = [[], []];
  await window.goTo('Images');
  await page.getByText(`${CROWD} images`).first().waitFor();
  for (let round = -1; round < ROUNDS; round++) {
    await window.goTo('Containers');
    const open = await drawn(
      app,
      `document.querySelector('nav a[href*="images"]').click()`,
      `document.querySelector('.grid-scroll .grid-row')`,
    );
    const filter = await drawn(app, type('app-77'), `${count}?.startsWith('${11 * TAGS} of')`);
    await drawn(app, type(''), `${count}?.startsWith('${CROWD}')`);
    if (round < 0) continue;
    opened.push(open);
    filtered.push(filter);
  }
  note(OPEN, ['slipway'], [opened], { target: 300 });
  note(FILTER, ['slipway'], [filtered], { target: 150 });

  const frames = await page.evaluate(async (during) => {
    const box = document.querySelector('.grid-scroll');
    if (!box) throw new Error('no table');
    const gaps: number[] = [];
    const began = performance.now();
    for (let last = began; last - began < during;) {
      const now = await new Promise<number>(requestAnimationFrame);
      if (now > last) gaps.push(now - last);
      last = now;
      box.scrollTop = ((now - began) * 4) % (box.scrollHeight - box.clientHeight); // four rows a frame
    }
    return gaps.slice(5);
  }, SCROLL_MS);
  const sorted = [...frames].sort((a, b) => a - b);
  note(SCROLL, ['slipway'], [frames], { target: 20 });
  noteOne(SLOWEST, sorted[Math.floor(sorted.length * 0.95)] ?? Infinity, { target: 40 });
}
