/** Logs in the window: found, filtered, followed through restarts and floods, read up to their beginning, copied. */
import { api, loadBusybox } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

/** A container that runs a script, on busybox. */
async function runScript(app: TestApp, name: string, script: string, more: object = {}): Promise<string> {
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', script],
    HostConfig: { NetworkMode: 'none' },
    ...more,
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  return Id;
}

const talk = `
echo '2026-11-26 INFO  listening on :3000'
echo '2026-11-26 WARN  db pool: 20/20 in use'
echo '2026-11-26 ERROR health: timeout waiting for client' >&2
echo '{"level":"info","msg":"request","path":"/orders","status":201,"took":{"db":12,"render":26}}'
echo '{"level":"error","msg":"request failed","path":"/health","status":503}'
printf '\\033[32mGET\\033[0m /products 200 \\033[2m11ms\\033[0m\\n'
for n in $(seq 1 300); do echo "line $n of 300"; done
echo 'a line that is longer than the window is wide: 世界 lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor'
sleep 1000`;

test('lines are found by regular expression, filtered by what they say and how grave they are', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  await runScript(app, 'talker', talk);
  await window.openContainer('talker', 'Logs');
  const log = page.getByRole('log', { name: 'Logs of talker' });
  await expect(log).toContainText('a line that is longer');

  await page.keyboard.press('Control+f');
  await page.keyboard.type('line (7|8)\\d of');
  await expect(page.getByRole('status').filter({ hasText: 'of 20' })).toBeVisible();
  await page.keyboard.press('Shift+Enter');
  await expect(log.locator('.found')).toContainText('line 89 of 300');
  await page.keyboard.press('Enter');
  await expect(log.locator('.found')).toContainText('line 70 of 300');
  await page.keyboard.press('Escape');
  await expect(log.locator('.found mark')).toHaveCount(0);

  await page.getByRole('button', { name: 'Filter lines' }).click();
  await page.getByRole('button', { name: 'Error', exact: true }).click();
  await expect(log.locator('.log-line')).toHaveCount(2);
  await expect(log).toContainText('health: timeout');
  await expect(log).toContainText('request failed');
  await page.getByRole('radio', { name: 'stderr' }).click();
  await expect(log.locator('.log-line')).toHaveCount(1);
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('textbox', { name: /^Only lines with/ }).fill('line|INFO');
  await page.getByRole('textbox', { name: /^Not lines with/ }).fill('line [1-9]');
  await expect(log.locator('.log-line')).toHaveCount(2);
  await page.getByRole('textbox', { name: /^Not lines with/ }).fill('line [');
  await expect(page.getByRole('textbox', { name: /^Not lines with/ })).toHaveAttribute('aria-invalid', 'true');
  await page.getByRole('button', { name: 'Clear' }).click();

  await page.getByRole('button', { name: 'Open all JSON rows' }).click();
  await log.focus();
  await page.keyboard.press('Home');
  await expect(log).toContainText('"render": 26');
  await expect(log.getByRole('separator')).toHaveCount(0);
  await page.getByRole('button', { name: 'Timestamps' }).click();
  await expect(log.locator('.when').first()).toHaveText(/^\d\d:\d\d:\d\d\.\d{3}$/);
  await shot(app, 'dark');
  for (const theme of ['light', 'dark', 'contrast'] as const) {
    await window.dress({ theme, language: theme === 'light' ? 'zh-CN' : 'en' });
    await expect(page.getByRole('log')).toContainText('a line that is longer');
    await page.getByRole('button', { name: /^(Filter lines|筛选行)$/ }).click();
    await page.getByRole('log').focus();
    await page.keyboard.press('Home');
    await expect(page.getByRole('log')).toContainText('INFO');
    expect(await window.serious(), theme).toEqual([]);
    await shot(app, theme);
  }
});

