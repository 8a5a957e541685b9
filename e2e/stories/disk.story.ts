/** Where every byte went: the map and the table, what can be given back, pruning with the exact list first, and a damaged layer made good. */
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { api, docker, loadBusybox } from '../fixtures/engine.js';
import { openDisplay } from '../fixtures/display.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

/** An image on top of busybox with a file of so many kilobytes; without a name, where none is given. */
async function make(app: TestApp, name: string | undefined, kilobytes: number): Promise<string> {
  const script = `head -c ${kilobytes}k /dev/urandom > /root/noise`;
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', script],
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  await api(app.socket, 'POST', `/containers/${Id}/wait`);
  const [repo = '', tag = ''] = name?.split(':') ?? [];
  const query = name === undefined ? '' : `&repo=${repo}&tag=${tag}`;
  const made = await api<{ Id: string }>(app.socket, 'POST', `/commit?container=${Id}${query}`);
  await api(app.socket, 'DELETE', `/containers/${Id}?force=1`);
  return made.Id;
}

async function opened(openApp: (options?: { display: string }) => Promise<TestApp>, display?: string) {
  const app = await openApp(display === undefined ? undefined : { display });
  await app.features();
  await loadBusybox(app);
  await make(app, 'app:1', 3000);
  await make(app, 'app:2', 500);
  const nameless = await make(app, undefined, 900);
  const user = {
    Image: 'app:2',
    Cmd: ['sh', '-c', 'echo hi; head -c 700k /dev/zero > /x; exec sleep 1000'],
    StopTimeout: 0,
  };
  await api(app.socket, 'POST', '/containers/create?name=user', { ...user, HostConfig: { NetworkMode: 'none' } });
  await api(app.socket, 'POST', '/containers/user/start');
  const window = new SlipwayPage(app.page);
  await window.goTo('Disk');
  const map = app.page.getByRole('listbox', { name: 'What takes room, as areas' });
  return { app, window, map, nameless };
}

const images = async (app: TestApp): Promise<string[]> => {
  const { stdout } = await docker(app, ['images', '-a', '--format', '{{.Repository}}:{{.Tag}}']);
  return stdout.trim().split('\n').sort();
};

test('the map names every byte, and pruning tells the exact list before anything goes', async ({ openApp, shot }) => {
  const { app, window, map } = await opened(openApp);
  const { page } = app;
  const tile = map.getByRole('option', { name: /^app:1, 3\.07 MB/ });
  await expect(tile).toBeVisible();
  await expect(map.getByRole('option', { name: /^Shared: / })).toBeVisible();
  await expect(map.getByRole('group', { name: /^Compressed copies/ })).toBeVisible();
  await expect(page.getByText(/^Slipway takes .* are free\.$/)).toBeVisible();
  await tile.click();
  await expect(page.getByText('Layers that only this image has.')).toBeVisible();
  await shot(app, 'map');
  expect(await window.serious(), 'the map').toEqual([]);
  await page.getByRole('radio', { name: 'Table' }).click();
  await expect(window.row('app:1')).toContainText('3.07 MB');
  await expect(window.row('Layers as they came')).toBeVisible();
  await shot(app, 'table');
  expect(await window.serious(), 'the table').toEqual([]);

  await page.getByRole('button', { name: 'Choose images to remove' }).click();
  const { dialog } = window;
  await expect(dialog.getByRole('checkbox')).toHaveCount(2);
  await expect(dialog.getByRole('checkbox', { name: 'Remove app:1' })).toBeChecked();
  await expect(dialog).toContainText('On engine: This computer');
  await expect(dialog.getByRole('status')).toContainText(/^2 images; 7\.\d+ MB are given back/);
  await shot(app, 'prune');
  expect(await window.serious(), 'the prune dialog').toEqual([]);
  await dialog.getByRole('checkbox', { name: 'Remove app:1' }).uncheck();
  await expect(dialog.getByRole('status')).toContainText(/^1 image; 1\.\d+ MB are given back/);
  await dialog.getByRole('checkbox', { name: 'Remove app:1' }).check();
  // Somebody begins to use one of them meanwhile: it stays, and says why; the others go.
  await api(app.socket, 'POST', '/containers/create?name=late', {
    Image: 'app:1',
    HostConfig: { NetworkMode: 'none' },
  });
  await dialog.getByRole('button', { name: /^Remove 2 images/ }).click();
  await expect(dialog.getByRole('status')).toContainText('1 of 2 images are removed.');
  await expect(dialog.getByRole('listitem').filter({ hasText: 'app:1' })).toContainText('A container uses it by now');
  await shot(app, 'pruned');
  await dialog.getByRole('button', { name: 'Close' }).click();
  expect(await images(app)).toEqual(['app:1', 'app:2', 'busybox:latest', 'busybox:test']);
  await window.goTo('Images');
  await page.getByRole('button', { name: 'Prune images…' }).click();
  await expect(dialog).toContainText('Every image is used by a container.');
});

