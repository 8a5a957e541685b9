/** The containers table: groups, filters, columns, many at once, menus; by mouse and by keyboard; and an engine that falls silent. */
import type { Page } from '@playwright/test';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestApp } from '../fixtures/app.js';
import { api, docker, loadBusybox, request, startEngine } from '../fixtures/engine.js';
import { expect, test } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

const project = (name: string) => ({ 'com.docker.compose.project': name });

interface Wish {
  name: string;
  labels?: Record<string, string>;
  command?: string;
  more?: Record<string, unknown>;
  start?: boolean;
}

async function make(socket: string, { name, labels = {}, command = 'sleep 1000', more = {}, start = true }: Wish) {
  const { Id } = await api<{ Id: string }>(socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', command],
    Labels: labels,
    HostConfig: { NetworkMode: 'none' },
    ...more,
  });
  if (start) await api(socket, 'POST', `/containers/${Id}/start`);
  return Id;
}

/** What the picture of the look shows: a shop with trouble, a blog, some that ended, one of nobody. */
async function furnish(socket: string): Promise<void> {
  const sick = { Test: ['CMD', 'false'], Interval: 1e9, Retries: 1 };
  const well = { Test: ['CMD', 'true'], Interval: 1e9 };
  const busy = 'while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; usleep 300000; done';
  const shop = project('shop');
  await Promise.all([
    make(socket, { name: 'api', labels: { ...shop, tier: 'back' }, command: busy, more: { Healthcheck: sick } }),
    make(socket, { name: 'cache', labels: { ...shop, tier: 'back' } }),
    make(socket, { name: 'db', labels: { ...shop, tier: 'back' }, more: { Healthcheck: well } }),
    make(socket, { name: 'mailer', labels: shop, command: 'exit 1' }),
    make(socket, { name: 'web', labels: { ...shop, tier: 'front' }, more: { Healthcheck: well } }),
    make(socket, { name: 'ghost', labels: project('blog') }),
    make(socket, { name: 'backup', labels: project('blog') }),
    make(socket, { name: 'first', labels: project('sandbox'), command: 'exit 0' }),
    make(socket, { name: 'second', labels: project('sandbox'), command: 'exit 0' }),
    // It hears no SIGTERM: a stop takes its whole time.
    make(socket, { name: 'stubborn', command: 'trap "" TERM; while :; do sleep 1; done' }),
  ]);
  await api(socket, 'POST', '/containers/backup/pause');
}

async function openTable(app: TestApp): Promise<SlipwayPage> {
  await app.features();
  await loadBusybox(app);
  await furnish(app.socket);
  const window = new SlipwayPage(app.page);
  await window.goTo('Containers');
  await expect(app.page.getByRole('treegrid', { name: 'Containers' })).toBeVisible();
  return window;
}

const group = (page: Page, name: string) => page.getByRole('row', { name: new RegExp(`^${name}, `) });
const row = (page: Page, name: string) => page.getByRole('row', { name, exact: true });

test('rows stand in groups with their state, totals and acts; folds, filters, columns and groupings are the person’s', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  await openTable(app);
  await expect(group(page, 'shop')).toContainText('4 of 5 running');
  await expect(group(page, 'shop')).toContainText(/\d+\.\d % ?\d/);
  await expect(group(page, 'sandbox')).toContainText('2 stopped');
  await expect(row(page, 'api')).toContainText('Unhealthy');
  await expect(row(page, 'mailer')).toContainText('Exited');
  await expect(row(page, 'backup')).toContainText('Paused');
  await expect(row(page, 'api').locator('svg.spark path.line')).toBeVisible();
  await expect(row(page, 'mailer').locator('svg.spark')).toHaveCount(0);
  await shot(app, 'grouped');

  await group(page, 'sandbox').click();
  await expect(group(page, 'sandbox')).toHaveAttribute('aria-expanded', 'false');
  await expect(row(page, 'first')).toBeHidden();

  await page.getByRole('button', { name: 'Failed', exact: true }).click();
  await expect(page.getByText('1 of 10 containers')).toBeVisible();
  await page.getByRole('button', { name: 'Paused', exact: true }).click();
  await expect(page.getByText('2 of 10 containers')).toBeVisible();
  await page.getByRole('button', { name: 'Failed', exact: true }).click();
  await page.getByRole('button', { name: 'Paused', exact: true }).click();
  await page.getByLabel('Filter containers').fill('label:tier=back image:busybox');
  await expect(page.getByText('3 of 10 containers')).toBeVisible();
  await page.getByLabel('Filter containers').fill('');

  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Health' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Created' }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('columnheader', { name: 'Health' })).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Created' })).toBeHidden();

  await page.getByRole('button', { name: 'Group by: Project' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'tier' }).click();
  await expect(group(page, 'back')).toContainText('all 3 running');
  await expect(group(page, 'Others')).toBeVisible();
  await shot(app, 'by label');
  await page.getByRole('button', { name: 'Group by: tier' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'No groups' }).click();
  await expect(page.getByRole('grid', { name: 'Containers' })).toBeVisible();
  await page.getByRole('button', { name: 'CPU' }).click();
  await expect(page.getByRole('row').nth(1)).toHaveAttribute('aria-label', 'api', { timeout: 12_000 });
});

