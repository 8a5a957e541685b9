/** Mistakes and bad luck in the window: a sentence where one acted, and nothing half-made left behind. */
import { api, loadBusybox } from '../fixtures/engine.js';
import { expect, test } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

test('a pull that cannot be says why in the dialog it was asked in', async ({ openApp, registry, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await app.features();

  await window.startPull(`${registry.host}/debian:no-such-tag`);
  await expect(window.dialog).toContainText(/no-such-tag.*not found|manifest unknown/);
  await shot(app, 'unknown tag');
  await app.page.keyboard.press('Escape');

  await window.startPull('127.0.0.1:1/nobody/there:1');
  await expect(window.dialog).toContainText('the registry 127.0.0.1:1 refuses the connection: nothing listens there');
  await shot(app, 'nobody there');
  await app.page.keyboard.press('Escape');

  await window.goTo('Images');
  await app.page.getByRole('button', { name: /^Pull/ }).first().click();
  await window.dialog.getByLabel('Image').fill('Not A Reference!');
  await window.dialog.getByRole('button', { name: /^Pull/ }).click();
  await expect(window.dialog.getByLabel('Image')).toHaveAttribute('aria-invalid', 'true');
  await shot(app, 'wrong reference');

  expect(await api<unknown[]>(app.socket, 'GET', '/images/json?all=1')).toEqual([]);
});

test('a command that the image lacks is said in the Run dialog', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await app.features();
  await loadBusybox(app);
  await window.goTo('Containers');
  await app.page.getByRole('button', { name: 'Run', exact: true }).first().click();
  await window.dialog.getByRole('combobox', { name: 'Image' }).fill('busybox:test');
  await window.dialog.getByRole('textbox', { name: 'Command' }).fill('no-such-program');
  await window.dialog.getByRole('button', { name: /^Run/ }).click();
  await expect(window.dialog).toContainText('no-such-program');
  await expect(window.dialog).toContainText(/not found|does not have|has no/i);
  await shot(app, 'no such program');
});
