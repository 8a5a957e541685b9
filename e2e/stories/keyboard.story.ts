/** The window without a mouse, and as a checker of accessibility sees it. */
import { api, loadBusybox } from '../fixtures/engine.js';
import { expect, test } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

test('pages, rows, the drawer and a shell are reached by keyboard alone', async ({ openApp }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await app.features();
  await loadBusybox(app);
  await api(app.socket, 'POST', '/containers/create?name=typed', {
    Image: 'busybox:test',
    Tty: true,
    OpenStdin: true,
    Cmd: ['sh'],
    HostConfig: { NetworkMode: 'none' },
  });
  await window.goTo('Images');
  const { keyboard } = app.page;
  await keyboard.press('Control+1');
  await expect(app.page.getByRole('heading', { name: 'Containers', level: 1 })).toBeVisible();
  await keyboard.press('/');
  await keyboard.type('typed');
  await expect(window.row('typed')).toContainText('Created');
  await keyboard.press('ArrowDown');
  await keyboard.press('s');
  await expect(window.row('typed')).toContainText('Running');
  await keyboard.press('t');
  await expect(window.terminal.getByRole('textbox')).toBeFocused();
  await window.type('echo by $((40+2)) keys');
  await expect(window.terminal).toContainText('by 42 keys');
  await keyboard.press('F6');
  await expect(window.terminal.getByRole('textbox')).not.toBeFocused();
});

test('where a drawer takes the list’s place, closing it goes back to the row that was open, as the list was left', async ({
  openApp,
}) => {
  const app = await openApp();
  const { page } = app;
  const { keyboard } = page;
  await page.setViewportSize({ width: 1024, height: 700 });
  await app.features();
  for (let number = 10; number < 40; number++)
    await api(app.socket, 'POST', '/volumes/create', { Name: `volume-${number}` });
  const window = new SlipwayPage(page);
  await window.goTo('Volumes');
  const row = (name: string) => page.getByRole('row', { name, exact: true });
  const details = page.getByRole('complementary');
  const scrolled = () => page.locator('.grid-scroll').evaluate((box) => box.scrollTop);
  const press = async (...keys: string[]) => {
    for (const key of keys) await keyboard.press(key);
  };
  await expect(page.getByRole('status').filter({ hasText: '30 volumes' })).toBeVisible();
  await press('/', 'ArrowDown');
  await expect(row('volume-10')).toBeFocused();
  await press('End');
  await expect(row('volume-39')).toBeFocused();
  await press('ArrowUp', 'ArrowUp', 'Enter');
  await expect(details).toHaveAccessibleName('Details of volume-37');
  await expect(row('volume-37')).toBeHidden();
  expect(await window.serious()).toEqual([]);
  const before = await scrolled();
  expect(before).toBeGreaterThan(0);
  await press('Escape');
  await expect(row('volume-37')).toBeFocused();
  expect(await scrolled()).toBe(before);

  await press('Space', 'ArrowUp', 'Enter');
  await expect(details).toHaveAccessibleName('Details of volume-36');
  const close = details.getByRole('button', { name: 'Close' });
  await close.focus();
  await press('Enter');
  await expect(row('volume-36')).toBeFocused();
  await expect(row('volume-37')).toHaveAttribute('aria-selected', 'true');
  expect(await scrolled()).toBe(before);
  await press('Escape');

  // What an address opens may be anywhere in the list.
  await page.evaluate(() => (location.hash = '/volumes/volume-12'));
  await expect(details).toHaveAccessibleName('Details of volume-12');
  await press('Escape');
  await expect(row('volume-12')).toBeFocused();

  await page.setViewportSize({ width: 1280, height: 800 });
  await press('Enter');
  await close.focus();
  await press('Enter');
  await expect(details).toBeHidden();
  await expect(row('volume-12')).toBeFocused();

  await page.setViewportSize({ width: 1024, height: 700 });
  await press('Control+4');
  await expect(row('docker.io')).toBeVisible();
  await press('/', 'ArrowDown', 'Enter');
  await expect(details).toHaveAccessibleName('Details of Docker Hub');
  await press('Escape');
  await expect(row('docker.io')).toBeFocused();
});

for (const theme of ['light', 'dark'] as const)
  test(`a checker of accessibility finds nothing serious on any page (${theme})`, async ({ openApp }) => {
    const app = await openApp();
    const window = new SlipwayPage(app.page);
    await app.page.emulateMedia({ colorScheme: theme });
    await app.features();
    await expect(app.page.getByRole('button', { name: 'Go to the containers' })).toBeVisible();
    expect(await window.serious(), 'first run').toEqual([]);
    await loadBusybox(app);
    await api(app.socket, 'POST', '/containers/create?name=looked-at', {
      Image: 'busybox:test',
      HostConfig: { NetworkMode: 'none' },
    });
    for (const name of ['Images', 'Settings', 'Containers'] as const) {
      await window.goTo(name);
      expect(await window.serious(), name).toEqual([]);
    }
    for (const tab of ['Summary', 'Logs', 'Terminal', 'Inspect'] as const) {
      await window.openContainer('looked-at', tab);
      expect(await window.serious(), `drawer: ${tab}`).toEqual([]);
    }
  });
