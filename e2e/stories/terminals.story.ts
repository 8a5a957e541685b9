/** Terminals of the drawer: several, split, brought back after a restart, with the shells that the image has; and ten floods at once. */
import { api, loadBusybox } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

async function runIdle(app: TestApp, name: string, command = ['sleep', '1000'], more: object = {}): Promise<string> {
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'busybox:test',
    Cmd: command,
    HostConfig: { NetworkMode: 'none' },
    ...more,
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  return Id;
}

test('two terminals stand side by side or stacked, and both run again after the container is restarted', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const id = await runIdle(app, 'twice');
  await window.openContainer('twice', 'Terminal');
  await expect(window.terminal).toContainText('#');
  await page.getByRole('button', { name: 'Split: side by side' }).click();
  const panes = page.locator('[data-terminal]');
  await expect(panes).toHaveCount(2);
  await expect(panes.nth(1)).toContainText('#');
  const boxes = async () => Promise.all([panes.nth(0).boundingBox(), panes.nth(1).boundingBox()]);
  const [left, right] = await boxes();
  expect(right?.x).toBeGreaterThan((left?.x ?? 0) + 100);
  await panes.nth(0).click();
  await window.type('echo first $((40+2))');
  await expect(panes.nth(0)).toContainText('first 42');
  await panes.nth(1).click();
  await page.keyboard.type('echo second $((1+1))\n');
  await expect(panes.nth(1)).toContainText('second 2');
  await shot(app, 'side by side');
  await page.getByRole('button', { name: 'Split: one below the other' }).click();
  await expect(async () => {
    const [above, below] = await boxes();
    expect(below?.y).toBeGreaterThan((above?.y ?? 0) + 100);
  }).toPass();

  await api(app.socket, 'POST', `/containers/${id}/restart?t=0`);
  for (const pane of [panes.nth(0), panes.nth(1)]) {
    await expect(pane).toContainText(/Restarted \d\d:\d\d.*, same command run again/);
    await expect(pane).toContainText(/again ─+[^]*\/ #\s*$/);
  }
  await panes.nth(0).click();
  await window.type('echo once more; exit 3');
  await expect(panes.nth(0)).toContainText('once more');
  await expect(page.getByText('Ended with exit code 3.')).toBeVisible();
  await shot(app, 'restarted');
});

test('the shells offered are those the image has; letters grow and shrink; several lines are asked about', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  await runIdle(app, 'shells');
  await window.openContainer('shells', 'Terminal');
  await expect(window.terminal).toContainText('#');
  const columns = async () => Number(/^(\d+) ×/.exec((await page.getByText(/^\d+ × \d+$/).textContent()) ?? '')?.[1]);
  const before = await columns();
  await page.keyboard.press('Control+=');
  await page.keyboard.press('Control+=');
  await expect.poll(columns).toBeLessThan(before);
  await page.keyboard.press('Control+0');
  await expect.poll(columns).toBe(before);

  await page.getByRole('button', { name: 'Choose a shell' }).click();
  await expect(page.getByRole('menuitem', { name: '/bin/sh' })).toBeVisible();
  await shot(app, 'shells');
  await page.getByRole('menuitem', { name: 'Debug shell' }).click();
  await expect(page.getByRole('button', { name: 'debug', exact: true })).toBeVisible();
  await expect(window.terminal).toContainText(/[#$]/);
  await window.type('echo in $((5*5))');
  await expect(window.terminal).toContainText('in 25');
});

test('ten containers that print as fast as they can leave the window answering, and each ends with its last line', async ({
  openApp,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const names = Array.from({ length: 10 }, (_, index) => `flood-${index}`);
  // Each says what it is asked for last, then ends on its own: the stream's end has to arrive whole.
  const flood = 'trap "stop=1" TERM; while [ -z "$stop" ]; do seq 1 20000; done; echo "the end of $NAME"';
  // They have whatever of the processor nobody else wants: it is their streams that are too much here, not ten loops.
  const HostConfig = { NetworkMode: 'none', CpuShares: 2 };
  for (const name of names)
    await runIdle(app, name, ['sh', '-c', flood], { Tty: true, Env: [`NAME=${name}`], HostConfig });
  await window.goTo('Containers');
  for (const name of names) {
    await window.openContainer(name, 'Terminal');
    await expect(window.terminal).toContainText(/\d+/);
  }
  // Ten streams run into the window; it answers as it does otherwise.
  for (const name of ['Images', 'Settings', 'Containers'] as const) await window.goTo(name);
  await window.openContainer('flood-3', 'Logs');
  await expect(page.getByRole('log')).toContainText(/\d+/);
  for (const name of names) await api(app.socket, 'POST', `/containers/${name}/kill?signal=TERM`);
  for (const name of names) {
    await window.openContainer(name, 'Terminal');
    await expect(window.terminal).toContainText(`the end of ${name}`, { timeout: 60_000 });
    await expect(page.getByText('Ended with exit code 0.')).toBeVisible();
  }
});
