/** A real terminal: everything arrives, nothing freezes, and it is still there when one comes back. */
import { createHash } from 'node:crypto';
import { api, request } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

async function runShell(app: TestApp, window: SlipwayPage): Promise<void> {
  await app.features();
  await request(app.socket, 'POST', '/slipway/starter');
  await window.goTo('Containers');
  await app.page.getByRole('button', { name: 'Run', exact: true }).click();
  await window.run({ image: 'slipway/starter:latest', name: 'shell', command: 'sh' });
  await expect(window.terminal).toContainText('#');
}

test('ten megabytes of output leave the window alive and end with the last line', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await runShell(app, window);
  await app.page.evaluate(() => {
    const frames = ((globalThis as unknown as { frames: number[] }).frames = [] as number[]);
    let last = performance.now();
    const tick = (now: number) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const began = Date.now();
  await window.type('seq 1 1400000; echo do""ne');
  await expect(window.terminal).toContainText('done', { timeout: 60_000 });
  const took = Date.now() - began;
  await expect(window.terminal).toContainText('1400000');
  const longest = await app.page.evaluate(() => Math.max(...(globalThis as unknown as { frames: number[] }).frames));
  test.info().annotations.push({ type: '10 MB', description: `${took} ms, longest frame ${Math.round(longest)} ms` });
  expect(longest).toBeLessThan(1000);
  await window.type('echo still $((40+2)) here');
  await expect(window.terminal).toContainText('still 42 here');
  await shot(app, 'after ten megabytes');
});

test('every byte of an exec’s output reaches the window, in order, however slowly it is taken', async ({ openApp }) => {
  const app = await openApp();
  await app.features();
  await request(app.socket, 'POST', '/slipway/starter');
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create', {
    Image: 'slipway/starter:latest',
    Cmd: ['sleep', '600'],
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  const exec = await api<{ Id: string }>(app.socket, 'POST', `/containers/${Id}/exec`, {
    AttachStdout: true,
    Tty: true,
    Cmd: ['seq', '1', '2000000'],
  });
  const expected = Array.from({ length: 2_000_000 }, (_, index) => `${index + 1}\r\n`).join('');

  const got = await app.page.evaluate(async (id) => {
    const { slipway } = window as unknown as { slipway: import('../../main/contract/bridge.js').Bridge };
    const chunks: Uint8Array[] = [];
    let largest = 0;
    let waiting = 0;
    const end = await new Promise<string>((resolve) => {
      slipway.on((message) => {
        if (message.id !== 800_001) return;
        if (message.type === 'data') {
          const { bytes } = message;
          chunks.push(bytes);
          largest = Math.max(largest, (waiting += bytes.length));
          // A slow screen: it takes each frame only after a while.
          setTimeout(() => {
            waiting -= bytes.length;
            slipway.credit(800_001, bytes.length);
          }, 5);
        } else if (message.type !== 'head') resolve(message.type);
      });
      slipway.open(800_001, {
        method: 'POST',
        path: `/exec/${id}/start`,
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ Detach: false, Tty: true }),
        upgrade: true,
      });
    });
    const digest = await crypto.subtle.digest('SHA-256', await new Blob(chunks as BlobPart[]).arrayBuffer());
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { end, hex, largest };
  }, exec.Id);

  expect(got.end).toBe('end');
  expect(got.hex).toBe(createHash('sha256').update(expected).digest('hex'));
  expect(got.largest).toBeLessThanOrEqual(512 * 1024);
});

test('a terminal survives page changes, follows the window’s size, and passes Ctrl-C and unicode', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await runShell(app, window);
  await window.type('printf "\\033[31mred\\033[0m 世界 ünï\\n"');
  await expect(window.terminal).toContainText('red 世界 ünï');

  await window.type('stty size');
  const size = app.page.getByText(/^\d+ × \d+$/);
  const [, cols, rows] = /(\d+) × (\d+)/.exec((await size.textContent()) ?? '') ?? [];
  await expect(window.terminal).toContainText(`${rows} ${cols}`);

  await window.type('sleep 1000');
  await app.page.keyboard.press('Control+c');
  await window.type('echo after $?');
  await expect(window.terminal).toContainText('after 130');

  await window.goTo('Images');
  await window.openContainer('shell', 'Terminal');
  await expect(window.terminal).toContainText('after 130');
  await app.page.getByRole('button', { name: 'New shell' }).click();
  await expect(window.terminal).toContainText('#');
  await window.type('echo second $((1+1))');
  await expect(window.terminal).toContainText('second 2');
  await shot(app, 'two terminals');
});

test('a terminal draws colours, copies what is marked, pastes, and is resized with the window', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await runShell(app, window);
  await window.type('printf "\\033[31mscarlet\\033[0m\\n"');
  const scarlet = window.terminal.locator('.xterm-rows span').filter({ hasText: /^scarlet$/ });
  const plain = window.terminal.locator('.xterm-rows > div').filter({ hasText: 'printf' }).first();
  const color = (of: typeof plain) => of.evaluate((element) => getComputedStyle(element).color);
  expect(await color(scarlet)).not.toBe(await color(plain));

  // The screen lies over its letters, and takes the mouse for them.
  const word = await scarlet.boundingBox();
  await app.page.mouse.dblclick((word?.x ?? 0) + (word?.width ?? 0) / 2, (word?.y ?? 0) + (word?.height ?? 0) / 2);
  await app.page.keyboard.press('Control+Shift+C');
  await app.page.keyboard.type('echo pasted-');
  await app.page.keyboard.press('Control+Shift+V');
  await app.page.keyboard.press('Enter');
  await expect(window.terminal).toContainText(/^.*pasted-scarlet.*pasted-scarlet/s);

  const size = app.page.getByText(/^\d+ × \d+$/);
  const before = await size.textContent();
  await app.page.getByRole('button', { name: 'Take the whole page' }).click();
  await expect(size).not.toHaveText(before ?? '');
  const [, cols, rows] = /(\d+) × (\d+)/.exec((await size.textContent()) ?? '') ?? [];
  await window.terminal.getByRole('textbox').focus();
  await window.type('stty size');
  await expect(window.terminal).toContainText(`${rows} ${cols}`);
  await shot(app, 'colours and a wide terminal');
});
