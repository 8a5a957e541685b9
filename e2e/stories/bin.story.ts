/** Removed in the window and brought back: by the toast that stands for ten seconds, and from the list of what was removed. */
import { api, docker, loadBusybox } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

/** A container that wrote a file of its own; it runs on, or has ended. */
async function make(app: TestApp, name: string, { runs }: { runs: boolean }): Promise<void> {
  const created = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', `echo written by ${name} > /root/mark${runs ? '; exec sleep 1000' : ''}`],
    HostConfig: { NetworkMode: 'none' },
    StopTimeout: 0,
  });
  await api(app.socket, 'POST', `/containers/${created.Id}/start`);
  if (!runs) await api(app.socket, 'POST', `/containers/${created.Id}/wait`);
  await expect(async () => expect(await mark(app, name)).toBe(`written by ${name}\n`)).toPass();
}

async function mark(app: TestApp, name: string): Promise<string> {
  const { stdout } = await docker(app, ['cp', `${name}:/root/mark`, '-']);
  return /written by \S+\n/.exec(stdout)?.[0] ?? '';
}

async function names(app: TestApp): Promise<string[]> {
  const { stdout } = await docker(app, ['ps', '-a', '--format', '{{.Names}}']);
  return stdout.split('\n').filter(Boolean).sort();
}

async function opened(openApp: () => Promise<TestApp>) {
  const app = await openApp();
  await app.features();
  await loadBusybox(app);
  const window = new SlipwayPage(app.page);
  const toast = app.page.getByRole('status').filter({ hasText: 'brought back' });
  return { app, window, toast };
}

test('a stopped container is removed without a question, and Undo brings it back with its files', async ({
  openApp,
  shot,
}) => {
  const { app, window, toast } = await opened(openApp);
  await make(app, 'notes', { runs: false });
  await window.goTo('Containers');
  await window.row('notes').click({ button: 'right' });
  await app.page.getByRole('menuitem', { name: 'Remove', exact: false }).click();
  await expect(toast).toContainText('Removed notes');
  await expect(window.dialog).toBeHidden();
  expect(await names(app)).toEqual([]);
  expect(await window.serious()).toEqual([]);
  await shot(app, 'undo');
  await toast.getByRole('button', { name: 'Undo' }).click();
  await expect(window.row('notes')).toContainText('Exited');
  await expect(toast).toBeHidden();
  expect(await mark(app, 'notes')).toBe('written by notes\n');
});

test('by keyboard alone: Delete removes what is selected, Ctrl+Z brings all of it back', async ({ openApp }) => {
  const { app, window, toast } = await opened(openApp);
  await make(app, 'one', { runs: false });
  await make(app, 'two', { runs: false });
  await window.goTo('Containers');
  const { keyboard } = app.page;
  await keyboard.press('/');
  await keyboard.press('ArrowDown');
  await keyboard.press('Control+a');
  await keyboard.press('Delete');
  await expect(toast).toContainText('Removed 2 containers');
  expect(await names(app)).toEqual([]);
  await keyboard.press('Control+z');
  await expect(window.row('one')).toBeVisible();
  await expect(window.row('two')).toBeVisible();
  expect(await names(app)).toEqual(['one', 'two']);
  await expect(toast).toHaveCount(0);

  // Nothing came back selected: the key is about the row it is pressed on.
  await window.row('one').focus();
  await keyboard.press('Delete');
  await expect(toast).toContainText('Removed one');
  const undo = toast.getByRole('button', { name: 'Undo' });
  for (let presses = 0; presses < 8; presses += 1) {
    if (await undo.evaluate((button) => button === document.activeElement)) break;
    await keyboard.press('F6');
  }
  await expect(undo).toBeFocused();
  await keyboard.press('Enter');
  await expect.poll(() => names(app)).toEqual(['one', 'two']);
});

