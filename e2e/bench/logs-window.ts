/** What streams cost the window: a log that comes at 20,000 lines a second, and a key press to its echo while another terminal prints. */
import { expect } from '@playwright/test';
import { TestApp } from '../fixtures/app.js';
import { openDisplay } from '../fixtures/display.js';
import { api, loadBusybox } from '../fixtures/engine.js';
import { SlipwayPage } from '../fixtures/window.js';
import { isWanted, note, noteOne } from './measure.js';

const RATE = 'log view: lines a second behind 20,000 written';
const FRAME = 'log view at 20,000 lines/s: longest time without a frame';
const MEMORY = 'log view at 20,000 lines/s: memory gained in the second half minute';
const ECHO = 'key press to echo while another terminal prints (p95)';

const SECONDS = 10;

export async function logsWindowBench(): Promise<void> {
  if (![RATE, FRAME, MEMORY, ECHO].some(isWanted)) return;
  await using display = await openDisplay();
  const app = await TestApp.open({ display: display.name });
  try {
    await app.features();
    await loadBusybox(app);
    if ([RATE, FRAME, MEMORY].some(isWanted)) await logView(app);
    if (isWanted(ECHO)) await echo(app);
  } finally {
    await app[Symbol.asyncDispose]();
  }
}

async function run(app: TestApp, name: string, script: string, more: object = {}): Promise<void> {
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', script],
    HostConfig: { NetworkMode: 'none' },
    ...more,
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
}

/** Two thousand lines each tenth of a second: what has been shown is counted against what was written. */
async function logView(app: TestApp): Promise<void> {
  const { page } = app;
  const window = new SlipwayPage(page);
  const line = 'GET /products/1234 200 11ms a line as a web server writes it';
  await run(app, 'steady', `while :; do yes "${line}" | head -n 2000; usleep 100000; done`);
  await window.openContainer('steady', 'Logs');
  await expect(page.getByText(/oldest lines are not kept here/)).toBeVisible({ timeout: 60_000 });
  const before = await used(app);
  const began = performance.now();
  const from = await counted(app);
  const longest = await page.evaluate(async (milliseconds) => {
    const start = performance.now();
    let last = start;
    let gap = 0;
    while (last - start < milliseconds) {
      const now = await new Promise<number>(requestAnimationFrame);
      gap = Math.max(gap, now - last);
      last = now;
    }
    return gap;
  }, SECONDS * 1000);
  const rate = ((await counted(app)) - from) / ((performance.now() - began) / 1000);
  noteOne(RATE, 20_000 - rate, { unit: 'lines/s', target: 4000 });
  noteOne(FRAME, longest, { target: 250 });
  noteOne(MEMORY, Math.max(0, (await used(app)) - before), { unit: 'MB', target: 20 });
  await api(app.socket, 'POST', '/containers/steady/kill');
}

/** How many lines have come, by the view's own foot: those it has and those it let go of. */
async function counted({ page }: TestApp): Promise<number> {
  const text = (await page.locator('.panel-foot').first().textContent()) ?? '';
  return [...text.matchAll(/[\d,]+(?= (?:lines|oldest))/g)].reduce(
    (sum, [number]) => sum + Number(number.replaceAll(',', '')),
    0,
  );
}

async function used(app: TestApp): Promise<number> {
  const session = await app.page.context().newCDPSession(app.page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = (await session.send('Runtime.getHeapUsage')) as { usedSize: number };
  await session.detach();
  return usedSize / 1e6;
}

/** A key goes to the process and comes back as what it echoes, seen in the rows of the screen. */
async function echo(app: TestApp): Promise<void> {
  const { page } = app;
  const window = new SlipwayPage(page);
  await run(app, 'typed', 'exec cat', { Tty: true, OpenStdin: true });
  await window.openContainer('typed', 'Terminal');
  await expect(window.terminal.getByRole('textbox')).toBeFocused();
  await page.getByRole('button', { name: 'Split: one below the other' }).click();
  const other = page.locator('[data-terminal]').nth(1);
  await expect(other).toContainText('#');
  await other.click();
  await page.keyboard.type('while :; do seq 1 100; usleep 1000; done\n');
  await window.terminal.click();
  const samples = await page.evaluate(async () => {
    const host = document.querySelector('[data-terminal]');
    const area = host?.querySelector('textarea');
    const rows = host?.querySelector('.xterm-rows');
    if (!area || !rows) throw new Error('no terminal');
    const times: number[] = [];
    for (let count = 0; count < 220; count += 1) {
      const letter = String.fromCharCode(97 + (count % 26));
      const seen = new Promise<void>((resolve) => {
        const length = (rows.textContent ?? '').replace(/\s/g, '').length;
        const observer = new MutationObserver(() => {
          if ((rows.textContent ?? '').replace(/\s/g, '').length <= length) return;
          observer.disconnect();
          resolve();
        });
        observer.observe(rows, { childList: true, subtree: true, characterData: true });
      });
      const from = performance.now();
      const init = { key: letter, code: `Key${letter.toUpperCase()}`, bubbles: true, cancelable: true };
      area.dispatchEvent(new KeyboardEvent('keydown', { ...init, keyCode: letter.toUpperCase().charCodeAt(0) }));
      area.dispatchEvent(
        new KeyboardEvent('keypress', { ...init, charCode: letter.charCodeAt(0) } as KeyboardEventInit),
      );
      await Promise.race([seen, new Promise((resolve) => setTimeout(resolve, 1000))]);
      times.push(performance.now() - from);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    return times.slice(20);
  });
  const sorted = [...samples].sort((a, b) => a - b);
  note(ECHO, ['slipway'], [[sorted[Math.floor(sorted.length * 0.95)] ?? 0]], { target: 20 });
}
