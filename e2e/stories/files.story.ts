/** A container's files in the drawer: looked through, changed, brought in and taken out, by keyboard alone where that is asked. */
import type { Locator } from '@playwright/test';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { drop, onDesk, pick } from '../fixtures/desk.js';
import type { Display } from '../fixtures/display.js';
import { api, docker, request, root } from '../fixtures/engine.js';
import { loadScratch } from '../fixtures/scratch.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

const SCRIPT =
  'mkdir -p /srv/site && echo "hello world" > /srv/site/index.html && seq 1 400000 > /srv/big.txt && head -c 300 /bin/busybox > /srv/program && rm /etc/motd && exec sleep 1000';

async function make(app: TestApp): Promise<void> {
  await app.features();
  await request(app.socket, 'POST', '/slipway/starter');
  const created = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=web', {
    Image: 'slipway/starter:latest',
    Cmd: ['sh', '-c', SCRIPT],
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${created.Id}/start`);
  await expect(async () => expect(await cat(app, '/etc/motd')).toBeUndefined()).toPass();
}

async function cat(app: TestApp, file: string): Promise<string | undefined> {
  const answer = await request(app.socket, 'GET', `/slipway/containers/web/file?path=${encodeURIComponent(file)}`);
  return answer.status === 200 ? answer.body.toString() : undefined;
}

async function dragged(folder: string): Promise<string[]> {
  const text = await readFile(path.join(folder, 'drags'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { file: string }).file);
}

/** Presses on it and moves: what begins a drag. */
async function pull(app: TestApp, what: Locator): Promise<void> {
  await what.scrollIntoViewIfNeeded();
  const box = await what.boundingBox();
  const [x, y] = [(box?.x ?? 0) + 60, (box?.y ?? 0) + 10];
  await app.page.mouse.move(x, y);
  await app.page.mouse.down();
  await app.page.mouse.move(x + 30, y + 5, { steps: 5 });
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const digestIn = async (app: TestApp, file: string): Promise<string | undefined> =>
  (await docker(app, ['exec', 'web', 'sha256sum', file])).stdout.split(' ')[0];

/** Drops it, and takes what is suggested: a copy. */
async function dropAndCopy(...[app, ...how]: Parameters<typeof drop>): Promise<void> {
  await drop(app, ...how);
  await app.page.getByRole('radio', { checked: true }).first().press('Enter');
  await expect(app.page.getByRole('dialog')).toBeHidden();
}

/** The button of a mouse that goes back. */
async function backByMouse(app: TestApp): Promise<void> {
  const devtools = await app.page.context().newCDPSession(app.page);
  for (const type of ['mousePressed', 'mouseReleased'] as const)
    await devtools.send('Input.dispatchMouseEvent', { type, button: 'back', x: 400, y: 300, clickCount: 1 });
  await devtools.detach();
}

/** Reads the page again, which asks first. Playwright waits for every navigation that has begun: until this one has its answer only DevTools are heard. */
async function agreeToReload(app: TestApp): Promise<void> {
  const devtools = await app.page.context().newCDPSession(app.page);
  const said = async (expression: string) => (await devtools.send('Runtime.evaluate', { expression })).result.value;
  await app.page.evaluate(() => location.reload());
  await expect.poll(() => said('document.querySelector("[role=dialog]")?.textContent')).toContain('Discard what');
  await expect.poll(() => said('document.activeElement.textContent')).toContain('Cancel');
  await app.page.keyboard.press('Tab');
  await app.page.keyboard.press('Enter');
  await devtools.detach();
}

const item = (app: TestApp, name: string) => app.page.getByRole('treeitem', { name }).first();

test('a person finds a file, changes it and saves it without a mouse', async ({ openApp, shot }) => {
  const app = await openApp();
  await make(app);
  const window = new SlipwayPage(app.page);
  const { keyboard } = app.page;
  await window.openContainer('web', 'Files');
  const tree = app.page.getByRole('tree', { name: 'Files of web' });
  await expect(tree).toBeVisible();
  await expect(item(app, 'srv')).toContainText('added');
  await expect(item(app, 'etc')).toContainText('changed');
  await item(app, 'bin').focus();
  await keyboard.type('etc');
  await expect(item(app, 'etc')).toBeFocused();
  await keyboard.press('ArrowRight');
  await expect(item(app, 'motd')).toContainText('deleted');
  await shot(app, 'changes');
  await keyboard.press('ArrowLeft');
  await keyboard.press('End');
  await keyboard.press('Home');
  await keyboard.type('srv');
  await keyboard.press('ArrowRight');
  await expect(item(app, 'site')).toBeVisible();
  await keyboard.type('site');
  await keyboard.press('Enter');
  await expect(item(app, 'index.html')).toBeVisible();
  await keyboard.press('ArrowRight');
  await expect(item(app, 'index.html')).toBeFocused();
  await keyboard.press('Enter');
  const editor = app.page.getByRole('textbox', { name: 'Text of index.html' });
  await expect(editor).toBeFocused();
  await expect(editor).toContainText('hello world');
  await keyboard.press('Control+Home');
  await keyboard.type('changed: ');
  await expect(app.page.getByText('not saved')).toBeVisible();
  await keyboard.press('Control+s');
  await expect(app.page.getByText('Saved index.html')).toBeVisible();
  expect(await cat(app, '/srv/site/index.html')).toBe('changed: hello world\n');
  await shot(app, 'editor');

  // Somebody else writes meanwhile: nothing is lost unasked.
  await docker(app, ['exec', 'web', 'sh', '-c', 'echo theirs > /srv/site/index.html']);
  await keyboard.type('mine ');
  await keyboard.press('Control+s');
  await expect(app.page.getByRole('alert')).toContainText('changed by somebody else');
  await app.page.getByRole('button', { name: 'Load it again' }).press('Enter');
  await expect(app.page.getByRole('textbox', { name: 'Text of index.html' })).toContainText('theirs');

  // Nothing takes away unasked what was typed: not another file that goes, not a tab, not another name.
  await app.page.getByRole('textbox', { name: 'Text of index.html' }).focus();
  await keyboard.type('draft ');
  await expect(app.page.getByText('not saved')).toBeVisible();
  await item(app, 'program').focus();
  await keyboard.press('Delete');
  await app.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).press('Enter');
  await expect(item(app, 'program')).toBeHidden();
  await expect(app.page.getByRole('dialog')).toBeHidden();
  await expect(app.page.getByText('not saved')).toBeVisible();
  const isAsked = async (leave: () => Promise<unknown>) => {
    await leave();
    await expect(window.dialog).toContainText('Discard what you changed in index.html?');
    await expect(window.dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await keyboard.press('Escape');
    await expect(window.dialog).toBeHidden();
    await expect(app.page.getByRole('textbox', { name: 'Text of index.html' })).toContainText('draft');
  };
  await isAsked(() => app.page.getByRole('tab', { name: 'Logs' }).press('Enter'));
  await isAsked(() =>
    app.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Images' }).click(),
  );
  await isAsked(() => backByMouse(app));
  await isAsked(() => app.page.getByRole('button', { name: 'Close window' }).click());
  await isAsked(async () => {
    await app.page.getByRole('button', { name: 'Window menu' }).press('Enter');
    await app.page.getByRole('menuitem', { name: 'Quit Slipway' }).press('Enter');
  });
  await item(app, 'index.html').focus();
  await keyboard.press('F2');
  await window.dialog.getByRole('button', { name: 'Discard' }).press('Enter');
  await app.page.getByRole('textbox', { name: 'Name' }).fill('start.html');
  await keyboard.press('Enter');
  await expect(item(app, 'start.html')).toBeVisible();
  expect(await cat(app, '/srv/site/start.html')).toBe('theirs\n');
  await item(app, 'start.html').focus();
  await keyboard.press('Delete');
  await expect(app.page.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await app.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).press('Enter');
  await expect(item(app, 'start.html')).toBeHidden();
  expect(await cat(app, '/srv/site/start.html')).toBeUndefined();

  // What was agreed to happens: a step back, the window closes, the app ends.
  const passwd = await cat(app, '/etc/passwd');
  const draft = async () => {
    await expect(item(app, 'etc')).toBeVisible();
    if ((await item(app, 'etc').getAttribute('aria-expanded')) === 'false') await item(app, 'etc').press('Enter');
    await item(app, 'passwd').press('Enter');
    await expect(app.page.getByRole('textbox', { name: 'Text of passwd' })).toBeFocused();
    await keyboard.type('draft');
    await expect(app.page.getByText('not saved')).toBeVisible();
  };
  const discard = () => window.dialog.getByRole('button', { name: 'Discard' }).press('Enter');
  await draft();
  await backByMouse(app);
  await discard();
  await expect(app.page.getByRole('tab', { name: 'Files' })).toBeHidden();
  await window.openContainer('web', 'Files');
  await draft();
  await agreeToReload(app);
  await expect(app.page.getByText('not saved')).toBeHidden();
  await draft();
  await app.page.getByRole('button', { name: 'Close window' }).press('Enter');
  await discard();
  await expect.poll(() => app.page.evaluate(() => document.visibilityState)).toBe('hidden');
  expect(await app.startSecond()).toBe(0);
  await expect.poll(() => app.page.evaluate(() => document.visibilityState)).toBe('visible');
  await expect(app.page.getByText('not saved')).toBeHidden();
  await draft();
  const gone = app.quit();
  await discard();
  expect(await gone).toBe(0);
  expect(await cat(app, '/etc/passwd')).toBe(passwd);
});

test('files of a stopped container and of an image without a shell are there as well; what is no text is shown as bytes', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  await make(app);
  await api(app.socket, 'POST', '/containers/web/stop?t=0');
  await loadScratch(app, 'scratch:test');
  await docker(app, ['run', '-d', '--network', 'none', '--name', 'bare', 'scratch:test']);
  const window = new SlipwayPage(app.page);
  await window.openContainer('web', 'Files');
  await item(app, 'srv').click();
  await item(app, 'program').click();
  await expect(app.page.getByRole('region', { name: 'Bytes of program' })).toContainText('7f 45 4c 46');
  await shot(app, 'bytes');
  await item(app, 'big.txt').click();
  await expect(app.page.getByText(/^The first 1\.05 MB of 2\.69 MB, to read only/)).toBeVisible();
  await app.page.keyboard.press('Escape');
  await window.openContainer('bare', 'Files');
  await expect(item(app, 'app')).toBeVisible();
});

test('files come in by dropping them on a folder or beside a file, and by the dialog', async ({ openApp, shot }) => {
  const app = await openApp();
  await make(app);
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-files-'));
  try {
    await mkdir(path.join(folder, 'dropped/inner'), { recursive: true });
    await writeFile(path.join(folder, 'dropped/inner/容器.txt'), '水\n');
    await symlink('容器.txt', path.join(folder, 'dropped/inner/link'));
    await writeFile(path.join(folder, 'picked.txt'), 'picked\n');
    const window = new SlipwayPage(app.page);
    await window.openContainer('web', 'Files');
    await expect(item(app, 'srv')).toBeVisible();
    await dropAndCopy(app, item(app, 'srv'), [path.join(folder, 'dropped')], 'Drop to add to /srv', () =>
      shot(app, 'drop'),
    );
    await expect(app.page.getByText('Copied to web:/srv')).toBeVisible();
    await expect(item(app, 'dropped')).toContainText('added');
    expect(await cat(app, '/srv/dropped/inner/容器.txt')).toBe('水\n');
    expect((await docker(app, ['exec', 'web', 'readlink', '/srv/dropped/inner/link'])).stdout).toBe('容器.txt\n');
    await expect(item(app, 'dropped')).toContainText('root:root');

    // Dropped on a file: its folder takes it.
    await item(app, 'big.txt').scrollIntoViewIfNeeded();
    await dropAndCopy(app, item(app, 'big.txt'), [path.join(folder, 'picked.txt')], 'Drop to add to /srv');
    await expect.poll(() => cat(app, '/srv/picked.txt')).toBe('picked\n');
    // By the dialog, where nothing was chosen: the root.
    await pick(app, '[data-upload]', [path.join(folder, 'picked.txt')]);
    await expect.poll(() => cat(app, '/picked.txt')).toBe('picked\n');

    // Two of one name would be one over the other.
    await writeFile(path.join(folder, 'dropped/picked.txt'), 'other\n');
    await pick(app, '[data-upload]', [path.join(folder, 'picked.txt'), path.join(folder, 'dropped/picked.txt')]);
    await expect(app.page.getByText('More than one of them is called picked.txt')).toBeVisible();
    expect(await cat(app, '/picked.txt')).toBe('picked\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('files and folders are dragged out of the tree as real files, which are gone when the app has ended', async ({
  openApp,
  shot,
}) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-files-'));
  try {
    const app = await openApp(onDesk(folder));
    await make(app);
    await docker(app, ['exec', 'web', 'sh', '-c', 'ln -s index.html /srv/site/link; ln -s /etc/passwd /srv/site/out']);
    await docker(app, ['exec', 'web', 'sh', '-c', 'truncate -s 60000000 /srv/heavy; truncate -s 70000000 /srv/huge']);
    const { mouse } = app.page;
    await new SlipwayPage(app.page).openContainer('web', 'Files');
    await item(app, 'srv').click();
    await item(app, 'site').click();

    await pull(app, item(app, 'index.html'));
    await expect.poll(() => dragged(folder)).toHaveLength(1);
    await mouse.up();
    await expect(app.page.getByRole('region', { name: 'Preview of index.html' })).toBeHidden();
    const [file = ''] = await dragged(folder);
    expect(path.basename(file)).toBe('index.html');
    expect(await readFile(file, 'utf8')).toBe('hello world\n');
    const [place = ''] = (await readdir(path.join(app.folder, 'tmp'))).filter((name) =>
      name.startsWith('slipway-drag-'),
    );
    expect((await stat(path.join(app.folder, 'tmp', place))).mode & 0o777).toBe(0o700);

    // The next drag may be one into the window, before any pointer moved over it.
    await writeFile(path.join(folder, 'back.txt'), 'back\n');
    await dropAndCopy(app, item(app, 'site'), [path.join(folder, 'back.txt')], 'Drop to add to /srv/site');
    await expect.poll(() => cat(app, '/srv/site/back.txt')).toBe('back\n');
    await expect(item(app, 'back.txt')).toBeVisible();
    await docker(app, ['exec', 'web', 'rm', '/srv/site/back.txt']);

    await pull(app, item(app, 'site'));
    await expect.poll(() => dragged(folder)).toHaveLength(2);
    await mouse.up();
    await expect(app.page.getByText('1 entry of site was left out')).toBeVisible();
    const [, site = ''] = await dragged(folder);
    expect((await readdir(site)).sort()).toEqual(['index.html', 'link']);
    expect(await readFile(path.join(site, 'link'), 'utf8')).toBe('hello world\n');

    // A link stands for what it leads to.
    await docker(app, ['exec', 'web', 'ln', '-s', 'site', '/srv/to-site']);
    await app.page.getByRole('button', { name: 'Read again' }).click();
    await pull(app, item(app, 'to-site'));
    await expect.poll(() => dragged(folder)).toHaveLength(3);
    await mouse.up();
    expect((await dragged(folder))[2]).toMatch(/\/site$/);

    // Let go of before it was there: the next time it is.
    await pull(app, item(app, 'heavy'));
    await mouse.up();
    await expect(app.page.getByText('heavy is ready now')).toBeVisible();
    expect(await dragged(folder)).toHaveLength(3);
    await pull(app, item(app, 'heavy'));
    await expect.poll(() => dragged(folder)).toHaveLength(4);
    await mouse.up();

    await pull(app, item(app, 'huge'));
    await expect(app.page.getByText('huge is too large to drag')).toBeVisible();
    await mouse.up();
    await shot(app, 'too large');
    await app.page.getByRole('button', { name: 'Download…' }).press('Enter');
    await expect(app.page.getByText('Saved huge')).toBeVisible();
    expect(await digest(path.join(folder, 'huge'))).toBe(await digestIn(app, '/srv/huge'));

    expect(await app.quit()).toBe(0);
    expect(await readdir(path.join(app.folder, 'tmp'))).not.toContainEqual(expect.stringContaining('slipway-drag-'));
    await app.start();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Drags `index.html` over a window of another program, and drops it there when `meanwhile` is done. Returns the URI that arrived. */
async function dragToProgram(app: TestApp, display: Display, meanwhile: () => Promise<void>): Promise<string> {
  const python = '/usr/bin/python3';
  test.skip(!existsSync(python), 'Python, which the other program is written in, is not installed');
  await make(app);
  await new SlipwayPage(app.page).openContainer('web', 'Files');
  await item(app, 'srv').click();
  await item(app, 'site').click();
  const box = await item(app, 'index.html').boundingBox();
  const [left, top] = await app.page.evaluate(() => [window.screenX, window.screenY]);
  const from = [(left ?? 0) + (box?.x ?? 0) + 60, (top ?? 0) + (box?.y ?? 0) + 10].map((each) =>
    String(Math.round(each)),
  );
  const target = spawn(python, ['-B', path.join(root, 'e2e/fixtures/drop-target.py'), ...from], {
    env: { DISPLAY: display.name },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(target, 'exit');
  try {
    const lines = createInterface(target.stdout)[Symbol.asyncIterator]();
    const first = (await lines.next()).value;
    test.skip(first === 'missing', 'libX11 or libXtst is not installed');
    expect(first).toBe('over');
    await meanwhile();
    target.stdin.write('\n');
    const uri = (await lines.next()).value as string;
    expect(await ended).toEqual([0, null]);
    return uri;
  } finally {
    target.kill();
  }
}

test('what is dragged out arrives in another program; the engine goes on meanwhile', async ({ openApp, display }) => {
  const app = await openApp();
  // The app's main process waits for the drag's end; the engine lives in it.
  const uri = await dragToProgram(app, display, async () =>
    expect((await docker(app, ['exec', 'web', 'true'], { timeout: 60_000 })).code).toBe(0),
  );
  expect(uri).toMatch(/^file:.*\/index\.html$/);
  expect(await readFile(new URL(uri), 'utf8')).toBe('hello world\n');
  // It was no click: nothing opened.
  await expect(app.page.getByRole('region', { name: 'Preview of index.html' })).toBeHidden();
});

test('a quit waits for the end of a drag', async ({ openApp, display }) => {
  const app = await openApp();
  let quitting: Promise<number | null> | undefined;
  const uri = await dragToProgram(app, display, async () => void (quitting = app.quit()));
  expect(uri).toMatch(/^file:.*\/index\.html$/);
  expect(await quitting).toBe(0);
  await app.start();
});

test('hundreds of megabytes go out and in past the window, are seen among the tasks, and can be cancelled', async ({
  openApp,
  shot,
}) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-files-'));
  try {
    const app = await openApp(onDesk(folder));
    await make(app);
    await docker(app, [
      'exec',
      'web',
      'sh',
      '-c',
      'head -c 300000000 /dev/urandom > /srv/large; truncate -s 4G /srv/vast',
    ]);
    const window = new SlipwayPage(app.page);
    await window.openContainer('web', 'Files');
    const { keyboard } = app.page;
    const tasks = app.page.getByRole('complementary', { name: 'Tasks' });
    const download = async (name: string) => {
      await item(app, name).focus();
      await keyboard.press('Shift+F10');
      await app.page.getByRole('menuitem', { name: 'Download…' }).press('Enter');
    };
    await item(app, 'srv').click();
    await download('large');
    await expect(app.page.getByText('Saved large')).toBeVisible();
    expect(await digest(path.join(folder, 'large'))).toBe(await digestIn(app, '/srv/large'));

    // A download that is cancelled leaves what was there before, and nothing beside it.
    await writeFile(path.join(folder, 'vast'), 'before');
    await download('vast');
    await app.page.getByRole('button', { name: /1 task/ }).press('Enter');
    await expect(tasks.getByRole('progressbar', { name: 'vast' })).toBeVisible();
    await shot(app, 'download');
    await tasks.getByRole('button', { name: 'Cancel vast' }).press('Enter');
    await expect(tasks.getByText('Cancelled')).toBeVisible();
    expect(await readFile(path.join(folder, 'vast'), 'utf8')).toBe('before');
    expect((await readdir(folder)).sort()).toEqual(['large', 'vast']);

    await mkdir(path.join(folder, 'in'));
    await rename(path.join(folder, 'large'), path.join(folder, 'in/copy'));
    await dropAndCopy(app, item(app, 'srv'), [path.join(folder, 'in')], 'Drop to add to /srv');
    await expect(app.page.getByText('Copied to web:/srv')).toBeVisible();
    expect(await digestIn(app, '/srv/in/copy')).toBe(await digestIn(app, '/srv/large'));
    await truncate(path.join(folder, 'vast'), 4_000_000_000);
    await dropAndCopy(app, item(app, 'etc'), [path.join(folder, 'vast')], 'Drop to add to /etc');
    await expect(tasks.getByRole('progressbar', { name: 'vast' })).toBeVisible();
    await shot(app, 'upload');
    expect(await window.serious()).toEqual([]);
    await tasks.getByRole('button', { name: 'Cancel vast' }).press('Enter');
    await expect(app.page.getByText('Copying to web:/etc was cancelled')).toBeVisible();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a container that is read-only takes nothing, and the window says so', async ({ openApp, shot }) => {
  const app = await openApp();
  await make(app);
  await docker(app, [
    'run',
    '-d',
    '--network',
    'none',
    '--read-only',
    '--name',
    'fixed',
    'slipway/starter',
    'sleep',
    '1000',
  ]);
  await new SlipwayPage(app.page).openContainer('fixed', 'Files');
  await dropAndCopy(app, item(app, 'etc'), [path.join(root, 'README.md')], 'Drop to add to /etc');
  await expect(app.page.getByText('/etc is read-only in this container')).toBeVisible();
  await shot(app, 'read-only');
});

test('the files look as they should in both themes and both languages, and a checker of accessibility finds nothing serious', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  await make(app);
  const window = new SlipwayPage(app.page);
  await window.openContainer('web', 'Files');
  for (const [theme, language] of [
    ['dark', 'en'],
    ['light', 'zh-CN'],
  ] as const) {
    await window.dress({ theme, language });
    await item(app, 'etc').click();
    await item(app, 'passwd').click();
    await expect(app.page.locator('.cm-content')).toContainText('root:');
    await shot(app, `${theme} ${language}`);
    expect(await window.serious()).toEqual([]);
  }

  await window.dress({ theme: 'dark', language: 'zh-CN' });
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-files-'));
  try {
    await writeFile(path.join(folder, '数据.bin'), '');
    await truncate(path.join(folder, '数据.bin'), 4_000_000_000);
    const look = () => shot(app, 'drop dark zh-CN');
    await dropAndCopy(app, item(app, 'srv'), [path.join(folder, '数据.bin')], '松开即可添加到 /srv', look);
    await app.page.getByRole('button', { name: /1 个任务/ }).click();
    await expect(app.page.getByRole('progressbar', { name: '数据.bin' })).toBeVisible();
    await shot(app, 'upload dark zh-CN');
    expect(await window.serious()).toEqual([]);
    await app.page.getByRole('button', { name: '取消 数据.bin' }).click();
    await expect(app.page.getByText('已取消复制到 web:/srv')).toBeVisible();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