test('what runs is asked about, in words that say for how long it can be brought back', async ({ openApp, shot }) => {
  const { app, window, toast } = await opened(openApp);
  await make(app, 'server', { runs: true });
  await window.goTo('Containers');
  await window.row('server').focus();
  await app.page.keyboard.press('Delete');
  await expect(window.dialog).toContainText('It is running: it is killed first.');
  await expect(window.dialog).toContainText('For 24 hours it can be brought back');
  await shot(app, 'asks');
  await window.dialog.getByRole('button', { name: 'Remove' }).click();
  await expect(toast).toContainText('Removed server');
  expect(await names(app)).toEqual([]);
  await toast.getByRole('button', { name: 'Undo' }).click();
  await expect(window.row('server')).toContainText('Exited');
  await expect(app.page.getByText('server is back')).toBeVisible();
  expect(await mark(app, 'server')).toBe('written by server\n');
});

test('the list of removed containers restores under a free name, deletes for good, and is emptied', async ({
  openApp,
  shot,
}) => {
  const { app, window, toast } = await opened(openApp);
  for (const name of ['web', 'old', 'older', 'oldest']) await make(app, name, { runs: false });
  await window.goTo('Containers');
  const { keyboard } = app.page;
  await keyboard.press('/');
  await keyboard.press('ArrowDown');
  await keyboard.press('Control+a');
  await keyboard.press('Delete');
  await expect(toast).toContainText('Removed 4 containers');
  await make(app, 'web', { runs: false });
  await app.page.getByRole('button', { name: 'Removed containers: 4' }).click();
  const { dialog } = window;
  await expect(dialog.getByRole('heading', { name: 'Removed containers and volumes' })).toBeVisible();
  const line = (name: string) =>
    dialog
      .getByRole('listitem')
      .filter({ has: app.page.getByRole('button', { name: `Restore ${name}`, exact: true }) });
  await expect(line('web')).toContainText('busybox:test');
  await expect(line('web')).toContainText('23 h left');
  await expect(dialog).not.toContainText('counting…');
  await shot(app, 'bin');
  expect(await window.serious(), 'the bin').toEqual([]);

  await line('web').getByRole('button', { name: 'Restore web' }).click();
  await expect(dialog.getByRole('alert')).toContainText('the name "web" is taken');
  await shot(app, 'name taken');
  await expect(dialog.getByRole('button', { name: 'Restore as web-2' })).toBeFocused();
  await keyboard.press('Enter');
  await expect(dialog.getByRole('status')).toContainText('web-2 is back');
  expect(await names(app)).toEqual(['web', 'web-2']);
  expect(await mark(app, 'web-2')).toBe('written by web\n');

  await line('old').getByRole('button', { name: 'Delete old for good' }).press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('Delete old for good?');
  expect(await window.serious(), 'the question').toEqual([]);
  await keyboard.press('Escape');
  await expect(dialog.getByRole('alert')).toBeHidden();
  await expect(line('old').getByRole('button', { name: 'Delete old for good' })).toBeFocused();
  await keyboard.press('Enter');
  await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await expect(dialog.getByRole('status')).toContainText('old is deleted for good.');
  await expect(dialog.getByRole('listitem')).toHaveCount(2);

  await window.dress({ theme: 'dark', language: 'zh-CN' });
  await app.page.getByRole('button', { name: '已移除的容器：2' }).click();
  await expect(dialog).toContainText('older');
  await shot(app, 'chinese');
  expect(await window.serious(), 'the bin in Chinese').toEqual([]);
  await dialog.getByRole('button', { name: '清空' }).click();
  await expect(dialog.getByRole('alert')).toContainText('永久删除这 2 项？');
  await dialog.getByRole('button', { name: '全部永久删除' }).click();
  await expect(dialog).toContainText('没有已移除的内容');
  await expect(dialog.getByRole('button', { name: '关闭' })).toBeFocused();
  await shot(app, 'nothing');
  await keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  expect(await api(app.socket, 'GET', '/slipway/bin')).toMatchObject({ Containers: [] });
  expect(await names(app)).toEqual(['web', 'web-2']);
});
