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
