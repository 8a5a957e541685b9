/** What many containers, and containers with many files, cost the window; and what it costs when nobody sees it. */
import { expect } from '@playwright/test';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestApp } from '../fixtures/app.js';
import { openDisplay } from '../fixtures/display.js';
import { api, docker, loadBusybox } from '../fixtures/engine.js';
import { SlipwayPage } from '../fixtures/window.js';
import { isWanted, note, noteOne } from './measure.js';
import { ticksOf, times } from './peers.js';

const CROWD = 1000;
const RUNNING = 20;
const ROUNDS = 9;
const EVENTS = 20;
const SCROLL_MS = 3000;
/** Collectors of garbage tidy up for a while after the last work. */
const REST_MS = 45_000;
const HIDDEN_S = 40;
const FOLDERS = 100;
const FILES = 1000;

const OPEN = `page of ${CROWD} containers, from the click to its rows`;
const SCROLL = `scrolling ${CROWD} containers: median time between frames`;
const SLOWEST = `scrolling ${CROWD} containers: the slowest frame in twenty`;
const EVENT = 'engine event to what it changes on the screen (p95)';
const FILES_OPEN = `Files tab of a container of ${FOLDERS * FILES} files, from the click to its rows`;
const FOLDER_OPEN = `a folder of ${FILES} of them, from the click to its rows`;
const FLAT_OPEN = 'a folder of 10000 files, from the click to its rows';
const HIDDEN = `share of a processor with the window hidden, ${RUNNING} containers running`;

export async function containersWindowBench(): Promise<void> {
  if (![OPEN, SCROLL, SLOWEST, EVENT, FILES_OPEN, FOLDER_OPEN, FLAT_OPEN, HIDDEN].some(isWanted)) return;
  await using display = await openDisplay();
  const app = await TestApp.open({ display: display.name });
  try {
    await app.features();
    await loadBusybox(app);
    if ([FILES_OPEN, FOLDER_OPEN, FLAT_OPEN].some(isWanted)) await files(app);
    const crowd = await fill(app);
    if ([OPEN, SCROLL, SLOWEST, EVENT].some(isWanted)) await table(app);
    if (isWanted(HIDDEN)) await hidden(app);
    await times(crowd.length, 4, (turn) => api(app.socket, 'DELETE', `/containers/${crowd[turn]}?force=1`));
  } finally {
    await app[Symbol.asyncDispose]();
  }
}

