/** Registries: logging in, what they have, mirrors, trust, and serving our own images; an image's whole way to one and back. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { drop, onDesk, pick } from '../fixtures/desk.js';
import { api, busyboxArchive, docker, loadBusybox, request, run } from '../fixtures/engine.js';
import { openEmptyRegistry } from '../fixtures/registry.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

/** `ada` and her password, as htpasswd writes them. */
const ADA = 'ada:$2b$05$abcdefghijklmnopqrstuu8xaCxxL82bnl.UY74PMksDxIJShppPC\n';
const PASSWORD = 'right';

const names = async ({ socket }: TestApp) =>
  (await api<{ RepoTags: string[] }[]>(socket, 'GET', '/images/json')).flatMap(({ RepoTags }) => RepoTags).sort();

test('an image is pulled, named, run as it says, pushed, removed, and comes back out of an archive that is dropped in', async ({
  openApp,
  registry,
  shot,
}) => {
  const desk = await mkdtemp(path.join(tmpdir(), 'slipway-desk-'));
  try {
    await using own = await openEmptyRegistry();
    const app = await openApp(onDesk(desk));
    const { page } = app;
    const window = new SlipwayPage(page);
    await app.features();
    const tasks = page.getByRole('complementary', { name: 'Tasks' });
    const row = (name: string) => page.getByRole('row', { name, exact: true });
    const choose = async (name: string, action: string) => {
      await row(name).click({ button: 'right' });
      await page.getByRole('menuitem', { name: action }).click();
    };

    // Two at once, and on another page meanwhile.
    registry.limit(6_000_000);
    await window.startPull(`${registry.host}/debian:12`);
    await window.dialog.getByRole('button', { name: 'Hide' }).click();
    await loadBusybox(app);
    await window.goTo('Containers');
    await page.getByRole('button', { name: /^1 task/ }).click();
    await expect(tasks.getByRole('progressbar')).toBeVisible();
    await expect(tasks).toContainText('MB/s');
    await shot(app, 'a pull among the tasks');
    registry.limit(undefined);
    await expect(tasks.getByText('Finished')).toBeVisible({ timeout: 60_000 });
    await page.keyboard.press('Escape');

    await window.goTo('Images');
    const here = `${registry.host}/debian:12`;
    await choose(here, 'Tag…');
    const there = `${own.host}/team/debian:mine`;
    await window.dialog.getByLabel('Name').fill(there);
    await window.dialog.getByRole('button', { name: 'Tag' }).click();
    await expect(row(there)).toBeVisible();

    await choose(there, 'Push…');
    await window.dialog.getByRole('button', { name: 'Push' }).click();
    await expect(tasks.getByText(`Pushed ${there}`)).toBeVisible({ timeout: 60_000 });
    await shot(app, 'pushed');
    const held = await fetch(`http://${own.host}/v2/team/debian/tags/list`);
    expect(await held.json()).toEqual({ name: 'team/debian', tags: ['mine'] });

    // Somebody else puts something newer in its place: said when asked, pulled with one click.
    await page.keyboard.press('Escape');
    const other = [
      'copy',
      '--quiet',
      '--dest-tls-verify=false',
      `docker-archive:${await busyboxArchive()}:busybox:test`,
    ];
    expect((await run('skopeo', [...other, `docker://${there}`])).code).toBe(0);
    await choose(there, 'Check for a newer one');
    await expect(page.getByText('There is a newer image')).toBeVisible();
    await shot(app, 'newer available');
    await row(there).getByRole('button', { name: 'newer available' }).click();
    await expect(tasks.getByText(`Pulled ${there}`)).toBeVisible({ timeout: 30_000 });
    await page.keyboard.press('Escape');
    await expect(row(there).getByRole('button', { name: 'newer available' })).toHaveCount(0);

    await choose(there, 'Save to a file…');
    await page.getByRole('button', { name: /task/i }).click();
    await expect(tasks.getByText('Saved debian_mine.tar')).toBeVisible({ timeout: 60_000 });
    await page.keyboard.press('Escape');

    await row(there).getByRole('checkbox').check();
    await row(here).getByRole('checkbox').check();
    await page.getByRole('button', { name: /^Remove 2/ }).click();
    await expect(window.dialog).toContainText('2 images');
    await window.dialog.getByRole('button', { name: 'Remove 2' }).click();
    await expect(window.dialog).toBeHidden();
    expect(await names(app)).toEqual(['busybox:latest', 'busybox:test']);

    // An archive of images, over any place of the window; and a tar of files, which can become an image all the same.
    const rail = page.getByRole('navigation', { name: 'Pages' });
    await drop(app, rail, [path.join(desk, 'debian_mine.tar')], 'Drop to load', () =>
      shot(app, 'held over the window'),
    );
    await expect(tasks.getByText('Loaded debian_mine.tar')).toBeVisible({ timeout: 60_000 });
    await page.keyboard.press('Escape');
    await expect(row(there)).toBeVisible();
    expect(await names(app)).toEqual(['busybox:latest', 'busybox:test', there].sort());

    await writeFile(path.join(desk, 'broken.tar'), 'this is no archive at all');
    await drop(app, rail, [path.join(desk, 'broken.tar')], 'Drop to load');
    await expect(tasks.getByText('Failed')).toBeVisible();
    await expect(tasks.getByRole('button', { name: 'Try again' })).toBeVisible();
    await shot(app, 'what went wrong stays');
    await tasks.getByRole('button', { name: 'Dismiss', exact: true }).click();
    await expect(tasks.getByText('Failed')).toHaveCount(0);

    // A tar of files is no archive of images, and can become one all the same.
    await mkdir(path.join(desk, 'rootfs'));
    await writeFile(path.join(desk, 'rootfs/hello'), 'hello');
    expect((await run('tar', ['-C', path.join(desk, 'rootfs'), '-cf', path.join(desk, 'rootfs.tar'), '.'])).code).toBe(
      0,
    );
    await drop(app, rail, [path.join(desk, 'rootfs.tar')], 'Drop to load');
    await tasks.getByRole('button', { name: 'Make an image of it…' }).click();
    await expect(window.dialog.getByLabel('Name')).toHaveValue('rootfs');
    await window.dialog.getByRole('button', { name: 'Import' }).click();
    await expect(tasks.getByText('Imported rootfs.tar')).toBeVisible();
    expect(await names(app)).toContain('rootfs:latest');
    expect(await window.serious()).toEqual([]);
  } finally {
    await rm(desk, { recursive: true, force: true });
  }
});

