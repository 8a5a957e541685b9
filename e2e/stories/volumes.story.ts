/** The Volumes page: what is in volumes, who has them, and what is done to them; by mouse and by keyboard. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { drop, onDesk, pick } from '../fixtures/desk.js';
import { api, docker, loadBusybox, request, startDockerd } from '../fixtures/engine.js';
import { expect, isRoot, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

const shop = { Labels: { 'com.docker.compose.project': 'shop' } };

/** A shop whose web server and backup job share a volume, one more that has it from another, a folder, memory, and what is left of a container. */
async function furnish(app: TestApp): Promise<void> {
  await app.features();
  await loadBusybox(app);
  await api(app.socket, 'POST', '/volumes/create', { Name: 'shop_db', ...shop });
  await api(app.socket, 'POST', '/volumes/create', { Name: 'shop_uploads', ...shop });
  await api(app.socket, 'POST', '/volumes/create', {
    Name: 'site',
    DriverOpts: { type: 'none', o: 'bind', device: app.folder },
  });
  await api(app.socket, 'POST', '/volumes/create', {
    Name: 'scratch',
    DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=16m' },
  });
  await make(app, 'web', ['shop_db:/var/lib/db', 'shop_uploads:/srv'], 'echo 1 > /var/lib/db/id; exec sleep 1000');
  await make(app, 'dump', ['shop_db:/db:ro', 'new_for_dump:/out'], 'echo hi > /out/x');
  await api(app.socket, 'POST', '/containers/create?name=sidecar', {
    Image: 'busybox:test',
    Cmd: ['sleep', '1000'],
    HostConfig: { NetworkMode: 'none', VolumesFrom: ['web:ro'] },
  });
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd: ['true'],
    Volumes: { '/cache': {} },
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'DELETE', `/containers/${Id}`);
}

async function make(app: TestApp, name: string, Binds: string[], script: string): Promise<void> {
  await api(app.socket, 'POST', `/containers/create?name=${name}`, {
    Image: 'busybox:test',
    Cmd: ['sh', '-c', script],
    StopTimeout: 0,
    HostConfig: { NetworkMode: 'none', Binds },
  });
  await api(app.socket, 'POST', `/containers/${name}/start`);
}

async function cat(app: TestApp, volume: string, file: string): Promise<string | undefined> {
  const answer = await request(app.socket, 'GET', `/slipway/volumes/${volume}/file?path=${encodeURIComponent(file)}`);
  return answer.status === 200 ? answer.body.toString() : undefined;
}

async function names(app: TestApp): Promise<string[]> {
  const { stdout } = await docker(app, ['volume', 'ls', '--format', '{{.Name}}']);
  return stdout.split('\n').filter(Boolean).sort();
}

const row = (app: TestApp, name: string) => app.page.getByRole('row', { name, exact: true });
const item = (app: TestApp, name: string) => app.page.getByRole('treeitem', { name }).first();