test('many at once, one of which cannot: each has its own line, and what failed can be tried again', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  await openTable(app);
  // Its program is not in the image.
  await make(app.socket, {
    name: 'homeless',
    labels: project('sandbox'),
    start: false,
    more: { Cmd: ['/gone'] },
  });
  await expect(row(page, 'homeless')).toBeVisible();
  await row(page, 'first').getByRole('checkbox').click();
  await row(page, 'homeless').getByRole('checkbox').click();
  await row(page, 'mailer')
    .getByRole('checkbox')
    .click({ modifiers: ['Shift'] });
  await page.keyboard.press('Escape');
  for (const name of ['first', 'second', 'homeless']) await row(page, name).getByRole('checkbox').click();
  const bar = page.getByRole('toolbar', { name: '3 selected' });
  await expect(bar).toContainText('2 stopped');
  await shot(app, 'bar');
  await bar.getByRole('button', { name: 'Start 3', exact: true }).click();
  const results = page.getByRole('dialog', { name: '1 of 3 could not be started' });
  await expect(results.getByRole('listitem')).toHaveCount(3);
  await expect(results.getByRole('listitem').filter({ hasText: 'homeless' })).toContainText('gone');
  await expect(results.getByRole('listitem').filter({ hasText: 'second' })).toContainText('Done');
  await shot(app, 'results');
  expect(await new SlipwayPage(page).serious()).toEqual([]);
  const program = path.join(app.folder, 'gone');
  await writeFile(program, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  expect((await docker(app, ['cp', program, 'homeless:/gone'])).code).toBe(0);
  await results.getByRole('button', { name: 'Try homeless again' }).click();
  await expect(page.getByRole('dialog', { name: 'Started 3 containers' })).toBeVisible();
});

test('a stop that takes its time counts down to the kill and offers it now', async ({ openApp, shot }) => {
  const app = await openApp();
  const { page } = app;
  await openTable(app);
  await row(page, 'stubborn').hover();
  await row(page, 'stubborn').getByRole('button', { name: 'Stop' }).click();
  await expect(row(page, 'stubborn')).toContainText(/Stopping [1-9] of 10 s/);
  await shot(app, 'counting');
  await row(page, 'stubborn').getByRole('button', { name: 'Kill now' }).click();
  await expect(row(page, 'stubborn')).toContainText('Exited 137', { timeout: 5000 });
  await request(app.socket, 'POST', '/containers/stubborn/start');
  await row(page, 'stubborn').click();
  const drawer = page.getByRole('complementary', { name: 'Details of stubborn' });
  await drawer.getByRole('button', { name: 'Stop' }).click();
  await drawer.getByRole('button', { name: 'Kill now' }).click();
  await expect(drawer.getByText('Exited 137').first()).toBeVisible({ timeout: 5000 });
});

