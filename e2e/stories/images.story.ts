/** The Images page: groups, use, sizes, filters, columns, many at once, the drawer; by mouse and by keyboard. */
import type { Page } from '@playwright/test';
import { api, docker, loadBusybox } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

/** Under these names, and made of these: a shop whose api says all that an image can say, with containers that run and that do not. */
async function furnish(app: TestApp): Promise<void> {
  await app.features();
  await loadBusybox(app);
  const make = async (name: string, image: string, command = 'sleep 1000') => {
    const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
      Image: image,
      Cmd: ['sh', '-c', command],
      HostConfig: { NetworkMode: 'none' },
    });
    return Id;
  };
  const builder = await make('builder', 'busybox:test', 'mkdir -p /srv /data; head -c 3000000 /dev/urandom > /srv/app');
  await api(app.socket, 'POST', `/containers/${builder}/start`);
  await api(app.socket, 'POST', `/containers/${builder}/wait`);
  const changes = [
    'ENTRYPOINT ["/bin/serve"]',
    'CMD ["--port", "8080"]',
    'USER app',
    'WORKDIR /srv',
    'ENV TIER=back API_TOKEN=hunter2',
    'EXPOSE 8080/tcp',
    'VOLUME /data',
    'LABEL tier=back',
    'STOPSIGNAL SIGQUIT',
    'HEALTHCHECK --interval=30s --timeout=3s CMD wget -q localhost:8080',
  ];
  const query = changes.map((change) => `&changes=${encodeURIComponent(change)}`).join('');
  await api(app.socket, 'POST', `/commit?container=${builder}&repo=shop%2Fapi&tag=2.4.0${query}`);
  await api(app.socket, 'DELETE', `/containers/${builder}`);
  for (const name of ['shop/api:2.3.1', 'shop/web:1.0', 'redis:7', 'redis:7.4', 'postgres:17'])
    await docker(app, ['tag', 'busybox:test', name]);
  await docker(app, ['rmi', 'busybox:test']);
  const web = await make('web', 'shop/web:1.0');
  await api(app.socket, 'POST', `/containers/${web}/start`);
  const api2 = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=api', {
    Image: 'shop/api:2.4.0',
    Entrypoint: ['sh', '-c', 'exit 0'],
    User: 'root',
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${api2.Id}/start`);
  await api(app.socket, 'POST', `/containers/${api2.Id}/wait`);
}

const group = (page: Page, name: string) => page.getByRole('row', { name: new RegExp(`^${name}, `) });
const row = (page: Page, name: string) => page.getByRole('row', { name, exact: true });

test('images stand below their repositories, with who uses them, their sizes and what they do; filters, columns and groupings are the person’s', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  await page.setViewportSize({ width: 1280, height: 800 });
  await furnish(app);
  const window = new SlipwayPage(page);
  await window.goTo('Images');
  const table = page.getByRole('treegrid', { name: 'Images' });
  await expect(table).toBeVisible();
  await expect(group(page, 'shop/api')).toContainText('2 tags');
  await expect(row(page, 'shop/api:2.4.0')).toContainText('Stopped · api');
  await expect(row(page, 'shop/web:1.0')).toContainText('Running · web');
  // Of what it has beyond its base there is nobody else.
  await expect(row(page, 'shop/api:2.4.0')).toContainText(/4\.98 MB.*1\.98 MB.*3 MB/);
  await shot(app, 'grouped');

  await group(page, 'redis').getByRole('button', { name: 'Fold redis' }).click();
  await expect(row(page, 'redis:7')).toHaveCount(0);
  await group(page, 'redis').getByRole('button', { name: 'Fold redis' }).click();

  const filter = page.getByRole('textbox', { name: /^Filter images/ });
  await filter.fill('label:tier=back');
  await expect(row(page, 'shop/web:1.0')).toHaveCount(0);
  await expect(row(page, 'shop/api:2.4.0')).toBeVisible();
  await filter.fill('repo:redis');
  await expect(row(page, 'redis:7.4')).toBeVisible();
  await expect(page.getByText('2 of 7 images')).toBeVisible();
  await filter.fill('');
  await page.getByRole('button', { name: 'In use', pressed: false }).click();
  await filter.fill('api');
  await expect(row(page, 'shop/api:2.4.0')).toBeVisible();
  await page.getByRole('button', { name: 'In use', pressed: true }).click();
  await filter.fill('');

  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Shared' }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('columnheader', { name: 'Shared' })).toHaveCount(0);
  await page.getByRole('button', { name: /^Group by/ }).click();
  await page.getByRole('menuitemcheckbox', { name: 'No groups' }).click();
  await expect(page.getByRole('grid', { name: 'Images' })).toBeVisible();
  await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').click();
  await shot(app, 'no groups');

  await row(page, 'shop/api:2.4.0').click();
  const drawer = page.getByRole('complementary', { name: /shop\/api:2\.4\.0/ });
  await expect(drawer).toContainText('Runs /bin/serve --port 8080 as user app in /srv');
  await shot(app, 'summary');
  await page.getByRole('tab', { name: 'Config' }).click();
  await expect(drawer).toContainText('Listens on 8080/tcp');
  await expect(drawer).toContainText('Is healthy while wget -q localhost:8080 succeeds');
  await expect(drawer).not.toContainText('hunter2');
  await drawer.getByRole('button', { name: 'Show value' }).click();
  await expect(drawer).toContainText('hunter2');
  await shot(app, 'config');
  await page.getByRole('tab', { name: 'Used by' }).click();
  await expect(drawer.getByRole('button', { name: 'api', exact: true })).toBeVisible();
  await page.getByRole('tab', { name: 'History' }).click();
  await expect(drawer.getByRole('listitem').first()).toBeVisible();
  await shot(app, 'history');

  // What it says itself stands in the form.
  await drawer.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(window.dialog.getByRole('textbox', { name: 'Command' })).toHaveAttribute('placeholder', '--port 8080');
  await expect(window.dialog.getByRole('button', { name: 'TIER=back' })).toBeVisible();
  await expect(window.dialog.getByRole('button', { name: '/data' })).toBeVisible();
  await shot(app, 'run from it');
  await page.keyboard.press('Escape');
  await expect(window.dialog).toBeHidden();

  // Who uses it stands in the way, and is named; where one insists, force helps.
  await row(page, 'shop/api:2.4.0').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  await window.dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(window.dialog).toContainText('A container was made of it under this name.');
  await expect(window.dialog.getByRole('listitem')).toContainText('used by');
  await expect(window.dialog.getByRole('button', { name: 'Remove by force' })).toBeVisible();
  await shot(app, 'in use');
  await page.keyboard.press('Escape');
  await expect(window.dialog).toBeHidden();

  for (const [theme, language] of [
    ['light', 'en'],
    ['dark', 'zh-CN'],
  ] as const) {
    await window.dress({ theme, language });
    await expect(row(page, 'shop/api:2.4.0')).toBeVisible();
    expect(await window.serious()).toEqual([]);
    await shot(app, `${theme} ${language}`);
  }
  await page.setViewportSize({ width: 1024, height: 700 });
  await page.keyboard.press('Escape');
  await expect(page.getByRole('grid')).toBeVisible();
  await shot(app, 'a small window');
  await row(page, 'shop/api:2.4.0').click({ button: 'right' });
  await page.getByRole('menuitem', { name: '移除…' }).click();
  await window.dialog.getByRole('button', { name: '移除', exact: true }).click();
  await window.dialog.getByRole('button', { name: '强制移除' }).click();
  await expect(window.dialog).toBeHidden();
  await expect(row(page, 'shop/api:2.4.0')).toHaveCount(0);
});
