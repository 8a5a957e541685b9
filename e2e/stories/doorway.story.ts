/** What the window can reach: its own files and the bridge. */
import { expect, test } from '../fixtures/story.js';

test('the window has no Node, no other pages and no other network', async ({ openApp, registry }) => {
  const { page } = await openApp();
  const address = page.url();

  expect(await page.evaluate(() => [typeof require, typeof process, typeof module].join())).toBe(
    'undefined,undefined,undefined',
  );
  const fetched = (url: string) => page.evaluate((to) => fetch(to).then(String, (error) => error.message), url);
  expect(await fetched(`http://${registry.host}/v2/`)).toBe('Failed to fetch');
  expect(await fetched('file:///etc/passwd')).toBe('Failed to fetch');
  expect(await fetched('app://slipway/../../etc/passwd')).not.toContain('root:');
  expect(await page.evaluate(() => fetch('/%2e%2e/%2e%2e/package.json').then(({ status }) => status))).toBe(404);

  expect(await page.evaluate(() => window.open('https://example.org'))).toBeNull();
  await page.evaluate((host) => void (location.href = `http://${host}/v2/`), registry.host);
  await page.evaluate(() => void (location.href = 'file:///etc/passwd'));
  await page.waitForTimeout(300);
  expect(page.url()).toBe(address);

  expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
  const geolocation = page.evaluate(
    () => new Promise((resolve) => navigator.geolocation.getCurrentPosition(resolve, ({ code }) => resolve(code))),
  );
  expect(await geolocation).toBe(1);
  // Where a file that was dropped lies is for the preload alone to know.
  expect(
    await page.evaluate(() => 'pathForFile' in (window as unknown as { slipway: { shell: object } }).slipway.shell),
  ).toBe(false);
});

test('the bridge refuses what is not an engine request, and opens only https addresses', async ({ openApp }) => {
  const app = await openApp();
  await app.features();
  const answers = await app.page.evaluate(async () => {
    const { slipway } = window as unknown as { slipway: import('../../main/contract/bridge.js').Bridge };
    const ask = (id: number, request: object) =>
      new Promise<string>((resolve) => {
        slipway.on((message) => {
          if (message.id === id && message.type !== 'data')
            resolve(message.type === 'error' ? message.kind : message.type);
        });
        slipway.open(id, request as never);
      });
    return Promise.all([
      ask(900_001, { method: 'GET', path: 'http://127.0.0.1/' }),
      ask(900_002, { method: 'GET', path: '/version', socketPath: '/etc/passwd' }),
      ask(900_003, { method: 'GET', path: '/x HTTP/1.1\r\nHost: y' }),
      ...['file:///etc/passwd', 'http://example.org/', 'javascript:alert(1)', 'x'].map((url) =>
        slipway.shell.openExternal(url).then(
          () => 'opened',
          () => 'refused',
        ),
      ),
    ]);
  });
  expect(answers).toEqual(['invalid', 'invalid', 'invalid', 'refused', 'refused', 'refused', 'refused']);
});