test('groups, rows, menus and many at once by keyboard alone', async ({ openApp }) => {
  const app = await openApp();
  const { page } = app;
  await openTable(app);
  const { keyboard } = page;
  await keyboard.press('/');
  await keyboard.press('ArrowDown');
  await expect(group(page, 'blog')).toBeFocused();
  await keyboard.press('ArrowLeft');
  await expect(group(page, 'blog')).toHaveAttribute('aria-expanded', 'false');
  await keyboard.press('ArrowDown');
  await expect(group(page, 'sandbox')).toBeFocused();
  await keyboard.press('ArrowUp');
  await keyboard.press('ArrowRight');
  await expect(group(page, 'blog')).toHaveAttribute('aria-expanded', 'true');
  await keyboard.press('ArrowDown');
  await expect(row(page, 'backup')).toBeFocused();
  await keyboard.press('Shift+F10');
  await expect(page.getByRole('menuitem', { name: 'Resume' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(page.getByRole('menu')).toBeHidden();
  await expect(row(page, 'backup')).toBeFocused();
  await keyboard.press('ContextMenu');
  await expect(page.getByRole('menuitem', { name: 'Resume' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(row(page, 'backup')).toBeFocused();
  await keyboard.press('ArrowLeft');
  await expect(group(page, 'blog')).toBeFocused();
  await keyboard.press('Space');
  await expect(page.getByRole('toolbar', { name: '2 selected' })).toBeVisible();
  await keyboard.press('Control+a');
  await expect(page.getByRole('toolbar', { name: '10 selected' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(page.getByRole('toolbar', { name: /selected/ })).toBeHidden();
  await keyboard.press('End');
  await expect(row(page, 'stubborn')).toBeFocused();
  await keyboard.press('ArrowLeft');
  await keyboard.press('Home');
  await expect(group(page, 'blog')).toBeFocused();
  await keyboard.press('ArrowDown');
  await keyboard.press('Space');
  await keyboard.press('Shift+ArrowDown');
  await expect(page.getByRole('toolbar', { name: '2 selected' })).toBeVisible();
});

test('the right button opens the row’s menu where it was pressed', async ({ openApp }) => {
  const app = await openApp();
  const { page } = app;
  await openTable(app);
  await row(page, 'web').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Pause' }).click();
  await expect(row(page, 'web')).toContainText('Paused');
  await group(page, 'blog').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Stop 2' }).click();
  await expect(group(page, 'blog')).toContainText('2 stopped', { timeout: 15_000 });
});

for (const theme of ['light', 'dark'] as const)
  test(`a checker of accessibility finds nothing serious in a furnished table, in two languages (${theme})`, async ({
    openApp,
    shot,
  }) => {
    const app = await openApp();
    const { page } = app;
    await page.emulateMedia({ colorScheme: theme });
    const window = await openTable(app);
    await expect(row(page, 'api')).toContainText('Unhealthy');
    expect(await window.serious()).toEqual([]);
    for (const name of ['api', 'mailer', 'cache']) await row(page, name).getByRole('checkbox').click();
    await row(page, 'api').click({ position: { x: 80, y: 20 } });
    await expect(page.getByRole('tabpanel')).toBeVisible();
    await window.settled();
    await shot(app, 'as in the mock');
    expect(await window.serious()).toEqual([]);
    await window.goTo('Settings');
    await page.getByRole('radiogroup', { name: 'Language' }).getByRole('radio', { name: '简体中文' }).click();
    await page.getByRole('navigation', { name: '页面' }).getByRole('link', { name: '容器' }).click();
    await expect(group(page, 'shop')).toContainText('5 个中 4 个运行');
    await window.settled();
    await shot(app, 'Chinese');
    expect(await window.serious()).toEqual([]);
  });

test('an engine that falls silent, wakes, dies and comes back: the window says so, keeps what it showed, and goes on', async ({
  prepareApp,
  shot,
}) => {
  const app = await prepareApp();
  // Somebody's own engine, of which the app is a client.
  await using engine = await startEngine({ folder: app.folder, runDir: app.execRoot });
  await loadBusybox(engine);
  await make(engine.socket, { name: 'kept' });
  await app.start({ args: ['--client', '--host', `unix://${engine.socket}`] });
  const { page } = app;
  const window = new SlipwayPage(page);
  await window.goTo('Containers');
  await expect(row(page, 'kept')).toContainText('Running');
  const held = engine.process.pid ?? 0;
  process.kill(held, 'SIGSTOP');
  try {
    await expect(page.getByText('The engine does not answer just now.')).toBeVisible({ timeout: 20_000 });
    await expect(row(page, 'kept')).toBeVisible();
    await shot(app, 'silent');
    // Nobody waits for the token, which is told once.
    await page.keyboard.press('Control+k');
    await page.keyboard.type('serve my');
    await page.getByRole('option', { name: 'Serve my images…' }).press('Enter');
    await window.dialog.getByLabel('Address').fill('127.0.0.1:0');
    await window.dialog.getByRole('checkbox', { name: 'Ask for a token' }).check();
    await window.dialog.getByLabel('Address').press('Enter');
    await page.keyboard.press('Escape');
    await expect(window.dialog).toBeHidden();
  } finally {
    process.kill(held, 'SIGCONT');
  }
  await expect(page.getByText('The engine does not answer just now.')).toBeHidden();
  await page.getByRole('button', { name: 'Show the token' }).click();
  await expect(window.dialog).toContainText('It is shown this once.');
  await shot(app, 'token');
});
