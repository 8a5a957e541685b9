/** The drawer's tabs about a container that runs: what it uses and may use, what runs in it, what is mounted, where it is on the network, all of it. */
import { api, loadBusybox } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage, type ContainerTab } from '../fixtures/window.js';

async function runBusy(app: TestApp): Promise<string> {
  await api(app.socket, 'POST', '/volumes/create', { Name: 'drawer-data' });
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=busy', {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', 'sleep 1000 & while :; do echo x > /data/y; cat /data/y > /dev/null; usleep 20000; done'],
    Env: ['DB_PASSWORD=hunter2', 'DATABASE_URL=postgres://app:tr0ub4dor@db/shop', 'MODE=production'],
    ExposedPorts: { '3000/tcp': {} },
    HostConfig: {
      Memory: 256 * 1024 * 1024,
      PidsLimit: 50,
      NetworkMode: 'none',
      Binds: ['drawer-data:/data', '/tmp:/host:ro'],
      Tmpfs: { '/scratch': 'size=1m' },
    },
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  return Id;
}

test('use, processes, mounts, network and inspection of a running container, by mouse', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  await runBusy(app);

  await window.openContainer('busy', 'Stats');
  await expect(page.getByRole('slider', { name: /^CPU: now [\d.]+ %/ })).toBeVisible();
  await expect(page.getByRole('slider', { name: /^Memory: now/ })).toBeVisible();
  await page.getByRole('slider', { name: /^CPU/ }).focus();
  await page.keyboard.press('ArrowLeft');
  await expect(page.getByRole('status').filter({ hasText: /^\d.*·.*%$/ })).toBeVisible();
  await shot(app, 'stats');
  await page.getByRole('radio', { name: '1 hour' }).click();
  await expect(page.getByText(/^since \d/)).toBeVisible();

  await window.openTab('Processes');
  const main = page.getByRole('row').filter({ hasText: 'while :' });
  await expect(main.first()).toBeVisible();
  await page.getByRole('button', { name: 'Command', exact: true }).click();
  await expect(page.getByRole('columnheader', { name: 'Command' })).toHaveAttribute('aria-sort', 'ascending');
  await expect(page.getByText(/^\d+ processes$/)).toBeVisible();
  await shot(app, 'processes');

  await window.openTab('Mounts');
  await expect(page.getByRole('listitem').filter({ hasText: '/host' })).toContainText('read only');
  await expect(page.getByRole('listitem').filter({ hasText: '/data' })).toContainText('drawer-data');
  await expect(page.getByRole('listitem').filter({ hasText: '/data' })).toContainText('root 0:0rwxr-xr-x');
  await expect(page.getByRole('listitem').filter({ hasText: '/scratch' })).toContainText('In memory');
  await shot(app, 'mounts');

  await window.openTab('Network');
  await expect(page.getByRole('heading', { name: 'No network' })).toBeVisible();
  await expect(page.getByText('3000/tcp')).toBeVisible();
  await shot(app, 'network');

  await window.openTab('Inspect');
  const tree = page.getByRole('tree', { name: 'Inspect' });
  await expect(tree).toBeVisible();
  await page.getByRole('textbox', { name: 'Find a name or value' }).fill('password');
  await expect(tree.getByRole('treeitem').filter({ hasText: 'DB_PASSWORD' })).toContainText('••••••');
  expect(await page.content()).not.toContain('hunter2');
  await shot(app, 'inspect');
  await tree.getByRole('treeitem').filter({ hasText: 'DB_PASSWORD' }).hover();
  await tree
    .getByRole('treeitem')
    .filter({ hasText: 'DB_PASSWORD' })
    .getByRole('button', { name: 'Show value' })
    .click();
  await expect(tree).toContainText('hunter2');
  await page.getByRole('textbox', { name: 'Find a name or value' }).fill('');
  await page.getByRole('radio', { name: 'Raw' }).click();
  await expect(page.locator('pre.raw')).toContainText('"MODE=production"');
  await expect(page.locator('pre.raw')).not.toContainText('tr0ub4dor');
  await page.getByRole('button', { name: 'Show secrets' }).click();
  await expect(page.locator('pre.raw')).toContainText('tr0ub4dor');
});

