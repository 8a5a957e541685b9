/** Registries in the window: out of reach, and looked into by keyboard alone. */
import { api, docker, loadBusybox, request } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

const names = async ({ socket }: TestApp) =>
  (await api<{ RepoTags: string[] }[]>(socket, 'GET', '/images/json')).flatMap(({ RepoTags }) => RepoTags).sort();

test('where a registry is out of reach, what is here is offered', async ({ openApp, shot }) => {
  const app = await openApp();
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const wanted = '127.0.0.1:1/shop/api:2';
  await docker(app, ['tag', 'busybox:test', 'localhost:5000/api:1']);
  await docker(app, ['tag', 'busybox:test', wanted]);
  const window = new SlipwayPage(page);
  await window.startPull(wanted);
  await expect(window.dialog.getByRole('alert')).toContainText('refuses the connection');
  await expect(window.dialog.getByRole('button', { name: 'Mirrors…' })).toBeVisible();
  await expect(window.dialog.getByRole('button', { name: 'Run localhost:5000/api:1' })).toBeVisible();
  await shot(app, 'what is here instead');
  await window.dialog.getByRole('button', { name: /^Run (?:the one from|127)/ }).click();
  await expect(window.dialog.getByRole('combobox', { name: 'Image' })).toHaveValue(wanted);
  await page.keyboard.press('Escape');
  // The failed pull has kept its place.
  await page.getByRole('button', { name: 'Tasks', exact: true }).click();
  const tasks = page.getByRole('complementary', { name: 'Tasks' });
  await tasks.getByRole('button', { name: 'Mirrors…' }).click();
  await expect(page.getByRole('tab', { name: 'Mirrors', selected: true })).toBeVisible();
});

test('a registry is searched, an image named, saved and removed, and a registry looked into, by keyboard alone', async ({
  openApp,
  registry,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  await request(app.socket, 'POST', '/images/busybox:test/tag?repo=shop%2Fapi&tag=1');
  const window = new SlipwayPage(page);
  await window.goTo('Containers');
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };

  // What the registry has is asked for and chosen with the arrows.
  await press('Control+2', 'Control+k');
  await page.keyboard.type('pull an image');
  await press('Enter');
  const field = window.dialog.getByRole('combobox', { name: 'Image' });
  await expect(field).toBeFocused();
  await page.keyboard.type(`${registry.host}/deb`);
  const options = window.dialog.getByRole('option');
  await expect(options.filter({ hasText: `Show what ${registry.host} has` })).toBeVisible();
  await press('ArrowDown', 'Enter');
  await expect(options.filter({ hasText: `${registry.host}/debian` }).first()).toBeVisible();
  await press('ArrowDown', 'Enter');
  await expect(field).toHaveValue(`${registry.host}/debian`);
  await page.keyboard.type(':');
  await expect(options.filter({ hasText: 'Show the tags of' })).toBeVisible();
  await press('ArrowUp', 'Enter');
  await expect(options.filter({ hasText: `${registry.host}/debian:12` })).toBeVisible();
  await shot(app, 'tags');
  await press('ArrowDown', 'Enter');
  await expect(field).toHaveValue(`${registry.host}/debian:12`);
  await press('Escape');
  await expect(window.dialog).toBeHidden();

  const row = page.getByRole('row', { name: 'shop/api:1', exact: true });
  await press('/');
  await page.keyboard.type('shop');
  await press('ArrowDown', 'ArrowDown');
  await expect(row).toBeFocused();
  await press('t');
  await expect(window.dialog.getByLabel('Name')).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('shop/api:2');
  await press('Enter');
  await expect(window.dialog).toBeHidden();
  await expect(row).toBeFocused();
  await press('ArrowDown', 'Delete');
  await expect(window.dialog).toContainText('Only this name goes');
  await expect(window.dialog.getByRole('button', { name: /^Cancel/ })).toBeFocused();
  await press('Tab', 'Enter');
  await expect(window.dialog).toBeHidden();
  expect(await names(app)).toEqual(['busybox:latest', 'busybox:test', 'shop/api:1']);

  await press('Control+3');
  await expect(page.getByRole('heading', { name: 'Registries', level: 1 })).toBeVisible();
  await expect(page.getByRole('row', { name: 'docker.io' })).toBeVisible();
  await press('/', 'ArrowDown');
  await expect(page.getByRole('row', { name: 'docker.io' })).toBeFocused();
  await press('Enter');
  await expect(page.getByRole('tab', { name: 'Log-in', selected: true })).toBeVisible();
  await press('Escape');
  await expect(page.getByRole('row', { name: 'docker.io' })).toBeFocused();
});