test('a registry with passwords: logged in to, looked into, mirrored, trusted, logged out of; and our images are served', async ({
  openApp,
  shot,
}) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-htpasswd-'));
  try {
    await writeFile(path.join(folder, 'htpasswd'), ADA);
    await using guarded = await openEmptyRegistry({
      settings: { auth: { htpasswd: { realm: 'guarded', path: path.join(folder, 'htpasswd') } } },
    });
    const app = await openApp();
    const { page } = app;
    await page.setViewportSize({ width: 1280, height: 800 });
    await app.features();
    await loadBusybox(app);
    const window = new SlipwayPage(page);
    const tasks = page.getByRole('complementary', { name: 'Tasks' });
    const image = `${guarded.host}/shop/api:1`;
    await docker(app, ['tag', 'busybox:test', image]);

    // Pushed without a log-in: the way on is right there.
    await window.goTo('Images');
    await page.getByRole('row', { name: image, exact: true }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Push…' }).click();
    await expect(window.dialog).toContainText(`Nobody is logged in to ${guarded.host}`);
    await window.dialog.getByRole('button', { name: 'Push' }).click();
    await expect(tasks.getByText('Failed')).toBeVisible({ timeout: 30_000 });
    await shot(app, 'it takes a log-in');
    await tasks.getByRole('button', { name: 'Log in…' }).click();
    await window.dialog.getByLabel('User name').fill('ada');
    await window.dialog.getByLabel('Password or access token').fill('wrong');
    await window.dialog.getByRole('button', { name: 'Log in' }).click();
    await expect(window.dialog.getByRole('alert')).toBeVisible();
    await shot(app, 'a wrong password');
    await window.dialog.getByLabel('Password or access token').fill(PASSWORD);
    await window.dialog.getByRole('button', { name: 'Log in' }).click();
    await expect(window.dialog).toBeHidden();
    await expect(tasks.getByText(`Pushed ${image}`)).toBeVisible({ timeout: 30_000 });
    await page.keyboard.press('Escape');

    await window.goTo('Registries');
    const row = page.getByRole('row', { name: guarded.host, exact: true });
    await expect(row).toContainText('as ada · kept by Slipway');
    // Nothing can be done with several of them: there is nothing to select, and a click opens whatever is held with it.
    await expect(page.getByRole('grid', { name: 'Registries' }).getByRole('checkbox')).toHaveCount(0);
    await row.click({ modifiers: ['Control'] });
    const drawer = page.getByRole('complementary', { name: new RegExp(guarded.host) });
    await page.getByRole('tab', { name: 'Catalogue' }).click();
    await drawer.getByRole('button', { name: 'shop/api' }).click();
    await expect(drawer.getByRole('button', { name: `Pull ${image}…` })).toBeVisible();
    await shot(app, 'what it has');

    await page.getByRole('tab', { name: 'Mirrors' }).click();
    for (const mirror of ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3']) {
      await drawer.getByLabel('Another mirror').fill(mirror);
      await page.keyboard.press('Enter');
      await expect(drawer.getByRole('listitem').filter({ hasText: mirror })).toBeVisible();
    }
    await drawer.getByRole('button', { name: 'Ask http://127.0.0.1:2 earlier' }).click();
    await expect(drawer.getByRole('listitem').first()).toContainText('127.0.0.1:2');
    // The focus stays where it was, or with what takes the place of a line that goes.
    await expect(drawer.getByRole('button', { name: 'Ask http://127.0.0.1:2 earlier' })).toBeFocused();
    await drawer.getByRole('button', { name: 'Remove http://127.0.0.1:3' }).press('Enter');
    await expect(drawer.getByRole('button', { name: 'Remove http://127.0.0.1:1' })).toBeFocused();
    await shot(app, 'mirrors');

    await page.getByRole('tab', { name: 'Trust' }).click();
    await drawer.getByRole('button', { name: 'Trust…' }).click();
    await pick(app, '[data-pem="ca"]', [path.join(folder, 'htpasswd')]);
    await expect(window.dialog.getByRole('alert')).toContainText('htpasswd is no certificate');
    await expect(window.dialog).toContainText('Whoever sits between');
    const ca = path.join(folder, 'ca.pem');
    const wanted = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=ours',
      '-keyout',
      '/dev/null',
      '-out',
      ca,
    ];
    expect((await run('openssl', wanted)).code).toBe(0);
    await pick(app, '[data-pem="ca"]', [ca]);
    await expect(window.dialog).toContainText('ca.pem');
    await shot(app, 'trust');
    await window.dialog.getByRole('button', { name: 'Save' }).click();
    await expect(drawer).toContainText(/\(CA\)\s*there/);

    await page.getByRole('tab', { name: 'Log-in' }).click();
    await drawer.getByRole('button', { name: 'Log out' }).click();
    await expect(drawer.getByRole('button', { name: 'Log in…' }).last()).toBeFocused();
    await expect(row).toContainText('not logged in');
    await page.keyboard.press('Escape');

    await page.getByRole('button', { name: 'Serve my images…' }).click();
    await window.dialog.getByLabel('Address').fill('0.0.0.0:0');
    await expect(window.dialog).toContainText('can be reached from outside');
    await window.dialog.getByLabel('Address').fill('127.0.0.1:0');
    await window.dialog.getByRole('checkbox', { name: 'Ask for a token' }).check();
    await shot(app, 'to be served');
    await page.keyboard.press('Enter');
    await expect(window.dialog).toContainText('It is shown this once');
    await expect(window.dialog.getByRole('button', { name: 'Done' })).toBeFocused();
    await shot(app, 'served');
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec((await window.dialog.textContent()) ?? '')?.[0] ?? '';
    expect((await fetch(`${url}/v2/`)).status).toBe(401);
    const token = (await window.dialog.locator('code').first().textContent()) ?? '';
    const signed = { headers: { Authorization: `Bearer ${token}` } };
    expect((await fetch(`${url}/v2/_catalog`, signed)).status).toBe(200);
    await page.keyboard.press('Enter');
    const strip = page.getByRole('region', { name: 'Serve my images' });
    await expect(strip).toContainText(url);
    await expect(page.getByText(token)).toHaveCount(0);
    for (const [theme, language, stop, forget] of [
      ['dark', 'zh-CN', '停止提供', '忘记…'],
      ['light', 'en', 'Stop serving', 'Forget…'],
    ] as const) {
      await window.dress({ theme, language });
      await expect(page.getByRole('button', { name: stop })).toBeVisible();
      expect(await window.serious()).toEqual([]);
      await shot(app, `${theme} ${language}`);
      await row.click({ button: 'right' });
      await page.getByRole('menuitem', { name: forget }).click();
      await expect(window.dialog.getByRole('listitem')).toHaveCount(3);
      expect(await window.serious()).toEqual([]);
      await shot(app, `to be forgotten ${language}`);
      await page.keyboard.press('Escape');
      await expect(window.dialog).toBeHidden();
    }
    await page.getByRole('button', { name: 'Stop serving' }).click();
    await expect(page.getByRole('button', { name: 'Serve my images…' })).toBeVisible();
    await expect(fetch(`${url}/v2/`)).rejects.toThrow();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('where a registry is out of reach, what is here is offered', async ({ openApp, shot }) => {
  const app = await openApp();
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const wanted = '127.0.0.1:1/shop/api:2';
  await docker(app, ['tag', 'busybox:test', 'localhost:5000/api:1']);
  await docker(app, ['tag', 'busybox:test', wanted]);
  const window = new SlipwayPage(page);
  await window.startPull(wanted);
  await expect(window.dialog.getByRole('alert')).toContainText('refuses the connection');
  await expect(window.dialog.getByRole('button', { name: 'Mirrors…' })).toBeVisible();
  await expect(window.dialog.getByRole('button', { name: 'Run localhost:5000/api:1' })).toBeVisible();
  await shot(app, 'what is here instead');
  await window.dialog.getByRole('button', { name: /^Run (?:the one from|127)/ }).click();
  await expect(window.dialog.getByRole('combobox', { name: 'Image' })).toHaveValue(wanted);
  await page.keyboard.press('Escape');
  // The failed pull has kept its place.
  await page.getByRole('button', { name: 'Tasks', exact: true }).click();
  const tasks = page.getByRole('complementary', { name: 'Tasks' });
  await tasks.getByRole('button', { name: 'Mirrors…' }).click();
  await expect(page.getByRole('tab', { name: 'Mirrors', selected: true })).toBeVisible();
});

test('a registry is searched, an image named, saved and removed, and a registry looked into, by keyboard alone', async ({
  openApp,
  registry,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  await request(app.socket, 'POST', '/images/busybox:test/tag?repo=shop%2Fapi&tag=1');
  const window = new SlipwayPage(page);
  await window.goTo('Containers');
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };

  // What the registry has is asked for and chosen with the arrows.
  await press('Control+2', 'Control+k');
  await page.keyboard.type('pull an image');
  await press('Enter');
  const field = window.dialog.getByRole('combobox', { name: 'Image' });
  await expect(field).toBeFocused();
  await page.keyboard.type(`${registry.host}/deb`);
  const options = window.dialog.getByRole('option');
  await expect(options.filter({ hasText: `Show what ${registry.host} has` })).toBeVisible();
  await press('ArrowDown', 'Enter');
  await expect(options.filter({ hasText: `${registry.host}/debian` }).first()).toBeVisible();
  await press('ArrowDown', 'Enter');
  await expect(field).toHaveValue(`${registry.host}/debian`);
  await page.keyboard.type(':');
  await expect(options.filter({ hasText: 'Show the tags of' })).toBeVisible();
  await press('ArrowUp', 'Enter');
  await expect(options.filter({ hasText: `${registry.host}/debian:12` })).toBeVisible();
  await shot(app, 'tags');
  await press('ArrowDown', 'Enter');
  await expect(field).toHaveValue(`${registry.host}/debian:12`);
  await press('Escape');
  await expect(window.dialog).toBeHidden();

  const row = page.getByRole('row', { name: 'shop/api:1', exact: true });
  await press('/');
  await page.keyboard.type('shop');
  await expect(page.getByRole('row', { name: /busybox/ })).toHaveCount(0);
  await press('ArrowDown', 'ArrowDown');
  await expect(row).toBeFocused();
  await press('t');
  await expect(window.dialog.getByLabel('Name')).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('shop/api:2');
  await press('Enter');
  await expect(window.dialog).toBeHidden();
  await expect(row).toBeFocused();
  await press('ArrowDown', 'Delete');
  await expect(window.dialog).toContainText('Only this name goes');
  await expect(window.dialog.getByRole('button', { name: /^Cancel/ })).toBeFocused();
  await press('Tab', 'Enter');
  await expect(window.dialog).toBeHidden();
  expect(await names(app)).toEqual(['busybox:latest', 'busybox:test', 'shop/api:1']);

  const mirrors = ['https://one.example', 'https://two.example'];
  await request(app.socket, 'PUT', '/slipway/registries/registry.example', { mirrors });
  await press('Control+4');
  await expect(page.getByRole('heading', { name: 'Registries', level: 1 })).toBeVisible();
  await expect(page.getByRole('row', { name: 'docker.io' })).toBeVisible();
  await press('/', 'ArrowDown');
  await expect(page.getByRole('row', { name: 'docker.io' })).toBeFocused();
  await press('Enter');
  await expect(page.getByRole('tab', { name: 'Log-in', selected: true })).toBeVisible();
  await press('Escape');
  await expect(page.getByRole('row', { name: 'docker.io' })).toBeFocused();

  // Forgetting what is set for one asks first, and names all of it; of what nothing is set for, nothing can be.
  await press('Delete');
  await expect(window.dialog).toBeHidden();
  const example = page.getByRole('row', { name: 'registry.example' });
  await press('ArrowDown');
  await expect(example).toBeFocused();
  await press('Delete');
  await expect(window.dialog.getByRole('list', { name: 'What is forgotten' })).toContainText(mirrors.join('A mirror'));
  await expect(window.dialog.getByRole('button', { name: /^Cancel/ })).toBeFocused();
  await press('Enter');
  await expect(window.dialog).toBeHidden();
  await expect(example).toBeFocused();
  await press('Delete');
  await expect(window.dialog).toContainText('Forget what is set for registry.example?');
  await press('Tab', 'Enter');
  await expect(window.dialog).toBeHidden();
  await expect(example).toHaveCount(0);
  await expect(page.getByRole('row', { name: 'docker.io' })).toBeFocused();
});