test('volumes stand with who has them, their sizes and what they were made with; what is used says by whom and stays', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  await page.setViewportSize({ width: 1280, height: 800 });
  await furnish(app);
  const window = new SlipwayPage(page);
  await window.goTo('Volumes');
  const table = page.getByRole('treegrid', { name: 'Volumes' });
  await expect(table).toBeVisible();
  await expect(page.getByRole('row', { name: /^shop, / })).toContainText('2 volumes');
  await expect(row(app, 'shop_db')).toContainText(/Running · web \+2|Running · web/);
  await expect(row(app, 'new_for_dump')).toContainText('dump');
  await expect(row(app, 'site')).toContainText('Folder');
  await expect(row(app, 'scratch')).toContainText('Memory');
  await expect(table).not.toContainText('counting…');
  await shot(app, 'table');

  const filter = page.getByRole('textbox', { name: /^Filter volumes/ });
  await filter.fill('used:sidecar');
  await expect(row(app, 'site')).toHaveCount(0);
  await expect(page.getByText('2 of 6 volumes')).toBeVisible();
  await filter.fill('');
  await page.getByRole('button', { name: 'Anonymous', pressed: false }).click();
  await expect(page.getByText('1 of 6 volumes')).toBeVisible();
  await page.getByRole('button', { name: 'Anonymous', pressed: true }).click();
  await page.getByRole('button', { name: /^Group by/ }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Use', exact: true }).click();
  await expect(page.getByRole('row', { name: /^Unused, / })).toContainText('3 volumes');
  await shot(app, 'by use');
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Kind' }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('columnheader', { name: 'Kind' })).toHaveCount(0);

  await row(app, 'shop_db').click();
  const drawer = page.getByRole('complementary', { name: /shop_db/ });
  await expect(drawer).toContainText('shared by 3');
  await page.getByRole('tab', { name: 'Used by' }).click();
  const users = drawer.getByRole('list', { name: 'Used by' });
  await expect(users.getByRole('listitem')).toHaveCount(3);
  await expect(users.getByRole('listitem').filter({ hasText: 'sidecar' })).toContainText('through');
  await expect(drawer).toContainText('3 containers share this volume');
  await shot(app, 'used by');
  await page.getByRole('tab', { name: 'Inspect' }).click();
  await expect(drawer.getByText('com.docker.compose.project')).toBeVisible();

  await row(app, 'shop_db').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  await expect(window.dialog).toContainText('shop_db is in use');
  await expect(window.dialog.getByRole('listitem')).toContainText('web');
  await expect(window.dialog.getByRole('button', { name: /^Close/ })).toBeFocused();
  await shot(app, 'in use');
  expect(await window.serious()).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(window.dialog).toBeHidden();

  await row(app, 'shop_db').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Run with this volume…' }).click();
  await expect(window.dialog.locator('[data-field="mounts.0.source"]')).toHaveValue('shop_db');
  await shot(app, 'run with it');
  await page.keyboard.press('Escape');
  await expect(window.dialog).toBeHidden();

  await row(app, 'scratch').click();
  await page.getByRole('tab', { name: 'Files' }).click();
  await expect(page.getByRole('heading', { name: 'Its files are not on this disk' })).toBeVisible();
  await row(app, 'shop_db').click();
  await page.getByRole('tab', { name: 'Used by' }).click();

  // Of all of them those go that nobody has.
  await row(app, 'shop_db').focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await expect(window.dialog).toContainText('Remove 3 volumes?');
  await expect(window.dialog).toContainText('3 more are in use and stay.');
  await shot(app, 'some in use');
  await window.dialog.getByRole('button', { name: 'Remove 3' }).click();
  const toast = page.getByRole('status').filter({ hasText: 'brought back' });
  await expect(toast).toContainText('Removed 3 volumes');
  await expect.poll(() => names(app)).toEqual(['new_for_dump', 'shop_db', 'shop_uploads']);
  await toast.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('3 volumes are back')).toBeVisible();
  await expect(row(app, 'site')).toBeVisible();

  await page.setViewportSize({ width: 1024, height: 700 });
  await window.dress({ theme: 'dark', language: 'zh-CN' });
  await expect(page.getByRole('tab', { name: '使用者' })).toBeVisible();
  await page.getByRole('tab', { name: '使用者' }).click();
  await expect(page.getByText('3 个容器共享此卷')).toBeVisible();
  expect(await window.serious()).toEqual([]);
  await shot(app, 'a small window');
  await page.keyboard.press('Escape');
  await expect(row(app, 'site')).toBeVisible();
  await shot(app, 'a small window, the list');
});

