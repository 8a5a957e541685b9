/** Images and containers layer by layer: what each layer did, the files at any point of it, and two images side by side; by mouse and by keyboard alone. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDisplay } from '../fixtures/display.js';
import { api, root } from '../fixtures/engine.js';
import { loadLayered, type Step } from '../fixtures/layered.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

const manifest = (version: string, dependencies: Record<string, string>) =>
  `${JSON.stringify(
    {
      ...{ name: '@shop/api', version, type: 'module', scripts: { start: 'node server.js' } },
      ...{ engines: { node: '>=22' }, files: ['dist'], license: 'MIT', private: true },
      dependencies,
    },
    undefined,
    2,
  )}\n`;

const base: Step[] = [
  { command: '/bin/sh -c #(nop) ADD file:1f2e3d4c5b6a7988 in / ', files: 'busybox' },
  { command: 'RUN /bin/sh -c apk add tini # buildkit', files: { 'sbin/tini': Buffer.alloc(1_400_000, 3) } },
  { command: 'WORKDIR /app' },
];
const modules = (extra: Record<string, number>) =>
  Object.fromEntries(
    Object.entries({ fastify: 900_000, pg: 300_000, ...extra }).map(([name, size]) => [
      `app/node_modules/${name}/index.js`,
      Buffer.alloc(size, name),
    ]),
  );

/** Long enough that comparing it takes its time. */
const words = (word: (line: number) => string) => Array.from({ length: 3000 }, (_, line) => `${word(line)}\n`).join('');

const older: Step[] = [
  ...base,
  {
    command: 'COPY package*.json ./ # buildkit',
    files: { 'app/package.json': manifest('2.3.1', { fastify: '5.1.0', pg: '8.12.0' }) },
  },
  { command: 'RUN /bin/sh -c npm ci --omit=dev # buildkit', files: modules({}) },
  {
    command: 'COPY dist ./dist # buildkit',
    files: {
      'app/dist/server.js': 'listen(80)\n',
      'app/dist/logo.png': Buffer.from([137, 80, 0, 1]),
      'app/dist/words': words((line) => `word ${line}`),
    },
  },
  { command: 'CMD ["node", "server.js"]' },
];
const newer: Step[] = [
  ...base,
  {
    command: 'COPY package*.json ./ # buildkit',
    files: { 'app/package.json': manifest('2.4.0', { fastify: '5.1.0', pg: '8.13.0', typescript: '5.6.3' }) },
  },
  {
    command: 'RUN /bin/sh -c npm ci # buildkit',
    files: {
      ...modules({ typescript: 3_600_000, tsx: 1_900_000 }),
      'root/.npm/_cacache/content': Buffer.alloc(2_100_000, 9),
    },
  },
  { command: 'RUN /bin/sh -c rm -rf /root/.npm # buildkit', files: { 'root/.wh..npm': '' } },
  {
    command: 'COPY dist ./dist # buildkit',
    files: {
      'app/dist/server.js': 'listen(8080)\n',
      'app/dist/logo.png': Buffer.from([137, 80, 0, 2]),
      'app/dist/words': words((line) => `word ${line % 700 === 0 ? line + 1 : line}`),
    },
  },
  { command: 'CMD ["node", "server.js"]' },
];

async function make(app: TestApp): Promise<SlipwayPage> {
  await app.features();
  await loadLayered(app, 'shop/api:2.3.1', older);
  await loadLayered(app, 'shop/api:2.4.0', newer);
  return new SlipwayPage(app.page);
}

const onDesk = (folder: string) => ({
  env: {
    NODE_OPTIONS: `--require ${path.join(root, 'e2e/fixtures/desktop.cjs')}`,
    SLIPWAY_STORY_DESKTOP: folder,
  },
});

