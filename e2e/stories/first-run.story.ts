/** A fresh machine without a network: one click to a shell. */
import { expect, test } from '../fixtures/story.js';
import { docker } from '../fixtures/engine.js';
import { SlipwayPage } from '../fixtures/window.js';

test('the first start offers a Linux shell that needs no network, and one click puts the cursor in its terminal', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const offer = app.page.getByRole('button', { name: 'Run', exact: true });
  await expect(offer).toBeEnabled();
  await shot(app, 'first run');

  await offer.click();
  await expect(window.terminal).toContainText(/[#$] *$/);
  await window.type('echo $((6*7)) from busybox');
  await expect(window.terminal).toContainText('42 from busybox');
  await shot(app, 'a shell');

  const { stdout } = await docker(app, ['images', '--format', '{{.Repository}}:{{.Tag}}']);
  expect(stdout).toBe('slipway/starter:latest\n');
});