test('by keyboard alone: a JSON row is opened, everything is copied, the end is reached again', async ({ openApp }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  const { keyboard } = page;
  await app.features();
  await loadBusybox(app);
  await runScript(app, 'talker', talk);
  await window.goTo('Containers');
  await window.row('talker').focus();
  await keyboard.press('l');
  const log = page.getByRole('log', { name: 'Logs of talker' });
  await expect(log).toContainText('a line that is longer');
  await page.getByRole('tab', { name: 'Logs', exact: true }).focus();
  while (!(await log.evaluate((element) => element === document.activeElement))) await keyboard.press('Tab');
  await keyboard.press('Home');
  await expect(log.locator('.log-line').first()).toContainText('INFO');
  // The two streams may come in either order.
  await expect(async () => {
    await keyboard.press('ArrowDown');
    await expect(log.locator('.at')).toContainText('"/orders"', { timeout: 100 });
  }).toPass({ intervals: [0] });
  await keyboard.press('Enter');
  await expect(log.locator('.at')).toContainText('"render": 26');
  await keyboard.press('Control+a');
  await keyboard.press('Control+c');
  await expect(page.getByText('Copied 307 lines')).toBeVisible();
  const copied = await page.evaluate(() =>
    (globalThis as unknown as { slipway: { shell: { readText(): Promise<string> } } }).slipway.shell.readText(),
  );
  expect(copied.split('\n').filter(Boolean)).toHaveLength(307);
  expect(copied).toContain('GET /products 200 11ms');
  await keyboard.press('End');
  await expect(page.getByRole('button', { name: 'Follow' })).toHaveAttribute('aria-pressed', 'true');
});

test('a log goes on after restarts, below a rule that says when, and is read up to its first line', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const id = await runScript(app, 'again', 'for n in $(seq 1 6000); do echo "number $n"; done; sleep 1000', {
    StopTimeout: 0,
  });
  await window.openContainer('again', 'Logs');
  const log = page.getByRole('log', { name: 'Logs of again' });
  await expect(log).toContainText('number 6000');
  await api(app.socket, 'POST', `/containers/${id}/restart?t=0`);
  await expect(page.getByText(/8,?000 lines/)).toBeVisible();
  await expect(log).toContainText('number 6000');

  await log.focus();
  await page.keyboard.press('Home');
  const rule = log.getByText(/^Restarted \d\d:\d\d$/);
  await page.getByRole('textbox', { name: /^Find/ }).fill('^number 6000$');
  await page.getByRole('textbox', { name: /^Find/ }).press('Enter');
  await expect(rule).toBeVisible();
  await shot(app, 'restarted');
  // Up to the beginning, a page at a time.
  await expect(async () => {
    await log.focus();
    await page.keyboard.press('Home');
    await expect(log.locator('.log-line').first()).toHaveText(/^number 1$/, { timeout: 300 });
  }).toPass();
  await expect(page.getByText(/12,?000 lines/)).toBeVisible();
});

test('a container that prints as fast as it can leaves the window alive, in bounds, and ends with its last line', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const id = await runScript(app, 'flood', 'yes "a line of a flood, as fast as it can"');
  await window.openContainer('flood', 'Logs');
  const log = page.getByRole('log', { name: 'Logs of flood' });
  await expect(page.getByText(/oldest lines are not kept here/)).toBeVisible({ timeout: 30_000 });
  await page.getByRole('button', { name: 'Timestamps' }).click();
  await expect(log.locator('.when').first()).toBeVisible();
  expect(await log.locator('.log-line').count()).toBeLessThan(200);
  await log.focus();
  await page.keyboard.press('PageUp');
  await expect(page.getByText('waits while you read')).toBeVisible({ timeout: 30_000 });
  const still = await log.locator('.log-line').nth(10).textContent();
  await page.waitForTimeout(300);
  expect(await log.locator('.log-line').nth(10).textContent()).toBe(still);
  await shot(app, 'held');
  await api(app.socket, 'POST', `/containers/${id}/kill`);
  await page.getByRole('button', { name: 'Jump to the end' }).click();
  await expect(page.getByText('the container has ended')).toBeVisible({ timeout: 60_000 });
});