test('an image is looked into layer by layer, and compared with another, by mouse', async ({ openApp, shot }) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-desk-'));
  try {
    const app = await openApp(onDesk(folder));
    const window = await make(app);
    const { page } = app;
    await window.goTo('Images');
    await window.row('2.4.0').click();
    await page.getByRole('tab', { name: 'Layers', exact: true }).click();
    const stack = page.getByRole('listbox', { name: 'Layers of shop/api:2.4.0, newest first' });
    await expect(stack.getByRole('option')).toHaveCount(8);
    await expect(
      page.getByText('RUN rm -rf /root/.npm frees nothing: 2.1 MB of /root/.npm stays below.'),
    ).toBeVisible();
    await stack.getByRole('option', { name: /Layer 4, RUN npm ci, .*2.1 MB wasted, 5 added/ }).click();
    const tree = page.getByRole('tree', { name: 'Files of shop/api:2.4.0 at layer 4' });
    await tree.getByRole('treeitem', { name: /^app, folder, .*changed/ }).click();
    await tree.getByRole('treeitem', { name: /^package.json, file/ }).click();
    await expect(page.getByRole('textbox', { name: 'Text of package.json' })).toContainText('"version": "2.4.0"');
    expect(await window.serious()).toEqual([]);
    await shot(app, 'a file at a layer');

    // What was removed is shown by the layer that did it, as it was.
    await stack.getByRole('option', { name: /Layer 5/ }).click();
    await page.getByRole('radio', { name: 'Changes' }).click();
    const removed = page.getByRole('tree', { name: 'Files of shop/api:2.4.0 at layer 5' });
    await removed.getByRole('treeitem', { name: /^root, folder/ }).click();
    await removed.getByRole('treeitem', { name: '.npm, folder, 2.1 MB, deleted' }).click();
    await expect(removed.getByRole('treeitem', { name: '_cacache, folder, 2.1 MB, deleted' })).toBeVisible();
    await page.getByRole('button', { name: 'Hide caches' }).click();
    await expect(removed.getByRole('treeitem')).toHaveText(['Empty']);

    await page.getByRole('button', { name: 'Find a path in all layers' }).click();
    await page.getByRole('textbox', { name: 'Find in all layers' }).fill('server.js');
    await page.getByRole('button', { name: /app\/dist\/server.js/ }).click();
    await expect(page.getByRole('textbox', { name: 'Text of server.js' })).toContainText('listen(8080)');
    await page.getByRole('button', { name: 'Save file' }).click();
    await expect(page.getByText('Saved server.js')).toBeVisible();
    expect(await readFile(path.join(folder, 'server.js'), 'utf8')).toBe('listen(8080)\n');
    expect(await readdir(folder)).toEqual(['server.js']);

    await page.getByRole('button', { name: 'Compare with…' }).click();
    await page.getByPlaceholder('Name of an image or container').fill('2.3.1');
    await page.getByRole('option', { name: /shop\/api:2.3.1/ }).click();
    const left = page.getByRole('listbox', { name: 'Layers of shop/api:2.3.1, newest first' });
    await expect(left.getByRole('option', { name: /RUN npm ci --omit=dev.*changed$/ })).toBeVisible();
    await expect(left.getByRole('option', { name: /apk add tini.*same$/ })).toBeVisible();
    await expect(stack.getByRole('option', { name: /rm -rf.*new$/ })).toBeVisible();
    await expect(page.getByText('RUN npm ci now adds 5.5 MB in /app/node_modules.')).toBeVisible();
    const changed = page.getByRole('tree', { name: 'Changed files' });
    await changed.getByRole('treeitem', { name: 'app, folder, changed, +5.5 MB' }).click();
    await changed.getByRole('treeitem', { name: /^node_modules/ }).click();
    await expect(changed.getByRole('treeitem', { name: 'typescript, folder, added, +3.6 MB' })).toBeVisible();
    await changed.getByRole('treeitem', { name: /^package.json, file, changed/ }).click();
    const difference = page.getByRole('region', { name: 'Differences in package.json' });
    await expect(difference.getByText('"version": "2.4.0"')).toBeVisible();
    await shot(app, 'two images');
    expect(await window.serious()).toEqual([]);
    await page.getByRole('radio', { name: 'Split' }).click();
    await expect(difference.getByText('"pg": "8.12.0"')).toBeVisible();
    await shot(app, 'side by side');
    await page.getByRole('button', { name: 'Copy as patch' }).click();
    await expect(page.getByText('Copied the difference of package.json as a patch')).toBeVisible();
    expect(
      await page.evaluate(() =>
        (globalThis as unknown as { slipway: { shell: { readText(): Promise<string> } } }).slipway.shell.readText(),
      ),
    ).toMatch(/^--- a\/app\/package.json[^]*- {2}"version": "2.3.1",\n\+ {2}"version": "2.4.0",/);
    await changed.getByRole('treeitem', { name: /^dist/ }).click();
    await changed.getByRole('treeitem', { name: /^logo.png/ }).click();
    await expect(page.getByRole('region', { name: 'Differences in logo.png' })).toContainText('89 50 00 02');
    // What takes long is compared beside the window, not in it.
    const beside = page.waitForEvent('worker');
    await changed.getByRole('treeitem', { name: /^words/ }).click();
    await beside;
    await expect(page.getByRole('region', { name: 'Differences in words' })).toContainText('word 701');

    // A layer and what it was before.
    await stack.getByRole('option', { name: /COPY package/ }).click();
    await expect(page.getByText('up to layer 3').first()).toBeVisible();
    await expect(changed.getByRole('treeitem')).toHaveCount(2);
    await page.getByRole('button', { name: 'Whole images' }).click();
    await expect(page.getByText('same layers are joined')).toBeVisible();
    await page.reload();
    await expect(left).toBeVisible();
    await page.getByRole('button', { name: 'Stop comparing' }).click();
    await expect(left).toBeHidden();

    // Two that are chosen in the table: the older one is what was before.
    await window.goTo('Images');
    for (const name of ['2.4.0', '2.3.1'])
      await page.getByRole('checkbox', { name: `Select shop/api:${name}` }).click();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await expect(stack.or(left)).toHaveCount(2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('by keyboard alone, in a small window, light and in Chinese', async ({ openApp, shot }) => {
  await using display = await openDisplay('1024x700');
  const app = await openApp({ display: display.name });
  const window = await make(app);
  const { page } = app;
  const { keyboard } = page;
  await window.goTo('Images');
  await window.dress({ theme: 'light' });
  await page.evaluate(() => (location.hash = '/images/shop%2Fapi%3A2.4.0/layers'));
  const stack = page.getByRole('listbox', { name: /Layers of shop\/api:2.4.0/ });
  await expect(stack).toBeVisible();
  const region = async (name: string) => {
    for (let step = 0; step < 12; step++) {
      await keyboard.press('F6');
      const at = await page.evaluate(() =>
        document.activeElement?.closest('[data-region]')?.getAttribute('aria-label'),
      );
      if (at === name) return;
    }
    throw new Error(`F6 does not lead to ${name}`);
  };
  const press = async (...keys: string[]) => {
    for (const key of keys) await keyboard.press(key);
  };
  await region('Stack of layers');
  await press('Home', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter');
  await expect(stack.getByRole('option', { name: /Layer 4/ })).toHaveAttribute('aria-selected', 'true');
  await region('Files at this layer');
  const tree = page.getByRole('tree', { name: /at layer 4/ });
  await tree.getByRole('treeitem').first().focus();
  // Until a file is chosen, and after it is closed, the tree has the room.
  const panes = [page.locator('.pane-tree'), page.locator('.pane-file')] as const;
  const share = async () => {
    const [above = 0, below = 0] = await Promise.all(panes.map(async (pane) => (await pane.boundingBox())?.height));
    return above / (above + below);
  };
  expect(await share()).toBeGreaterThan(0.85);
  await shot(app, 'no file chosen');
  await keyboard.type('app');
  await press('ArrowRight');
  await expect(tree.getByRole('treeitem', { name: /^package.json/ })).toBeVisible();
  await keyboard.type('pack');
  await press('Enter');
  await expect(page.getByRole('textbox', { name: 'Text of package.json' })).toContainText('2.4.0');
  await region('What is in the file');
  await shot(app, 'small');
  expect(await share()).toBeLessThan(0.6);
  await page.getByRole('button', { name: 'Close the preview' }).press('Enter');
  await expect(tree.getByRole('treeitem', { name: /^package.json/ })).toBeFocused();
  expect(await share()).toBeGreaterThan(0.85);

  await page.getByRole('button', { name: 'Compare with…' }).focus();
  await press('Enter');
  await expect(page.getByPlaceholder('Name of an image or container')).toBeFocused();
  await keyboard.type('2.3.1');
  await expect(page.getByRole('option', { name: /shop\/api:2.3.1/ })).toHaveAttribute('aria-selected', 'true');
  await press('Enter');
  await region('Two stacks of layers');
  const left = page.getByRole('listbox', { name: /shop\/api:2.3.1/ });
  await press('Home', 'ArrowDown', 'ArrowDown');
  await expect(left.getByRole('option', { name: /npm ci --omit=dev/ })).toBeFocused();
  await press('ArrowRight');
  await expect(stack.getByRole('option', { name: /RUN npm ci,/ })).toBeFocused();
  await press('Enter');
  await expect(page.getByText('up to layer 4').first()).toBeVisible();
  const changed = page.getByRole('tree', { name: 'Changed files' });
  await changed.getByRole('treeitem').first().focus();
  await press('ArrowRight');
  await expect(changed.getByRole('treeitem', { name: /^package.json/ })).toBeVisible();
  await keyboard.type('pac');
  await press('Enter');
  await expect(page.getByRole('region', { name: 'Differences in package.json' })).toContainText('8.13.0');
  expect(await window.serious()).toEqual([]);
  await shot(app, 'two images, small');
  await page.getByRole('button', { name: 'Close the preview' }).press('Enter');
  await expect(changed.getByRole('treeitem', { name: /^package.json/ })).toBeFocused();
  await shot(app, 'two images, none chosen');
  await press('Enter');

  await window.dress({ theme: 'light', language: 'zh-CN' });
  await expect(page.getByRole('tree', { name: '变更的文件' })).toBeVisible();
  await expect(page.getByText('并未释放空间').or(page.getByText('另外')).first()).toBeVisible();
  await shot(app, 'Chinese');
  await window.dress({ theme: 'contrast', language: 'zh-CN' });
  await expect(page.getByRole('tree', { name: '变更的文件' })).toBeVisible();
  expect(await window.serious()).toEqual([]);
  await shot(app, 'contrast');
  await app.quit();
});

test("a container's own layer is on top, and an image that goes while it is looked at says so", async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = await make(app);
  const { page } = app;
  const created = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=web', {
    ...{ Image: 'shop/api:2.4.0', Cmd: ['sh', '-c', 'echo mine > /app/mine; rm /app/dist/server.js; exec sleep 1000'] },
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${created.Id}/start`);
  await window.goTo('Containers');
  await window.row('web').click();
  await page.getByRole('tab', { name: 'Layers', exact: true }).click();
  const own = page.getByRole('option', { name: /^Layer 7, What this container has changed, .*writable$/ });
  await expect(own).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('radio', { name: 'Changes' }).click();
  await expect(async () => {
    await page.getByRole('button', { name: 'Read again' }).click();
    await page.getByRole('radio', { name: 'Changes' }).click();
    await expect(page.getByRole('treeitem', { name: /^app, folder, .*changed/ })).toBeVisible({ timeout: 2000 });
  }).toPass();
  await page.getByRole('treeitem', { name: /^app, folder, .*changed/ }).click();
  await page.getByRole('treeitem', { name: /^mine, file, .*added/ }).click();
  await expect(page.getByRole('textbox', { name: 'Text of mine' })).toContainText('mine');
  await shot(app, 'own layer');
  expect(await window.serious()).toEqual([]);

  await window.goTo('Images');
  await window.row('2.3.1').click();
  await page.getByRole('tab', { name: 'Layers', exact: true }).click();
  await expect(page.getByRole('option')).toHaveCount(7);
  await api(app.socket, 'DELETE', '/images/shop/api:2.3.1');
  await expect(page.getByRole('heading', { name: /gone|removed/i }).first()).toBeVisible();
});
