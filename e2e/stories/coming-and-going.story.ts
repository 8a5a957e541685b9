/** Quit, crash, return, and more than one at a time: containers and what they say are never lost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestApp } from '../fixtures/app.js';
import { api, docker, request, root, run } from '../fixtures/engine.js';
import { expect, test } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

/** Prints numbered lines, twenty a second, and answers what is typed. */
const COUNTER = 'i=0; while true; do i=$((i+1)); echo "line $i"; read -t 0.05 x && echo "heard $x"; done';

async function makeCounter(app: TestApp, name: string): Promise<string> {
  await request(app.socket, 'POST', '/slipway/starter');
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'slipway/starter:latest',
    Cmd: ['sh', '-c', COUNTER],
    Tty: true,
    OpenStdin: true,
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  return Id;
}

/** The numbers of the lines in a container's log: 1, 2, 3 … without a gap. */
async function expectNoGap(app: TestApp, name: string): Promise<number> {
  const { stdout } = await docker(app, ['logs', name]);
  const numbers = [...stdout.matchAll(/line (\d+)\r?\n/g)].map(([, number]) => Number(number));
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
  return numbers.length;
}

const isUp = async (app: TestApp, name: string) =>
  (await docker(app, ['inspect', '-f', '{{.State.Running}} {{.State.Pid}}', name])).stdout.trim();

test('the app killed with a terminal attached: the container goes on, the watchdog’s engine adopts it, the app takes it back', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const first = await app.features();
  expect(first.host).toBe('app');
  await makeCounter(app, 'counter');
  const window = new SlipwayPage(app.page);
  await window.openContainer('counter', 'Terminal');
  await expect(window.terminal).toContainText('line ');
  const before = await isUp(app, 'counter');
  expect(before).toMatch(/^true \d+$/);

  const killed = Date.now();
  await app.kill('SIGKILL');
  const standby = await app.features(5000);
  test.info().annotations.push({ type: 'engine back after', description: `${Date.now() - killed} ms` });
  expect(standby.host).toBe('headless');
  expect(standby.pid).not.toBe(first.pid);
  expect(await isUp(app, 'counter')).toBe(before);
  const lines = await expectNoGap(app, 'counter');

  await app.start();
  await expect.poll(async () => (await app.features()).host).toBe('app');
  expect(await isUp(app, 'counter')).toBe(before);
  const again = new SlipwayPage(app.page);
  await again.openContainer('counter', 'Terminal');
  await expect(again.terminal).toContainText('line ');
  await again.type('hello');
  await expect(again.terminal).toContainText('heard hello');
  await shot(app, 'adopted');
  expect(await expectNoGap(app, 'counter')).toBeGreaterThan(lines);
  await expectEnded(standby.pid);
});

test('quitting while a container runs hands it to a headless engine; starting again takes it back', async ({
  openApp,
}) => {
  const app = await openApp();
  await app.features();
  await makeCounter(app, 'counter');
  const before = await isUp(app, 'counter');

  expect(await app.quit()).toBe(0);
  const standby = await app.features(1000); // it answered before the app let go
  expect(standby.host).toBe('headless');
  expect(await isUp(app, 'counter')).toBe(before);
  expect(await leftOpen(standby.pid)).toEqual([]);

  await app.start();
  await expect.poll(async () => (await app.features()).host).toBe('app');
  await expectEnded(standby.pid);
  expect(await isUp(app, 'counter')).toBe(before);
  await expectNoGap(app, 'counter');
});

test('quitting while nothing runs leaves nothing running', async ({ openApp }) => {
  const app = await openApp();
  await app.features();
  expect(await app.quit()).toBe(0);
  await expect(app.features(500)).rejects.toThrow('no engine answers');
});

test('closing the window hides it and the engine goes on; starting again brings it back', async ({ openApp }) => {
  const app = await openApp();
  const { pid } = await app.features();
  const isShown = () => app.page.evaluate(() => document.visibilityState);
  await expect.poll(isShown).toBe('visible');
  await app.page.getByRole('button', { name: 'Close window' }).click();
  await expect.poll(isShown).toBe('hidden');
  expect((await app.features()).pid).toBe(pid);
  expect(await app.startSecond()).toBe(0);
  await expect.poll(isShown).toBe('visible');
});