test('a volume is created, filled, edited, removed and brought back', async ({ openApp, shot }) => {
  const app = await openApp();
  const { page } = app;
  await page.setViewportSize({ width: 1440, height: 900 });
  await app.features();
  const window = new SlipwayPage(page);
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-volumes-'));
  try {
    await window.goTo('Volumes');
    await expect(page.getByRole('heading', { name: 'No volumes yet' })).toBeVisible();
    await shot(app, 'none');
    await page.getByRole('button', { name: 'Create a volume…' }).click();
    await window.dialog.getByRole('textbox', { name: 'Name' }).fill('a');
    await expect(window.dialog).toContainText('Two letters or digits at least');
    await window.dialog.getByRole('textbox', { name: 'Name' }).fill('notes');
    await window.dialog.getByRole('button', { name: 'Add label' }).click();
    await window.dialog.getByRole('textbox', { name: 'Label' }).fill('tier');
    await shot(app, 'create');
    expect(await window.serious(), 'the dialog').toEqual([]);
    await window.dialog.getByRole('button', { name: /^Create/ }).click();
    await expect(window.dialog).toBeHidden();
    const drawer = page.getByRole('complementary', { name: /notes/ });
    await expect(drawer).toBeVisible();

    await writeFile(path.join(folder, '便笺.txt'), 'first\n');
    await writeFile(path.join(folder, 'dropped.txt'), 'dropped\n');
    await pick(app, '[data-upload]', [path.join(folder, '便笺.txt')]);
    await expect(item(app, '便笺.txt')).toBeVisible();
    await drop(app, page.getByRole('tree'), [path.join(folder, 'dropped.txt')], 'Drop to add to /');
    await expect(window.dialog.getByRole('radio', { checked: true }).first()).toBeFocused();
    await page.keyboard.press('Enter');
    await expect.poll(() => cat(app, 'notes', '/dropped.txt')).toBe('dropped\n');
    await item(app, '便笺.txt').click();
    const editor = page.getByRole('textbox', { name: 'Text of 便笺.txt' });
    await expect(editor).toContainText('first');
    await editor.click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('edited, ');
    await page.keyboard.press('Control+s');
    await expect(page.getByText('Saved 便笺.txt')).toBeVisible();
    expect(await cat(app, 'notes', '/便笺.txt')).toBe('edited, first\n');
    await shot(app, 'files');
    expect(await window.serious(), 'the files').toEqual([]);

    await editor.click();
    await page.keyboard.type('more ');
    await expect(page.getByText('not saved')).toBeVisible();
    await row(app, 'notes').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Remove', exact: true }).click();
    await expect(page.getByRole('status').filter({ hasText: '便笺.txt was not saved' })).toContainText('Copy');
    const toast = page.getByRole('status').filter({ hasText: 'brought back' });
    await expect(toast).toContainText('Removed notes');
    await expect(page.getByRole('heading', { name: 'This volume is gone' }).first()).toBeVisible();
    expect(await names(app)).toEqual([]);
    await shot(app, 'undo');
    await toast.getByRole('button', { name: 'Undo' }).click();
    await expect(row(app, 'notes')).toBeVisible();
    expect(await cat(app, 'notes', '/便笺.txt')).toBe('edited, first\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('by keyboard alone: a volume is made, removed with others and brought back, one from the bin under another name; unused ones are pruned', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  const { keyboard } = page;
  await page.setViewportSize({ width: 1024, height: 700 });
  await app.features();
  const window = new SlipwayPage(page);
  await window.goTo('Containers');
  const press = async (...keys: string[]) => {
    for (const key of keys) await keyboard.press(key);
  };
  const command = async (typed: string, option: string) => {
    await press('Control+k');
    await keyboard.type(typed);
    await expect(page.getByRole('option', { name: option })).toHaveAttribute('aria-selected', 'true');
    await press('Enter');
  };
  await press('Control+3');
  await expect(page.getByRole('heading', { name: 'Volumes', level: 1 })).toBeVisible();
  for (const name of ['one', 'two']) {
    await command('create a vol', 'Create a volume…');
    await expect(window.dialog.getByRole('textbox', { name: 'Name' })).toBeFocused();
    await keyboard.type(name);
    await press('Enter');
    await expect(page.getByRole('complementary', { name: `Details of ${name}` })).toBeVisible();
    await press('Escape');
    await expect(row(app, name)).toBeFocused();
  }
  await press('/', 'ArrowDown', 'Home');
  await expect(row(app, 'one')).toBeFocused();
  await press('b');
  await expect(window.dialog.getByRole('heading', { name: 'Back up one' })).toBeVisible();
  await press('Escape');
  await expect(row(app, 'one')).toBeFocused();
  await press('Control+a', 'Delete');
  const toast = page.getByRole('status').filter({ hasText: 'brought back' });
  await expect(toast).toContainText('Removed 2 volumes');
  await expect.poll(() => names(app)).toEqual([]);
  await press('Control+z');
  await expect(row(app, 'two')).toBeVisible();
  expect(await names(app)).toEqual(['one', 'two']);
  await expect(toast).toHaveCount(0);

  await row(app, 'one').focus();
  await press('Delete');
  await expect(toast).toContainText('Removed one');
  await api(app.socket, 'POST', '/volumes/create', { Name: 'one' });
  await expect(row(app, 'one')).toBeVisible();
  await command('removed cont', 'Removed containers and volumes…');
  await expect(window.dialog.getByRole('heading', { name: 'Removed containers and volumes' })).toBeVisible();
  await expect(window.dialog.getByRole('button', { name: 'Restore one' })).toBeFocused();
  await expect(window.dialog).not.toContainText('counting…');
  await shot(app, 'bin');
  await press('Enter');
  await expect(window.dialog.getByRole('button', { name: 'Restore as one-2' })).toBeFocused();
  await press('Enter');
  await expect(window.dialog.getByRole('status')).toContainText('one-2 is back');
  await press('Escape');
  await expect(window.dialog).toBeHidden();
  await expect(row(app, 'one-2')).toBeVisible();

  await command('unused vol', 'Remove unused volumes…');
  await expect(window.dialog.getByRole('heading', { name: 'Remove unused volumes?' })).toBeVisible();
  await expect(window.dialog.getByRole('listitem')).toHaveCount(3);
  await expect(window.dialog.getByRole('button', { name: /^Cancel/ })).toBeFocused();
  await shot(app, 'prune');
  expect(await window.serious(), 'pruning').toEqual([]);
  await window.dialog.getByRole('checkbox', { name: 'Remove two' }).press('Space');
  await press('Control+Enter');
  await expect(toast.filter({ hasText: 'Removed 2 volumes' })).toBeVisible();
  await expect.poll(() => names(app)).toEqual(['two']);

  for (const [theme, language] of [
    ['light', 'zh-CN'],
    ['dark', 'en'],
  ] as const) {
    await window.dress({ theme, language });
    await expect(row(app, 'two')).toBeVisible();
    expect(await window.serious()).toEqual([]);
    await shot(app, `${theme} ${language}`);
  }
});

test('on another engine (Debian’s dockerd) volumes stand with who has them, are made, and are removed for good; what it cannot do is not offered', async ({
  openApp,
  shot,
}) => {
  test.skip(!isRoot || !existsSync('/usr/sbin/dockerd'), 'dockerd, which needs root, is not there');
  await using theirs = await startDockerd({ flags: ['--iptables=false', '--bridge=none'] });
  await loadBusybox(theirs);
  await docker(theirs, ['volume', 'create', 'spare']);
  await docker(theirs, ['create', '--network', 'none', '--name', 'user', '-v', 'taken:/data', 'busybox:test']);
  const app = await openApp({ args: ['--no-engine', '--host', `unix://${theirs.socket}`] });
  const { page } = app;
  const window = new SlipwayPage(page);
  const { dialog } = window;
  const left = async () => (await docker(theirs, ['volume', 'ls', '-q'])).stdout.trim().split('\n').sort();
  await window.goTo('Volumes');
  await expect(row(app, 'taken')).toContainText('user');
  await expect(row(app, 'spare')).toContainText('Unused');
  await row(app, 'taken').click();
  await expect(page.getByText('Looking into volumes is a thing of Slipway’s own engine.')).toBeVisible();
  await page.getByRole('tab', { name: 'Used by' }).click();
  await expect(page.getByRole('tabpanel')).toContainText('user');
  expect(await window.serious()).toEqual([]);
  await shot(app, 'foreign');
  await row(app, 'taken').click({ button: 'right' });
  const offered = (await page.getByRole('menuitem').allTextContents()).join();
  expect(offered).toContain('Run with this volume…');
  expect(offered).not.toMatch(/Browse|Back up|Schedule|Clone|Export|Replace/);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: /^Create/ }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('made');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('complementary', { name: 'Details of made' })).toBeVisible();
  expect(await left()).toEqual(['made', 'spare', 'taken']);
  await row(app, 'taken').focus();
  await page.keyboard.press('Delete');
  await expect(dialog).toContainText('taken is in use');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await row(app, 'spare').focus();
  await page.keyboard.press('Delete');
  await expect(dialog).toContainText('Everything in it is lost. This cannot be undone.');
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(row(app, 'spare')).toBeHidden();
  expect(await left()).toEqual(['made', 'taken']);
  // Its engine is not there to be asked at the end.
  expect(await app.quit()).toBe(0);
});

