/** Folders and files that are dropped anywhere, or added by keyboard, and the one question about them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { openBuilder, startDockerdToBuild } from '../fixtures/builder.js';
import { drop, onDesk } from '../fixtures/desk.js';
import { openDisplay } from '../fixtures/display.js';
import { api, docker, request, root, run, startEngine } from '../fixtures/engine.js';
import { expect, isRoot, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

/** A folder of this machine, with a name that needs care, and what is in it. */
async function onDisk(use: (folder: string, site: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-drop-'));
  try {
    const site = path.join(folder, 'my site\n水');
    await mkdir(path.join(site, 'inner'), { recursive: true });
    await writeFile(path.join(site, 'index.html'), 'hello\n');
    await writeFile(path.join(site, 'inner/Dockerfile'), 'FROM scratch\n');
    await writeFile(path.join(folder, 'note.txt'), 'note\n');
    await symlink('/etc', path.join(site, 'inner/link'));
    await use(folder, site);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function make(app: TestApp): Promise<void> {
  await app.features();
  await request(app.socket, 'POST', '/slipway/starter');
  const created = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=web', {
    Image: 'slipway/starter:latest',
    Cmd: ['sh', '-c', 'mkdir -p /srv/old && echo old > /srv/old/kept && exec sleep 1000'],
    WorkingDir: '/srv',
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${created.Id}/start`);
}

const inside = async (app: TestApp, ...command: string[]): Promise<string> =>
  (await docker(app, ['exec', 'web', ...command])).stdout;

test('a folder is mounted into a container that runs, with what that hides and whose it is; undone, and kept after a restart', async ({
  openApp,
  shot,
}) => {
  await onDisk(async (folder) => {
    const app = await openApp();
    await make(app);
    const code = path.join(folder, 'code');
    await mkdir(code);
    await writeFile(path.join(code, 'index.html'), 'hello\n');
    const { page } = app;
    const window = new SlipwayPage(page);
    await window.goTo('Containers');
    await drop(app, window.row('web'), [code], 'Drop to add to web');
    await expect(window.dialog.getByRole('radio', { name: /Live mount/ })).toBeChecked();
    await expect(window.dialog.getByRole('textbox', { name: 'Path in web' })).toHaveValue('/srv');
    await expect(window.dialog.getByRole('note')).toContainText(
      '1 entry in /srv is hidden while this is mounted: old.',
    );
    await expect(window.dialog.getByRole('listitem').filter({ hasText: 'No restart' })).toBeVisible();
    await shot(app, 'live');
    expect(await window.serious()).toEqual([]);
    await window.dialog.getByRole('button', { name: 'Mount at /srv/code instead' }).click();
    await expect(window.dialog.getByRole('note')).toHaveCount(0);
    await page.keyboard.press('Control+Enter');
    await expect(page.getByText('Mounted in web')).toBeVisible();
    expect(await inside(app, 'cat', '/srv/code/index.html', '/srv/old/kept')).toBe('hello\nold\n');
    await writeFile(path.join(code, 'index.html'), 'changed\n');
    expect(await inside(app, 'cat', '/srv/code/index.html')).toBe('changed\n');
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect
      .poll(() => api<unknown[]>(app.socket, 'GET', '/slipway/containers/web/mounts'), { message: 'the mounts' })
      .toEqual([]);
    expect(await inside(app, 'cat', '/srv/code/index.html')).toBe('');

    // By keys alone, read-only, each of them foreseen; there after a restart.
    await inside(app, 'sh', '-c', 'mkdir -p /mnt/code && touch /mnt/code/was');
    await drop(app, window.row('web'), [code, path.join(folder, 'note.txt')], 'Drop to add to web');
    await window.dialog.getByRole('radio', { name: /Live mount/ }).press('2');
    await expect(window.dialog.getByRole('radio', { name: /Copy into container/ })).toBeChecked();
    await page.keyboard.press('1');
    await expect(window.dialog.getByRole('radio', { name: /Live mount/ })).toBeChecked();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+a');
    await page.keyboard.type('/mnt');
    const lands = window.dialog.getByRole('list', { name: 'Where each lands' }).getByRole('listitem');
    await expect(lands.filter({ hasText: '/mnt/code' })).toContainText('hides what is there now: was');
    await expect(lands.filter({ hasText: '/mnt/note.txt' })).toContainText('is made there');
    await shot(app, 'several are mounted');
    expect(await window.serious()).toEqual([]);
    await window.dialog.getByRole('radio', { name: 'Read only' }).focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Mounted in web')).toBeVisible();
    await api(app.socket, 'POST', '/containers/web/restart?t=0');
    expect(await inside(app, 'cat', '/mnt/code/index.html', '/mnt/note.txt')).toBe('changed\nnote\n');
    expect((await docker(app, ['exec', 'web', 'touch', '/mnt/code/x'])).code).not.toBe(0);

    // What does not run has it from its next start; what gives a lot away says so, and is read-only at first.
    await api(app.socket, 'POST', '/containers/web/stop?t=0');
    await expect(window.row('web')).toContainText('Exited');
    await drop(app, window.row('web'), ['/etc'], 'Drop to add to web');
    await expect(window.dialog.getByRole('radio', { name: /Mount from the next start/ })).toBeChecked();
    await expect(window.dialog.getByRole('radio', { name: 'Read only' })).toBeChecked();
    await expect(window.dialog).toContainText('These are files of this machine itself');
    await shot(app, 'next start');
    await page.keyboard.press('Escape');
  });
});

test('a folder is copied into a container that it is dropped on, and the question can be answered by keyboard alone', async ({
  openApp,
  shot,
}) => {
  await onDisk(async (folder, site) => {
    const app = await openApp(onDesk(folder));
    await make(app);
    const window = new SlipwayPage(app.page);
    const { keyboard } = app.page;
    await window.goTo('Containers');
    await drop(app, window.row('web'), [site, path.join(folder, 'note.txt')], 'Drop to add to web', () =>
      shot(app, 'over a row'),
    );
    await expect(window.dialog.getByRole('heading', { name: 'Add these 2 items to web' })).toBeVisible();
    await expect(window.dialog).toContainText('4 files');
    await window.dialog.getByRole('radio', { name: /Copy into container/ }).click();
    await shot(app, 'several');
    expect(await window.serious()).toEqual([]);
    await keyboard.press('Enter');
    await expect(app.page.getByText('Copied 2 items to web:/srv')).toBeVisible();
    expect(await inside(app, 'cat', '/srv/my site\n水/index.html', '/srv/note.txt')).toBe('hello\nnote\n');
    expect(await inside(app, 'readlink', '/srv/my site\n水/inner/link')).toBe('/etc\n');

    // The same without a mouse, into a directory that is not there yet.
    await writeFile(path.join(folder, 'picks'), JSON.stringify([path.join(site, 'inner')]));
    await window.row('web').focus();
    await keyboard.press('a');
    await expect(window.dialog.getByRole('heading', { name: 'Add this folder to web' })).toBeVisible();
    await expect(window.dialog).toContainText('has a Dockerfile');
    const copy = window.dialog.getByRole('radio', { name: /Copy into container/ });
    while (!(await copy.isChecked())) await keyboard.press('ArrowDown');
    await keyboard.press('Tab');
    await expect(window.dialog.getByRole('textbox', { name: 'Path in web' })).toBeFocused();
    await keyboard.press('Control+a');
    await keyboard.type('/new/place');
    await shot(app, 'by keyboard');
    await keyboard.press('Enter');
    await expect(app.page.getByText('Copied to web:/new/place')).toBeVisible();
    expect(await inside(app, 'cat', '/new/place/inner/Dockerfile')).toBe('FROM scratch\n');

    // Escape does nothing of it; what went away meanwhile is said.
    await drop(app, window.row('web'), [site], 'Drop to add to web');
    await keyboard.press('Escape');
    await expect(window.dialog).toBeHidden();
    await drop(app, window.row('web'), [site], 'Drop to add to web');
    await expect(window.dialog).toContainText('3 files');
    await rename(site, path.join(folder, 'moved'));
    await copy.click();
    await keyboard.press('Enter');
    await expect(window.dialog.getByRole('alert')).toContainText('is not there any more');
    await shot(app, 'gone');
  });
});

test('a folder on an image or on empty space fills the form that runs it; both themes, both languages', async ({
  openApp,
  shot,
}) => {
  await onDisk(async (folder, site) => {
    const app = await openApp(onDesk(folder));
    await make(app);
    const window = new SlipwayPage(app.page);
    await window.goTo('Images');
    await drop(
      app,
      app.page.getByRole('row', { name: 'slipway/starter:latest' }),
      [site],
      'Drop to run slipway/starter:latest with it',
    );
    await expect(window.dialog.getByRole('radio', { name: /Run with it/ })).toBeChecked();
    await window.dialog.getByRole('textbox', { name: 'Path in the container' }).fill('/site');
    await window.dialog.getByRole('radio', { name: 'Read only' }).click();
    await shot(app, 'on an image');
    await window.dialog.getByRole('button', { name: /^Go on/ }).click();
    await expect(window.dialog.getByRole('heading', { name: 'Run a container' })).toBeVisible();
    await window.run({ name: 'with-it', command: 'sleep 1000' });
    await expect
      .poll(async () => (await docker(app, ['exec', 'with-it', 'cat', '/site/index.html'])).stdout)
      .toBe('hello\n');
    expect((await docker(app, ['exec', 'with-it', 'touch', '/site/x'])).code).not.toBe(0);

    // What was built into the image stays in sight where that is asked for.
    await inside(app, 'sh', '-c', 'mkdir -p /app/node_modules && echo lib >/app/node_modules/lib && touch /app/old');
    expect((await docker(app, ['commit', '-c', 'WORKDIR /app', 'web', 'shop/base:1'])).code).toBe(0);
    await window.goTo('Images');
    await drop(app, app.page.getByRole('row', { name: 'shop/base:1' }), [site], 'Drop to run shop/base:1 with it');
    await expect(window.dialog.getByRole('textbox', { name: 'Path in the container' })).toHaveValue('/app');
    await expect(window.dialog.getByRole('note')).toContainText('The image has 2 entries in /app');
    await window.dialog.getByRole('checkbox', { name: 'Keep the image’s node_modules' }).check();
    await shot(app, 'keep');
    expect(await window.serious()).toEqual([]);
    await window.dialog.getByRole('button', { name: /^Go on/ }).click();
    await window.run({ name: 'kept', command: 'sleep 1000' });
    await expect
      .poll(async () => (await docker(app, ['exec', 'kept', 'cat', '/app/index.html', '/app/node_modules/lib'])).stdout)
      .toBe('hello\nlib\n');

    await window.goTo('Settings');
    const main = app.page.getByRole('main');
    await drop(app, main, [site], 'Drop it here', () => shot(app, 'over empty space'));
    await expect(window.dialog.getByRole('heading', { name: 'What should become of this folder?' })).toBeVisible();
    await app.page.keyboard.press('Escape');

    await window.goTo('Containers');
    for (const [theme, language, over] of [
      ['dark', 'en', 'Drop to add to web'],
      ['light', 'zh-CN', '松开即可添加到 web'],
    ] as const) {
      await window.dress({ theme, language });
      await drop(app, window.row('web'), [folder], over, () => shot(app, `held ${theme} ${language}`));
      await expect(window.dialog.getByRole('radio').first()).toBeVisible();
      await shot(app, `${theme} ${language}`);
      expect(await window.serious()).toEqual([]);
      await app.page.keyboard.press('Escape');
      await expect(window.dialog).toBeHidden();
    }
  });
});

test('a folder becomes a volume, goes into one that is there, and leaves none behind when it is called off', async ({
  openApp,
  shot,
}) => {
  await onDisk(async (folder, site) => {
    const app = await openApp(onDesk(folder));
    await make(app);
    const { page } = app;
    const window = new SlipwayPage(page);
    const volumes = async () =>
      (await api<{ Volumes: { Name: string }[] }>(app.socket, 'GET', '/volumes')).Volumes.map(({ Name }) => Name);
    const read = async (file: string) =>
      (await docker(app, ['run', '--rm', '--network', 'none', '-v', 'my-site:/v', 'slipway/starter', 'cat', file]))
        .stdout;
    await window.goTo('Volumes');
    await drop(app, page.locator('.list'), [site], 'Drop to copy into a volume');
    await expect(window.dialog.getByRole('heading', { name: 'Add this folder to a volume' })).toBeVisible();
    await expect(window.dialog.getByRole('textbox', { name: 'Name' })).toHaveValue('my-site');
    await shot(app, 'a new one');
    await page.keyboard.press('Enter');
    await expect(page.getByText('Copied to my-site')).toBeVisible();
    expect(await read('/v/index.html')).toBe('hello\n');

    await drop(app, window.row('my-site'), [path.join(folder, 'note.txt')], 'Drop to copy into the volume my-site');
    await expect(window.dialog.getByRole('heading', { name: 'Add this file to the volume my-site' })).toBeVisible();
    await shot(app, 'one that is there');
    await page.keyboard.press('Enter');
    await expect.poll(() => read('/v/note.txt')).toBe('note\n');

    // A tar becomes the content of one; what would be lost in one that is there is asked about.
    const tar = path.join(folder, 'db.tar');
    expect((await run('tar', ['-C', path.join(site, 'inner'), '-cf', tar, '.'])).code).toBe(0);
    await drop(app, page.locator('.list'), [tar], 'Drop to copy into a volume');
    await expect(window.dialog.getByRole('radio', { name: /Make a volume of it/ })).toBeChecked();
    await expect(window.dialog.getByRole('textbox', { name: 'Name' })).toHaveValue('db');
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await volumes()).sort()).toEqual(['db', 'my-site']);
    await page.keyboard.press('Escape');
    await drop(app, window.row('db'), [tar], 'Drop to copy into the volume db');
    await expect(window.dialog.getByRole('radio', { name: /Make a volume of it/ })).toBeEnabled();
    await page.keyboard.press('2');
    await page.keyboard.press('Enter');
    await expect(window.dialog.getByRole('heading', { name: /db\.tar/ })).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(window.dialog).toBeHidden();

    await mkdir(path.join(folder, 'vast'));
    await writeFile(path.join(folder, 'vast/file'), '');
    await truncate(path.join(folder, 'vast/file'), 4_000_000_000);
    await drop(app, page.locator('.list'), [path.join(folder, 'vast')], 'Drop to copy into a volume');
    await expect(window.dialog).toContainText('Copies 1 file, 4 GB');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /1 task/ }).click();
    await window.goTo('Images');
    await page.getByRole('button', { name: 'Cancel vast' }).click();
    await expect(page.getByText('Copying to vast was cancelled')).toBeVisible();
    await expect.poll(async () => (await volumes()).sort()).toEqual(['db', 'my-site']);
  });
});

test('a folder with a Dockerfile is built where the engine builds: with its log, what went wrong, and a container of it', async ({
  prepareApp,
  shot,
}) => {
  test.skip(!isRoot || !existsSync('/usr/sbin/dockerd'), 'needs root and Debian’s dockerd, which builds here');
  await onDisk(async (folder) => {
    const app = await prepareApp({ args: ['--no-engine'] });
    await mkdir(path.dirname(app.socket), { mode: 0o700 });
    await using engine = await startEngine();
    await using dockerd = await startDockerdToBuild();
    await using _builder = await openBuilder(app.socket, { engine, dockerd });
    await app.start();
    const { page } = app;
    const { keyboard } = page;
    const window = new SlipwayPage(page);
    const shop = path.join(folder, 'My shop');
    await mkdir(path.join(shop, 'node_modules'), { recursive: true });
    await copyFile('/bin/busybox', path.join(shop, 'busybox'));
    for (const [name, text] of Object.entries({
      '.dockerignore': 'node_modules\n',
      'node_modules/large.js': 'x',
      'index.html': 'hello\n',
    }))
      await writeFile(path.join(shop, name), text);
    const recipe = (...lines: string[]) =>
      writeFile(
        path.join(shop, 'Containerfile'),
        ['FROM scratch', 'COPY busybox /bin/busybox', 'COPY . /site/', ...lines].join('\n'),
      );
    const build = window.dialog.getByRole('radio', { name: /Build from this folder/ });
    const task = page.getByRole('group', { name: 'Build shop/site:dev' });

    // What goes wrong is said with the step and what was said; mended, it is built, and run.
    await recipe('RUN ["/bin/busybox", "sh", "-c", "echo making it; exit 3"]');
    await window.goTo('Containers');
    await expect(page.getByRole('button', { name: 'Add folder…' }).first()).toBeVisible();
    await window.goTo('Settings');
    await drop(app, page.getByRole('main'), [shop], 'Drop it here');
    await expect(build).toBeChecked();
    await expect(build).toContainText('An image, by the Containerfile in it.');
    const name = window.dialog.getByRole('textbox', { name: 'Name of the image' });
    await expect(name).toHaveValue('my-shop');
    await name.fill('Shop');
    await expect(window.dialog).toContainText('Names are lower case.');
    await name.fill('shop/site:dev');
    await shot(app, 'build');
    expect(await window.serious()).toEqual([]);
    await keyboard.press('Enter');
    await expect(task).toContainText('Failed');
    await expect(task).toContainText('returned a non-zero code: 3');
    await expect(task.getByRole('progressbar')).toHaveAttribute('aria-valuetext', 'Step 4 of 4');
    await shot(app, 'build failed');
    expect(await window.serious()).toEqual([]);
    await task.getByRole('button', { name: 'Log of building shop/site:dev' }).click();
    await expect(window.dialog.getByRole('region', { name: 'What the build said' })).toContainText('making it');
    await shot(app, 'build log');
    expect(await window.serious()).toEqual([]);
    await keyboard.press('Escape');
    await expect(task.getByRole('button', { name: 'Log of building shop/site:dev' })).toBeFocused();
    await recipe('RUN ["/bin/busybox", "touch", "/site/made"]', 'CMD ["/bin/busybox", "sleep", "1000"]');
    await task.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByText('Built shop/site:dev', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Run shop/site:dev…' }).click();
    await expect(window.dialog.getByRole('combobox', { name: 'Image' })).toHaveValue('shop/site:dev');
    await window.run({ name: 'site' });
    await expect
      .poll(async () => (await docker(app, ['exec', 'site', '/bin/busybox', 'ls', '-A', '/site'])).stdout)
      .toBe('.dockerignore\nContainerfile\nbusybox\nindex.html\nmade\n');

    // By keyboard alone, into a name that is another's by now; called off, nothing goes on.
    await recipe('RUN ["/bin/busybox", "sleep", "1000"]');
    await window.goTo('Containers');
    await drop(app, window.row('site'), [shop], 'Drop to add to site');
    await expect(build).toBeEnabled();
    await keyboard.press('4');
    await expect(build).toBeChecked();
    await keyboard.press('Tab');
    await expect(name).toBeFocused();
    await keyboard.press('Control+a');
    await keyboard.type('shop/site:dev');
    await expect(window.dialog).toContainText('the name moves to the new one');
    await keyboard.press('Enter');
    await expect(task.getByRole('progressbar')).toHaveAttribute('aria-valuetext', 'Step 4 of 4');
    await shot(app, 'building');
    await task.getByRole('button', { name: 'Cancel building shop/site:dev' }).click();
    await expect(task).toContainText('Cancelled');
    await expect.poll(() => api<unknown[]>(dockerd.socket, 'GET', '/containers/json')).toEqual([]);

    await window.dress({ theme: 'light', language: 'zh-CN' });
    await drop(app, window.row('site'), [shop], '松开即可添加到 site');
    await window.dialog.getByRole('radio', { name: '用此文件夹构建' }).click();
    await expect(window.dialog.getByRole('textbox', { name: '镜像名称' })).toHaveValue('my-shop');
    await shot(app, 'build light zh-CN');
    expect(await window.serious()).toEqual([]);
    await app.quit(); // before its engine goes
  });
});

test('what an ordinary user may not read, and a socket, are said as what they are', async ({
  openApp,
  person,
  shot,
}) => {
  test.skip(!person, 'needs root, to make another user');
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-drop-'));
  const server = createServer().listen(path.join(folder, 'docker.sock'));
  try {
    await chmod(folder, 0o755);
    await mkdir(path.join(folder, 'shut'), { mode: 0o700 });
    await using display = await openDisplay('1024x700');
    const app = await openApp({ person, display: display.name });
    const window = new SlipwayPage(app.page);
    await app.features();
    await window.goTo('Settings');
    await drop(app, app.page.getByRole('main'), [path.join(folder, 'shut')], 'Drop it here');
    await expect(window.dialog.getByRole('radio', { name: /Run with it/ })).toContainText('The engine may not read it');
    await shot(app, 'unreadable');
    await app.page.keyboard.press('Escape');
    await drop(app, app.page.getByRole('main'), [path.join(folder, 'docker.sock')], 'Drop it here');
    await expect(window.dialog.getByRole('radio', { name: /Copy into a volume/ })).toContainText('cannot be copied');
    await expect(window.dialog).toContainText('Through an engine’s socket');
    await shot(app, 'socket');
    await app.quit(); // before its screen goes
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('a copy that the disk has no room for says so, and leaves no volume', async ({ prepareApp, shot }) => {
  test.skip(!isRoot, 'needs root to make a small disk');
  await onDisk(async (folder) => {
    const app = await prepareApp();
    expect((await run('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'small', app.dataRoot])).code).toBe(0);
    try {
      await app.start();
      await app.features();
      const { page } = app;
      const window = new SlipwayPage(page);
      await window.goTo('Volumes');
      await mkdir(path.join(folder, 'large'));
      await writeFile(path.join(folder, 'large/file'), Buffer.alloc(60_000_000, 'x'));
      await drop(app, page.locator('.list'), [path.join(folder, 'large')], 'Drop to copy into a volume');
      await page.keyboard.press('Enter');
      const said = page.getByRole('alert').filter({ hasText: 'Could not copy to large' });
      await expect(said).toContainText('The disk is full.');
      await expect(said).toContainText('The new volume is gone again.');
      await shot(app, 'full');
      const { Volumes } = await api<{ Volumes: unknown[] }>(app.socket, 'GET', '/volumes');
      expect(Volumes).toEqual([]);
      await app.quit();
    } finally {
      await run('umount', ['--lazy', app.dataRoot]);
    }
  });
});

test('a folder that another program drags over the window is mounted, copied or run like any other', async ({
  openApp,
  display,
  shot,
}) => {
  const python = '/usr/bin/python3';
  test.skip(!existsSync(python), 'Python, which the other program is written in, is not installed');
  await onDisk(async (_folder, site) => {
    const app = await openApp();
    await make(app);
    const slipway = new SlipwayPage(app.page);
    await slipway.goTo('Containers');
    const box = await slipway.row('web').boundingBox();
    const [left, top] = await app.page.evaluate(() => [window.screenX, window.screenY]);
    const to = [(left ?? 0) + (box?.x ?? 0) + 300, (top ?? 0) + (box?.y ?? 0) + 10].map((each) =>
      String(Math.round(each)),
    );
    const script = path.join(root, 'e2e/fixtures/drag-source.py');
    const source = spawn(python, ['-B', script, ...to, pathToFileURL(site).href], {
      env: { DISPLAY: display.name },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(source, 'exit');
    try {
      const lines = createInterface(source.stdout)[Symbol.asyncIterator]();
      const first = (await lines.next()).value;
      test.skip(first === 'missing', 'libX11 or libXtst is not installed');
      expect(first).toBe('over');
      await expect(app.page.getByText('Drop to add to web')).toBeVisible();
      await shot(app, 'held by another program');
      source.stdin.write('\n');
      expect((await lines.next()).value).toBe('dropped');
      expect(await ended).toEqual([0, null]);
    } finally {
      source.kill();
    }
    await expect(slipway.dialog.getByRole('heading', { name: 'Add this folder to web' })).toBeVisible();
    await expect(slipway.dialog).toContainText('3 files');
    await slipway.dialog.getByRole('radio', { name: /Copy into container/ }).click();
    await app.page.keyboard.press('Enter');
    await expect(app.page.getByText('Copied to web:/srv')).toBeVisible();
    expect(await inside(app, 'cat', '/srv/my site\n水/index.html')).toBe('hello\n');
  });
});