test('by keyboard alone: the map, an image opened from it, and pruning', async ({ openApp, shot }) => {
  const { app, window, map } = await opened(openApp);
  const { keyboard } = app.page;
  await expect(map.getByRole('option').first()).toBeVisible();
  await keyboard.press('Control+5');
  await app.page.getByRole('radio', { name: 'Map' }).focus();
  const first = map.locator('[role="option"][tabindex="0"]');
  for (let presses = 0; presses < 8; presses += 1) {
    if (await first.evaluate((option) => option === document.activeElement)) break;
    await keyboard.press('Tab');
  }
  await expect(first).toBeFocused();
  await keyboard.press('End');
  await keyboard.press('Home');
  const before = await first.getAttribute('aria-label');
  await keyboard.press('ArrowRight');
  await expect(first).toBeFocused();
  await expect(first).not.toHaveAttribute('aria-label', before ?? '');
  await expect(first).toHaveAttribute('aria-selected', 'true');

  await window.dress({ theme: 'dark', language: 'zh-CN' });
  await expect(app.page.getByRole('heading', { name: '磁盘', level: 1 })).toBeVisible();
  await expect(app.page.getByText('可释放的空间')).toBeVisible();
  await expect(app.page.getByRole('option').first()).toBeVisible();
  await shot(app, 'chinese');
  expect(await window.serious(), 'the map in Chinese').toEqual([]);
  await app.page.getByRole('button', { name: '清理…' }).focus();
  await keyboard.press('Enter');
  const { dialog } = window;
  await expect(dialog.getByRole('checkbox')).toHaveCount(2);
  await expect(dialog.getByRole('button', { name: '取消' })).toBeFocused();
  await shot(app, 'prune in Chinese');
  expect(await window.serious(), 'the prune dialog in Chinese').toEqual([]);
  await keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  expect(await images(app)).toContain('app:1');
  const prune = app.page.getByRole('button', { name: '清理…' });
  await expect(prune).toBeFocused();
  await keyboard.press('Enter');
  await expect(dialog.getByRole('checkbox')).toHaveCount(2);
  await keyboard.press('Control+Enter');
  await expect(dialog.getByRole('status')).toContainText('已移除 2 / 2 个镜像。');
  await expect(dialog.getByRole('button', { name: '关闭' })).toBeFocused();
  await keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  expect(await images(app)).toEqual(['app:2', 'busybox:latest', 'busybox:test']);
});

test('a damaged layer is found and made good, and one in use says how to go on', async ({ openApp, shot }) => {
  await using display = await openDisplay('1024x700');
  const { app, window, map } = await opened(openApp, display.name);
  await expect(map.getByRole('option').first()).toBeVisible();
  await shot(app, 'small');
  const layerOf = async (image: string) =>
    (await api<{ GraphDriver: { Data: { UpperDir: string } } }>(app.socket, 'GET', `/images/${image}/json`)).GraphDriver
      .Data.UpperDir;
  for (const image of ['app:1', 'app:2'])
    await writeFile(path.join(await layerOf(image), 'root/noise'), 'not what it was');
  await app.page.getByRole('button', { name: 'Check…' }).click();
  const { dialog } = window;
  await expect(dialog).toContainText('2 things were found.', { timeout: 30_000 });
  const line = (name: string) => dialog.getByRole('listitem').filter({ hasText: name });
  await expect(line('app:1')).toContainText('Repaired');
  await expect(line('app:2')).toContainText('Containers are using it: user. Stop them, then check again.');
  await shot(app, 'self-check');
  expect(await window.serious(), 'the self-check').toEqual([]);
  await api(app.socket, 'POST', '/containers/user/stop');
  // Closed before an answer can have come: how it ended is said all the same, and shown, not begun once more.
  await app.page.evaluate(async () => {
    const press = (which: string) => document.querySelector<HTMLElement>(`[role="dialog"] ${which}`)?.click();
    press('[data-again]');
    await Promise.resolve();
    press('[data-close]');
  });
  await expect(dialog).toBeHidden();
  const notice = app.page.getByRole('alert').filter({ hasText: '1 thing was found.' });
  await expect(notice).toBeVisible({ timeout: 30_000 });
  await notice.getByRole('button', { name: 'Show…' }).click();
  await expect(line('app:2')).toContainText('Repaired');
  await dialog.getByRole('button', { name: 'Check again' }).click();
  await expect(dialog).toContainText('Everything is as it should be.', { timeout: 30_000 });
  await dialog.getByRole('button', { name: 'Close' }).click();
  await expect(dialog).toBeHidden();
  expect((await readdir(path.join(await layerOf('app:2'), 'root'))).sort()).toEqual(['noise']);
  // Before its screen goes.
  await app.quit();
});
