/** Folders and volumes come and go while a container runs; who is in the way is named; what others have mounted is taken over and left. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ContainerMount } from '../../main/contract/mounts.js';
import { en } from '../../renderer/i18n/en.js';
import { zhCN } from '../../renderer/i18n/zh-CN.js';
import { api, docker, loadBusybox } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

let folder: string;
test.beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mounts-story-'));
  await mkdir(path.join(folder, 'site'));
  await writeFile(path.join(folder, 'site/index'), 'hello\n');
});
test.afterAll(() => rm(folder, { recursive: true, force: true }));

interface Inspect {
  Id: string;
  State: { Pid: number };
}

async function create(app: TestApp, name: string, HostConfig: object = {}, start = false): Promise<string> {
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
    ...{ Image: 'busybox:test', Cmd: ['sleep', '1000'], StopTimeout: 0, HostConfig },
  });
  if (start) await api(app.socket, 'POST', `/containers/${Id}/start`);
  return Id;
}

const mountsOf = (app: TestApp, name: string) =>
  api<ContainerMount[]>(app.socket, 'GET', `/slipway/containers/${name}/mounts`);
const pidOf = async (app: TestApp, name: string) =>
  (await api<Inspect>(app.socket, 'GET', `/containers/${name}/json`)).State.Pid;

test('by mouse: attached while it runs, seen from both sides, kept by who has it open, detached all the same, and back', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  const { dialog } = window;
  const card = (place: string) => page.getByRole('listitem', { name: place, exact: true });
  await app.features();
  await loadBusybox(app);
  await create(app, 'base', { Binds: ['kept:/kept'] });
  await create(app, 'db', { VolumesFrom: ['base'], Binds: ['tables:/tables'] });
  await create(app, 'web', {}, true);
  const pid = await pidOf(app, 'web');

  await window.openContainer('web', 'Mounts');
  await expect(page.getByRole('heading', { name: 'Nothing is mounted' })).toBeVisible();
  await shot(app, 'nothing');
  await page.getByRole('button', { name: 'Attach…' }).click();
  await dialog.getByRole('textbox', { name: 'Folder or file on this machine' }).fill('/etc');
  await dialog.getByRole('textbox', { name: 'Path in web' }).fill('/etc');
  await expect(dialog.getByText(/entries in \/etc are hidden while this is mounted/)).toBeVisible();
  await expect(dialog.getByText('These are files of this machine itself')).toBeVisible();
  await shot(app, 'attach');
  expect(await window.serious(), 'the dialog').toEqual([]);
  await dialog.getByRole('textbox', { name: 'Path in web' }).fill('/proc/sys');
  await expect(dialog.getByRole('alert')).toContainText('nothing can be mounted over that');
  await dialog.getByRole('textbox', { name: 'Folder or file on this machine' }).fill(path.join(folder, 'site'));
  await dialog.getByRole('textbox', { name: 'Path in web' }).fill('/srv/site');
  await dialog.getByRole('radio', { name: 'Read only' }).click();
  await expect(dialog.getByRole('listitem').filter({ hasText: 'No restart' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Attach', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(card('/srv/site')).toContainText('added live');
  await expect(card('/srv/site')).toContainText('read only');
  expect((await docker(app, ['exec', 'web', 'cat', '/srv/site/index'])).stdout).toBe('hello\n');
  expect(await pidOf(app, 'web')).toBe(pid);

  await page.getByRole('button', { name: 'Attach…' }).click();
  await dialog.getByRole('radio', { name: 'Volume' }).click();
  await dialog.getByRole('combobox', { name: 'Volume', exact: true }).fill('tables');
  await dialog.getByRole('textbox', { name: 'Path in web' }).fill('/tables');
  await dialog.getByRole('button', { name: 'Attach', exact: true }).click();
  await expect(card('/tables').getByRole('button', { name: 'db', exact: true })).toBeVisible();
  await shot(app, 'attached');
  expect(await window.serious(), 'the tab').toEqual([]);
  await card('/tables').getByRole('button', { name: 'db', exact: true }).click();
  await expect(card('/tables').getByRole('button', { name: 'web', exact: true })).toBeVisible();
  await window.openContainer('web', 'Mounts');

  await docker(app, ['exec', '-d', 'web', 'sh', '-c', 'exec 5</srv/site/index; touch /in; while :; do sleep 1; done']);
  while ((await docker(app, ['exec', 'web', 'test', '-e', '/in'])).code !== 0);
  await page.getByRole('button', { name: 'Detach /srv/site' }).click();
  await expect(dialog).toContainText('Detach /srv/site from web?');
  const holders = dialog.getByRole('list', { name: 'Who has files open' });
  await expect(holders).toContainText('sh');
  await expect(holders).toContainText('/srv/site/index');
  await shot(app, 'held');
  expect(await window.serious(), 'the holders').toEqual([]);
  await dialog.getByRole('button', { name: 'Try again' }).click();
  await expect(dialog.getByRole('button', { name: 'Try again' })).toHaveAttribute('aria-disabled', 'false');
  await dialog.getByRole('button', { name: 'Detach anyway' }).click();
  await expect(dialog).toBeHidden();
  await expect(card('/srv/site')).toHaveCount(0);
  await page
    .getByRole('status')
    .filter({ hasText: 'Detached /srv/site' })
    .getByRole('button', { name: 'Undo' })
    .click();
  await expect(card('/srv/site')).toContainText('added live');

  await page.getByRole('button', { name: 'Add container…' }).click();
  await page.getByRole('combobox', { name: 'Container' }).selectOption('base');
  await page.getByRole('combobox', { name: 'Container' }).selectOption('db');
  await page.getByRole('checkbox', { name: 'Read only inside' }).check();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog).toContainText('Change web?');
  // Both have something at /tables: what is said by the container itself stays.
  await dialog.getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(card('/kept')).toContainText('db');
  const chain = page.getByRole('group', { name: 'web takes from db; db takes from base' });
  await expect(chain).toBeVisible();
  await chain.scrollIntoViewIfNeeded();
  await shot(app, 'chain');
  expect(await window.serious(), 'the chain').toEqual([]);
  await page.getByRole('button', { name: 'Take nothing from db any more' }).click();
  await dialog.getByRole('button', { name: 'Apply', exact: true }).click();
  // Behind a dialog nothing is found.
  await expect(dialog).toBeHidden();
  await expect(card('/kept')).toHaveCount(0);
  expect((await mountsOf(app, 'web')).map(({ Destination }) => Destination).sort()).toEqual(['/srv/site', '/tables']);
  expect(await pidOf(app, 'web')).toBe(pid);

  await window.openTab('History');
  const entries = page.getByRole('grid', { name: 'History of web' }).getByRole('row');
  await expect(entries.filter({ hasText: 'Mount /srv/site' }).first()).toBeVisible();
  await shot(app, 'history');
});

test('by keyboard alone, in Chinese and dark: attached, and detached again', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  const { dialog } = window;
  const words = zhCN.mounts;
  await app.features();
  await window.dress({ theme: 'dark', language: 'zh-CN' });
  await loadBusybox(app);
  await create(app, 'web', {}, true);
  const [{ Id } = { Id: '' }] = await api<{ Id: string }[]>(app.socket, 'GET', '/containers/json');
  await page.evaluate((id) => (location.hash = `/containers/${id}/mounts`), Id);
  const attach = page.getByRole('button', { name: words.attachDots });
  await attach.focus();
  await page.keyboard.press('Enter');
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole('textbox', { name: words.folderLabel })).toBeFocused();
  await page.keyboard.type(path.join(folder, 'site'));
  await page.keyboard.press('Tab');
  await expect(dialog.getByRole('button', { name: words.choose })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(dialog.getByRole('textbox', { name: zhCN.drop.path.replace('{{name}}', 'web') })).toBeFocused();
  await page.keyboard.type('/srv/site');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await expect(dialog.getByRole('radio', { name: zhCN.drop.readOnly })).toBeChecked();
  await expect(dialog.getByText(zhCN.drop.facts.noRestart)).toBeVisible();
  await shot(app, 'attach-zh');
  expect(await window.serious(), 'the dialog').toEqual([]);
  await page.keyboard.press('Control+Enter');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('listitem', { name: '/srv/site', exact: true })).toContainText(words.live);
  await expect(attach).toBeFocused();
  await shot(app, 'attached-zh');
  expect(await window.serious(), 'the tab').toEqual([]);
  const detach = page.getByRole('button', { name: words.detach.replace('{{path}}', '/srv/site') });
  await detach.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('listitem', { name: '/srv/site', exact: true })).toHaveCount(0);
  await expect(attach).toBeFocused();
  expect(await mountsOf(app, 'web')).toEqual([]);
  expect(en.mounts.live).not.toBe(words.live);
});