test('a second start wakes the first: one window, one engine process', async ({ openApp }) => {
  const app = await openApp();
  const { pid } = await app.features();
  expect(pid).toBe(app.pid);
  expect(await app.startSecond()).toBe(0);
  expect((await app.features()).pid).toBe(pid);
  expect(await helpersOf(app)).toHaveLength(1);
});

test('where somebody’s own engine runs on the data, the app is its client and leaves it alone; when that engine dies, what was typed and what went wrong meanwhile is not lost', async ({
  prepareApp,
  shot,
}) => {
  const app = await prepareApp();
  const engine = spawn(
    process.execPath,
    [
      path.join(root, 'out/daemon.cjs'),
      ...['--data-root', app.dataRoot, '--exec-root', app.execRoot, '--host', `unix://${app.socket}`],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: app.env },
  );
  await once(engine.stdout, 'data');
  expect((await app.features()).pid).toBe(engine.pid);

  await app.start();
  const window = new SlipwayPage(app.page);
  await window.goTo('Containers');
  await makeCounter(app, 'theirs');
  await expect(window.row('theirs')).toContainText('Running');
  expect(await app.features()).toMatchObject({ host: 'headless', pid: engine.pid });
  expect(await helpersOf(app)).toHaveLength(1);

  const { page } = app;
  const item = (name: string) => page.getByRole('treeitem', { name }).first();
  await window.openContainer('theirs', 'Files');
  await item('etc').press('Enter');
  await item('passwd').press('Enter');
  const editor = page.getByRole('textbox', { name: 'Text of passwd' });
  await expect(editor).toBeFocused();
  await page.keyboard.type('draft');
  const gone = once(engine, 'exit');
  engine.kill('SIGSTOP');
  await item('bin').press('Enter');
  await expect(page.getByText('Reading …')).toBeVisible();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('log in');
  await page.getByRole('option', { name: 'Log in to a registry…' }).press('Enter');
  for (const [label, typed] of [
    ['Registry', 'localhost:1'],
    ['User name', 'ann'],
    ['Password or access token', 'secret'],
  ] as const)
    await window.dialog.getByLabel(label).fill(typed);
  await page.keyboard.press('Enter');
  await expect(window.dialog.getByRole('button', { name: 'Asking the registry…' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(window.dialog).toBeHidden();
  engine.kill('SIGKILL');
  await gone;
  await expect.poll(async () => (await app.features()).host, 'the app hosts one when that one has ended').toBe('app');
  await expect(page.getByRole('alert').filter({ hasText: 'Log in to localhost:1' })).toContainText('The engine ended');
  await expect(item('busybox')).toBeVisible();
  await expect(editor).toContainText('draft');
  await shot(app, 'died');
  await docker(app, ['rm', '-f', 'theirs']);
  await expect(page.getByText('No containers yet')).toBeVisible();
});

test('quitting ends only what is Slipway’s: a program started beside it lives on', async ({ openApp }) => {
  const app = await openApp({ wrap: ['sh', '-c', 'sleep 600 & echo "sibling $!"; exec "$@"', 'sh'] });
  await app.features();
  const sibling = Number(/sibling (\d+)/.exec(app.log)?.[1]);
  await app.quit();
  await sleep(300);
  expect(await readFile(`/proc/${sibling}/cmdline`, 'utf8')).toContain('sleep');
  process.kill(sibling, 'SIGKILL');
});

async function expectEnded(pid: number): Promise<void> {
  await expect
    .poll(() => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''), `process ${pid} has ended`)
    .toBe('');
}

async function helpersOf(app: TestApp): Promise<string[]> {
  const { stdout } = await run('pgrep', ['-f', `slipway-helper serve.*${app.dataRoot}`]);
  return stdout.trim().split('\n').filter(Boolean);
}

/** What a process holds open that only a window would need: shared memory, resources, the profile. */
async function leftOpen(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return targets.filter((target) => /org\.chromium|\.pak$|\/config\/|inotify/.test(target));
}

test('an app that is told to end while it is still starting ends', async ({ prepareApp }) => {
  const app = await prepareApp();
  expect(await app.startAndEnd()).toBe(0);
});
