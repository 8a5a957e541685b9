/** A container's files in the drawer: looked through, changed, brought in and taken out, by keyboard alone where that is asked. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { api, docker, request } from '../fixtures/engine.js';
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

  await item(app, 'index.html').focus();
  await keyboard.press('F2');
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

test('files come in by dropping them on a folder and by the dialog, and go out by a download', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  await make(app);
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-files-'));
  try {
    await mkdir(path.join(folder, 'dropped/inner'), { recursive: true });
    await writeFile(path.join(folder, 'dropped/inner/容器.txt'), '水\n');
    await writeFile(path.join(folder, 'picked.txt'), 'picked\n');
    const window = new SlipwayPage(app.page);
    await window.openContainer('web', 'Files');
    await expect(item(app, 'srv')).toBeVisible();
    const box = await item(app, 'srv').boundingBox();
    const cdp = await app.page.context().newCDPSession(app.page);
    const at = { x: (box?.x ?? 0) + 60, y: (box?.y ?? 0) + 10 };
    const data = { items: [], files: [path.join(folder, 'dropped')], dragOperationsMask: 1 };
    for (const type of ['dragEnter', 'dragOver'] as const)
      await cdp.send('Input.dispatchDragEvent', { type, ...at, data });
    await expect(app.page.getByText('Drop to copy into /srv')).toBeVisible();
    await shot(app, 'drop');
    await cdp.send('Input.dispatchDragEvent', { type: 'drop', ...at, data });
    await expect(app.page.getByText('Uploaded to /srv')).toBeVisible();
    await expect(item(app, 'dropped')).toContainText('added');
    expect(await cat(app, '/srv/dropped/inner/容器.txt')).toBe('水\n');
    await item(app, 'srv').focus();
    await app.page.locator('[data-upload]').setInputFiles(path.join(folder, 'picked.txt'));
    await expect.poll(() => cat(app, '/picked.txt')).toBe('picked\n'); // where the toolbar was not used: the root

    // What the desktop's dialog would be handed.
    await app.page.evaluate(() => {
      const blobs = new Map<string, Blob>();
      const make = URL.createObjectURL.bind(URL);
      URL.createObjectURL = (blob) => {
        const url = make(blob);
        blobs.set(url, blob as Blob);
        return url;
      };
      HTMLAnchorElement.prototype.click = function () {
        void blobs
          .get(this.href)
          ?.text()
          .then((text) => (document.title = `${this.download}: ${text}`));
      };
    });
    await item(app, 'picked.txt').click();
    await app.page.getByRole('button', { name: 'Download picked.txt' }).click();
    await expect.poll(() => app.page.title()).toBe('picked.txt: picked');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
});
