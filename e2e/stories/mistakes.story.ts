/** Mistakes and bad luck in the window: a sentence where one acted, and nothing half-made left behind. */
import { readdir, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { api, loadBusybox, run } from '../fixtures/engine.js';
import { expect, isRoot, test, type TestApp } from '../fixtures/story.js';
import { openTroubledLine } from '../fixtures/trouble.js';
import { SlipwayPage } from '../fixtures/window.js';

test('a pull that cannot be says why in the dialog it was asked in', async ({ openApp, registry, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await app.features();

  await window.startPull(`${registry.host}/debian:no-such-tag`);
  await expect(window.dialog).toContainText('debian:no-such-tag: it was not found');
  await shot(app, 'unknown tag');
  await app.page.keyboard.press('Escape');

  await window.startPull('127.0.0.1:1/nobody/there:1');
  await expect(window.dialog).toContainText('The registry 127.0.0.1:1 refuses the connection: nothing listens there');
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

/** What a pull leaves on disk besides the database. */
const kept = async ({ dataRoot }: TestApp) =>
  (await Promise.all(['blobs/sha256', 'ingest', 'layers'].map((name) => readdir(path.join(dataRoot, name))))).flat();

const images = async ({ socket }: TestApp) =>
  (await api<{ RepoTags: string[] }[]>(socket, 'GET', '/images/json?all=1')).flatMap(({ RepoTags }) => RepoTags);

/** The layers of `debian:12`, the largest first. */
async function layersAt({ host }: { host: string }): Promise<{ digest: string; size: number }[]> {
  const answer = await fetch(`http://${host}/v2/debian/manifests/12`, {
    headers: { Accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  const { layers } = (await answer.json()) as { layers: { digest: string; size: number }[] };
  return layers.sort((a, b) => b.size - a.size);
}

test('a registry cuts a pull for good: the window says so, and another try moves no byte twice', async ({
  openApp,
  registry,
  shot,
}) => {
  await using line = await openTroubledLine(registry.host);
  const layers = await layersAt(line);
  const { digest, size } = layers[0]!;
  const cutAt = Math.floor(size / 3);
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  let cut = false;
  line.meet((asked) => {
    if (!asked.includes(digest)) return undefined;
    if (cut) return { kind: 'hang up' };
    cut = true;
    return { kind: 'cut', after: cutAt };
  });
  line.passed.length = 0;

  const image = `${line.host}/debian:12`;
  await window.startPull(image);
  await expect(window.dialog.getByRole('listitem').filter({ hasText: 'cut off, trying again' })).toBeVisible();
  await shot(app, 'trying again');
  const said = window.dialog.getByRole('alert');
  await expect(said).toContainText('cut the connection. What has arrived is kept', { timeout: 30_000 });
  await expect(window.dialog.getByRole('button', { name: /^Try again/ })).toBeVisible();
  await shot(app, 'cut');
  expect(await window.serious()).toEqual([]);
  expect(await images(app)).toEqual([]);

  await app.page.keyboard.press('Escape');
  await window.goTo('Settings');
  await app.page.getByRole('radio', { name: '简体中文' }).click();
  await app.page.getByRole('button', { name: '任务', exact: true }).click();
  const tasks = app.page.getByRole('complementary', { name: '任务' });
  await expect(tasks).toContainText('中断了连接。已下载的部分会保留');
  await shot(app, 'cut in Chinese');
  line.meet(() => undefined);
  await tasks.getByRole('button', { name: '重试' }).click();
  await expect(tasks).toContainText('已拉取', { timeout: 60_000 });
  await shot(app, 'pulled in Chinese');
  expect(await images(app)).toEqual([image]);
  const moved = (layer: string) =>
    line.passed.filter((asked) => asked.path.includes(layer)).reduce((sum, { bytes }) => sum + bytes, 0);
  expect(layers.map((layer) => [layer.digest, moved(layer.digest)])).toEqual(
    layers.map((layer) => [layer.digest, layer.size]),
  );
});

test('a layer that is not what its digest promises is refused, and nothing of the image is kept', async ({
  openApp,
  registry,
  shot,
}) => {
  await using line = await openTroubledLine(registry.host);
  const { digest } = (await layersAt(line)).at(-1)!;
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await app.features();
  await loadBusybox(app);
  const before = { kept: await kept(app), images: await images(app) };

  line.meet((asked) => (asked.includes(digest) ? { kind: 'falsify' } : undefined));
  await window.startPull(`${line.host}/debian:12`);
  const said = window.dialog.getByRole('alert');
  await expect(said).toContainText(`${digest.slice(7, 19)} is not what its digest promises`, { timeout: 30_000 });
  await shot(app, 'refused');
  expect(await images(app)).toEqual(before.images);
  expect(await kept(app)).toEqual(before.kept);

  line.meet(() => undefined);
  await app.page.keyboard.press('Enter');
  await expect(window.dialog.getByRole('button', { name: /^Run it/ })).toBeVisible({ timeout: 60_000 });
  expect((await images(app)).sort()).toEqual([...before.images, `${line.host}/debian:12`].sort());
});

test('an image that the disk has no room for is refused with numbers before any of it is moved, one that comes while the disk fills is given up; with room again, another try works', async ({
  prepareApp,
  registry,
  shot,
}) => {
  test.skip(!isRoot, 'needs root to make a small disk');
  const app = await prepareApp();
  const disk = (options: string) => run('mount', ['-t', 'tmpfs', '-o', options, 'small', app.dataRoot]);
  expect((await disk('size=64m')).code).toBe(0);
  try {
    await app.start();
    const window = new SlipwayPage(app.page);
    await app.features();
    const image = `${registry.host}/debian:12`;
    const before = await kept(app);
    await window.startPull(image);
    const said = window.dialog.getByRole('alert');
    await expect(said).toContainText(`There is not enough room on the disk that holds ${app.dataRoot}: it needs about`);
    await expect(said).toContainText(/and [\d.]+ MB are free/);
    await shot(app, 'full');
    expect(await images(app)).toEqual([]);
    expect(await kept(app)).toEqual(before);

    await app.page.keyboard.press('Escape');
    await expect(window.dialog).toBeHidden();

    // It fits, and something else fills the disk while it comes.
    expect((await disk('remount,size=300m')).code).toBe(0);
    await using line = await openTroubledLine(registry.host);
    line.meet((path) => (path.includes('/blobs/') ? { kind: 'hold', after: 2_000_000 } : undefined));
    await window.startPull(`${line.host}/debian:12`);
    await expect.poll(() => line.passed.some(({ bytes }) => bytes >= 2_000_000)).toBe(true);
    const other = path.join(app.dataRoot, 'other');
    const free = async () => {
      const { bavail, bsize } = await statfs(app.dataRoot);
      return bavail * bsize;
    };
    for (let size = 0, left = await free(); left > 5_000_000; left = await free()) {
      size += Math.max(1_000_000, left - 20_000_000); // what is being unpacked takes some, too
      await run('fallocate', ['-l', String(size), other]);
    }
    await expect(said).toContainText(`The disk that holds ${app.dataRoot} is full`);
    await rm(other);
    expect(await images(app)).toEqual([]);
    await app.page.keyboard.press('Escape');
    await expect(window.dialog).toBeHidden();

    await window.goTo('Settings');
    await app.page.getByRole('radio', { name: '简体中文' }).click();
    await app.page.getByRole('radio', { name: '深色' }).click();
    await app.page.getByRole('button', { name: '任务', exact: true }).click();
    const tasks = app.page.getByRole('complementary', { name: '任务' });
    await expect(tasks).toContainText(`${app.dataRoot} 所在的磁盘已满`);
    await expect(tasks).toContainText(`存放 ${app.dataRoot} 的磁盘空间不足`);
    expect(await window.serious()).toEqual([]);
    await shot(app, 'full in Chinese');

    line.meet(() => undefined);
    await tasks.getByRole('button', { name: '重试' }).first().click();
    await expect(tasks).toContainText('已拉取', { timeout: 60_000 });
    expect(await images(app)).toHaveLength(1);
    await app.quit();
  } finally {
    await run('umount', ['--lazy', app.dataRoot]);
  }
});