/** Most have never run, as in a list that has grown for months; some run. */
async function fill(app: TestApp): Promise<string[]> {
  const ids: string[] = [];
  await times(CROWD, 4, async (turn) => {
    const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=crowd-${turn}`, {
      Image: 'busybox:test',
      Cmd: ['sleep', '100000'],
      Labels: { 'com.docker.compose.project': `project-${turn % 50}` },
      HostConfig: { NetworkMode: 'none' },
    });
    ids.push(Id);
    if (turn < RUNNING) await api(app.socket, 'POST', `/containers/${Id}/start`);
  });
  return ids;
}

/** Milliseconds from an act in the page until what it asks for has been drawn; both in JavaScript, which the page itself may not make from text. */
const drawn = (app: TestApp, act: string, wanted: string): Promise<number> =>
  app.page.evaluate(`(async () => {
    const named = (name) =>
      [...document.querySelectorAll('[role=treeitem]')].find((row) => row.querySelector('.files-name')?.textContent === name);
    const from = performance.now();
    ${act};
    while (!(${wanted})) await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame); // what was found is on the screen with the next frame
    return performance.now() - from;
  })()`);

async function table(app: TestApp): Promise<void> {
  const { page } = app;
  const window = new SlipwayPage(page);
  const opened: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    await window.goTo('Images');
    const time = await drawn(
      app,
      `document.querySelector('nav a[href*="containers"]').click()`,
      `document.querySelector('.grid-scroll .grid-row')`,
    );
    if (round >= 0) opened.push(time);
  }
  note(OPEN, ['slipway'], [opened], { target: 300 });

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
  if (isWanted(EVENT)) await events(app);
}

/** From the moment that the engine gives an event to the frame after the row has said so. */
async function events(app: TestApp): Promise<void> {
  const { page } = app;
  await page.evaluate(() => document.querySelector('.grid-scroll')?.scrollTo(0, 0));
  await page.keyboard.press('/');
  await page.keyboard.type('crowd-500');
  const row = page.getByRole('row', { name: /crowd-500/ });
  await expect(row).toBeVisible();
  const asked = http.get({ socketPath: app.socket, path: '/events?filters={"container":["crowd-500"]}', agent: false });
  const [answer] = (await once(asked, 'response')) as [http.IncomingMessage];
  const moments: { Action: string; timeNano: number }[] = [];
  answer.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) if (line) moments.push(JSON.parse(line) as (typeof moments)[0]);
  });
  answer.on('error', () => undefined);
  const delays: number[] = [];
  for (let turn = 0; turn < EVENTS; turn++)
    for (const [verb, action, word] of [
      ['start', 'start', 'Running'],
      ['kill', 'die', 'Exited'],
    ] as const) {
      const seen = page.evaluate(async (text) => {
        while (!document.querySelector('[role=row][aria-label*="crowd-500"]')?.textContent?.includes(text))
          await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        return performance.timeOrigin + performance.now();
      }, word);
      await sleep(50);
      await api(app.socket, 'POST', `/containers/crowd-500/${verb}`);
      const at = await seen;
      const moment = moments.filter(({ Action }) => Action === action).at(-1);
      if (!moment) throw new Error(`no ${action} event came`);
      delays.push(at - moment.timeNano / 1e6);
    }
  answer.destroy();
  delays.sort((a, b) => a - b);
  noteOne(EVENT, delays[Math.floor(delays.length * 0.95)] ?? Infinity, { target: 150 });
  await page.keyboard.press('Escape');
}

async function files(app: TestApp): Promise<void> {
  const { page } = app;
  const window = new SlipwayPage(page);
  const script =
    `for d in $(seq ${FOLDERS}); do mkdir -p /files/d$d && cd /files/d$d && seq ${FILES} | xargs touch; done; ` +
    'mkdir /flat && cd /flat && seq 10000 | xargs touch';
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=many-files', {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', script],
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  await api(app.socket, 'POST', `/containers/${Id}/wait`);
  await window.openContainer('many-files', 'Summary');
  const [tabs, folders, flats]: [number[], number[], number[]] = [[], [], []];
  for (let round = -1; round < ROUNDS; round++) {
    await window.openTab('Summary');
    const press = ['mousedown', 'mouseup', 'click']
      .map((kind) => `tab.dispatchEvent(new MouseEvent('${kind}', { bubbles: true, button: 0 }))`)
      .join(';');
    const tab = `const tab = [...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === 'Files'); ${press}`;
    const opened = await drawn(app, tab, `named('files')`);
    const flat = await drawn(app, `named('flat').click()`, `named('1')`);
    await drawn(app, `named('flat').click()`, `!named('1')`);
    await drawn(app, `named('files').click()`, `named('d1')`);
    const folder = await drawn(app, `named('d1').click()`, `named('1')`);
    if (round < 0) continue;
    tabs.push(opened);
    folders.push(folder);
    flats.push(flat);
  }
  note(FILES_OPEN, ['slipway'], [tabs], { target: 300 });
  note(FOLDER_OPEN, ['slipway'], [folders], { target: 300 });
  note(FLAT_OPEN, ['slipway'], [flats], { target: 300 });
  await api(app.socket, 'DELETE', `/containers/${Id}?force=1`);
}

/** Everything that the app is made of: its own processes, the helper, the monitors. */
async function hidden(app: TestApp): Promise<void> {
  await new SlipwayPage(app.page).goTo('Containers');
  await app.page.evaluate(() => (window as unknown as Shell).slipway.shell.window('close'));
  await docker(app, ['ps', '-q']);
  await sleep(REST_MS);
  const pids = await family(app.pid);
  const before = await ticksOf(pids);
  await sleep(HIDDEN_S * 1000);
  const percent = ((await ticksOf(pids)) - before) / HIDDEN_S; // ticks of a hundredth of a second
  noteOne(HIDDEN, percent, { unit: '%', target: 0.5 });
}

interface Shell {
  slipway: { shell: { window(action: string): Promise<void> } };
}

/** A process and everybody below it, and the monitors, which are nobody's children. */
async function family(root: number): Promise<number[]> {
  const parents = new Map<number, number>();
  const monitors: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const [, command, parent] = /^\d+ \((.*)\) \S+ (\d+)/s.exec(stat) ?? [];
    if (command === undefined) continue;
    parents.set(Number(name), Number(parent));
    if (command.startsWith('slipway-monit')) monitors.push(Number(name));
  }
  const below = (pid: number): boolean => pid === root || (parents.has(pid) && below(parents.get(pid)!));
  return [...parents.keys()].filter((pid) => below(pid) || monitors.includes(pid));
}