test('limits are changed while the container runs, and what is wrong is said before the engine has to', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const id = await runBusy(app);
  await window.openContainer('busy', 'Limits');
  const limits = page.getByRole('region', { name: 'Limits' });
  const memory = limits.getByRole('textbox', { name: 'At most' }).first();
  await expect(memory).toHaveValue('256m');
  // Before there is anything to say about its use, too.
  expect(await limits.getByText('Not running.').count()).toBe(0);
  await expect(page.getByRole('meter', { name: 'Memory' })).toBeVisible();
  await memory.fill('1m');
  await expect(limits.getByText('At least 6m.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Apply now' })).toBeDisabled();
  await memory.fill('512m');
  await limits.getByRole('textbox', { name: 'At most' }).last().fill('80');
  await expect(page.getByText('docker update --memory 512m', { exact: false })).toContainText('--pids-limit 80 busy');
  await shot(app, 'limits');
  // Another tab would take along what was typed.
  await page.getByRole('tab', { name: 'Stats' }).click();
  await expect(window.dialog).toContainText('Discard what you typed?');
  await page.keyboard.press('Escape');
  await expect(window.dialog).toBeHidden();
  // Of two drafts each is asked about; staying with the lower one leaves the keyboard in the upper, and both as they are.
  await page.getByRole('button', { name: /^Run$/ }).click();
  const name = window.dialog.getByRole('textbox', { name: 'Name', exact: true });
  await name.fill('second');
  await page.getByRole('button', { name: 'Close window', includeHidden: true }).dispatchEvent('click');
  await expect(window.dialog).toContainText('No container is made of it.');
  await expect(window.dialog.getByRole('button', { name: 'Keep editing' })).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(window.dialog).toContainText('busy stays as it is.');
  await expect(window.dialog.getByRole('button', { name: 'Keep editing' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(name).toBeFocused();
  await expect(name).toHaveValue('second');
  await page.keyboard.press('Escape');
  await expect(window.dialog.getByRole('button', { name: 'Keep editing' })).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(window.dialog).toBeHidden();
  await limits.getByRole('textbox', { name: 'At most' }).last().press('Enter');
  await expect(page.getByText('Change a limit: it applies at once')).toBeVisible();
  const { HostConfig } = await api<{ HostConfig: { Memory: number; PidsLimit: number } }>(
    app.socket,
    'GET',
    `/containers/${id}/json`,
  );
  expect(HostConfig).toMatchObject({ Memory: 512 * 1024 * 1024, PidsLimit: 80 });
  await expect(memory).toHaveValue('512m');
});

test('tabs are walked with the arrows, scroll where they have no room, and are found again per container', async ({
  openApp,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  const { keyboard } = page;
  await app.features();
  await loadBusybox(app);
  await runBusy(app);
  await window.openContainer('busy', 'Summary');
  await page.getByRole('tab', { name: 'Summary' }).focus();
  await keyboard.press('End');
  await expect(page.getByRole('tab', { name: 'History' })).toBeFocused();
  await expect(page.getByRole('tab', { name: 'History' })).toBeInViewport({ ratio: 1 });
  await keyboard.press('ArrowLeft');
  await expect(page.getByRole('tab', { name: 'Inspect' })).toBeFocused();
  await keyboard.press('Enter');
  await expect(page.getByRole('tree')).toBeVisible();
  await keyboard.press('ArrowLeft');
  await expect(page.getByRole('tab', { name: 'Limits' })).toBeFocused();
  await keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Limits' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(page.getByRole('tab', { name: 'Limits' })).toBeHidden();
  await window.row('busy').click();
  await expect(page.getByRole('region', { name: 'Limits' })).toBeVisible();

  await window.openTab('Inspect');
  await page.getByRole('textbox', { name: 'Find a name or value' }).focus();
  await keyboard.press('ArrowDown');
  await expect(page.getByRole('treeitem').first()).toBeFocused();
  const focused = page.locator('[role="treeitem"]:focus');
  while (!(await focused.textContent())?.startsWith('Config')) await keyboard.press('ArrowDown');
  await keyboard.press('ArrowLeft');
  await expect(focused).toHaveAttribute('aria-expanded', 'false');
  await keyboard.press('ArrowRight');
  await expect(focused).toHaveAttribute('aria-expanded', 'true');
  await keyboard.press('Control+c');
  await expect(page.getByText('Copied the value of .Config')).toBeVisible();
});

/** What is in a tab, in any language, once it is there. */
const SHOWN = {
  summary: 'text=sleep 1000 &',
  logs: '[role="log"]',
  terminal: '[data-terminal]:has-text("#")',
  stats: '[role="slider"]',
  processes: 'tr:has-text("while :")',
  mounts: 'li:has-text("/data")',
  network: 'h3, h2',
  limits: 'h3',
  inspect: '[role="treeitem"]',
  history: 'h2',
} satisfies Partial<Record<Lowercase<ContainerTab>, string>>;

for (const [theme, language] of [
  ['dark', 'zh-CN'],
  ['light', 'en'],
  ['contrast', 'en'],
] as const)
  test(`no tab has anything serious for a checker of accessibility (${theme}, ${language})`, async ({
    openApp,
    shot,
  }) => {
    const app = await openApp();
    const window = new SlipwayPage(app.page);
    const { page } = app;
    await app.features();
    await loadBusybox(app);
    const id = await runBusy(app);
    await window.goTo('Containers');
    await window.dress({ theme, language });
    for (const tab of Object.keys(SHOWN) as (keyof typeof SHOWN)[]) {
      await page.evaluate((path) => (location.hash = path), `/containers/${id}/${tab}`);
      await expect(page.locator('[role="tab"][aria-selected="true"]')).toHaveAttribute('id', new RegExp(`${tab}$`));
      await expect(page.getByRole('tabpanel').locator(SHOWN[tab]).first()).toBeVisible();
      expect(await window.serious(), tab).toEqual([]);
      await shot(app, tab);
    }
  });