test('a volume is cloned, backed up and restored over what runs with it, exported, imported in place of itself, and backed up by the clock', async ({
  openApp,
  shot,
}) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-volumes-'));
  try {
    const app = await openApp(onDesk(folder));
    const { page } = app;
    const { keyboard } = page;
    await page.setViewportSize({ width: 1280, height: 800 });
    await app.features();
    await loadBusybox(app);
    await make(app, 'db', ['data:/data'], 'seq 1 200000 > /data/rows; echo ok > /data/state; exec sleep 1000');
    await expect.poll(() => cat(app, 'data', '/state')).toBe('ok\n');
    const window = new SlipwayPage(page);
    await window.goTo('Volumes');
    await row(app, 'data').click();
    const tasks = page.getByRole('complementary', { name: 'Tasks' });
    const drawer = page.getByRole('complementary', { name: 'Details of data' });

    await page.getByRole('tab', { name: 'Backups' }).click();
    await expect(drawer).toContainText('No backups yet');
    await drawer.getByRole('button', { name: 'Back up now…' }).click();
    await window.dialog.getByRole('textbox', { name: 'Note' }).fill('before the upgrade');
    await expect(window.dialog).toContainText('Paused for that time: db.');
    await shot(app, 'back up');
    expect(await window.serious(), 'backing up').toEqual([]);
    await keyboard.press('Enter');
    await expect(tasks).toContainText('Backed up data');
    await shot(app, 'tasks');
    await keyboard.press('Escape');
    const backups = drawer.getByRole('list', { name: 'Backups' });
    await expect(backups.getByRole('listitem')).toHaveCount(1);
    await expect(backups).toContainText('before the upgrade');
    await expect(backups).toContainText('2 files');

    await drawer.getByRole('button', { name: 'Schedule…' }).click();
    await window.dialog.getByRole('combobox', { name: 'How often' }).selectOption({ label: 'Another time' });
    await window.dialog.getByRole('textbox', { name: 'Hours from one to the next' }).fill('0');
    await expect(window.dialog).toContainText('A number from 1 to 8760.');
    await window.dialog.getByRole('textbox', { name: 'Hours from one to the next' }).fill('48');
    await shot(app, 'schedule');
    await window.dialog.getByRole('button', { name: /^Save/ }).click();
    await expect(drawer).toContainText('Backed up every 2 d; the last 7 are kept.');
    await shot(app, 'backups');

    await row(app, 'data').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Clone…' }).click();
    await expect(window.dialog.getByRole('textbox', { name: 'Name of the copy' })).toHaveValue('data-2');
    await shot(app, 'clone');
    await keyboard.press('Enter');
    await expect(tasks).toContainText('Cloned to data-2');
    await keyboard.press('Escape');
    await expect(row(app, 'data-2')).toBeVisible();
    expect(await cat(app, 'data-2', '/state')).toBe('ok\n');

    // What runs with it would not see what is put in its place.
    await docker(app, ['exec', 'db', 'sh', '-c', 'echo broken > /data/state']);
    await backups.getByRole('button', { name: /^Restore the backup/ }).click();
    await expect(window.dialog).toContainText('In use by db, running now.');
    await shot(app, 'restore');
    expect(await window.serious(), 'restoring').toEqual([]);
    await window.dialog.getByRole('button', { name: 'Stop 1 container' }).click();
    await expect(window.dialog).not.toContainText('In use by db');
    await expect(window.dialog).toContainText('becomes a backup first');
    await window.dialog.getByRole('button', { name: /^Restore/ }).click();
    await expect(tasks).toContainText('Restored data');
    await expect(tasks).toContainText('what was there before is a backup now');
    await keyboard.press('Escape');
    expect(await cat(app, 'data', '/state')).toBe('ok\n');
    await expect(backups.getByRole('listitem')).toHaveCount(2);
    await expect(backups).toContainText('before a restore');

    await row(app, 'data').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Export…' }).click();
    await window.dialog.getByRole('radio', { name: 'zstd' }).click();
    await shot(app, 'export');
    await window.dialog.getByRole('button', { name: /^Export/ }).click();
    await expect(window.dialog).toBeHidden();
    const archive = path.join(folder, 'data.tar.zst');
    await expect.poll(() => existsSync(archive)).toBe(true);
    await expect(page.getByText('Exported data')).toBeVisible();

    await docker(app, ['run', '--rm', '--network', 'none', '-v', 'data:/data', 'busybox:test', 'rm', '/data/state']);
    // The desktop's own dialog would stand in the way: its answer is given to the field that opens it.
    page.on('filechooser', () => undefined);
    await row(app, 'data').click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Replace from an archive…' }).click();
    await pick(app, '[data-pick]', [archive]);
    await expect(window.dialog).toContainText('can be restored from the backup');
    await window.dialog.getByRole('checkbox', { name: 'Back up what is in it first' }).click();
    await expect(window.dialog).toContainText('Nothing brings it back.');
    await window.dialog.getByRole('textbox', { name: 'Type data to go on' }).fill('dat');
    await keyboard.press('Enter');
    await expect(window.dialog).toBeVisible();
    await shot(app, 'import');
    expect(await window.serious(), 'importing').toEqual([]);
    await window.dialog.getByRole('checkbox', { name: 'Back up what is in it first' }).click();
    await window.dialog.getByRole('button', { name: 'Back up and replace' }).click();
    await expect(tasks).toContainText('Imported into data');
    expect(await cat(app, 'data', '/state')).toBe('ok\n');
    await keyboard.press('Escape');
    await expect(backups).toContainText('before data.tar.zst was imported');

    await backups
      .getByRole('button', { name: /^Delete the backup/ })
      .first()
      .click();
    await window.dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(backups.getByRole('listitem')).toHaveCount(2);
    await page.getByRole('button', { name: 'All backups…' }).click();
    await expect(window.dialog.getByRole('listitem')).toHaveCount(2);
    await shot(app, 'all backups');
    await keyboard.press('Escape');
    for (const [theme, language] of [
      ['light', 'zh-CN'],
      ['dark', 'en'],
    ] as const) {
      await window.dress({ theme, language });
      await expect(backups.or(page.getByRole('list', { name: '备份' })).getByRole('listitem')).toHaveCount(2);
      expect(await window.serious()).toEqual([]);
      await shot(app, `${theme} ${language}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
