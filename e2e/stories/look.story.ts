/** Light, dark and high contrast; English and Chinese; and fonts that can draw it. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Locator } from '@playwright/test';
import { openDisplay } from '../fixtures/display.js';
import { expect, test } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

test('themes change at once and are remembered by the next start', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await window.goTo('Settings');
  const theme = () => app.page.evaluate(() => document.documentElement.dataset['theme']);
  for (const [word, name] of Object.entries({ Light: 'light', Dark: 'dark', 'High contrast': 'contrast' })) {
    await app.page.getByRole('radiogroup', { name: 'Theme' }).getByRole('radio', { name: word, exact: true }).click();
    await expect.poll(theme).toBe(name);
    await shot(app, name);
  }
  await app.page.getByRole('radiogroup', { name: 'Theme' }).getByRole('radio', { name: 'Light', exact: true }).click();
  await app.quit();
  await app.start();
  expect(await app.page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light');
});

test('where the system’s colours take the place of ours, what is chosen and where the keyboard is can still be seen', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const { page } = app;
  const window = new SlipwayPage(page);
  await window.dress({ theme: 'dark' });
  await page.emulateMedia({ forcedColors: 'active' });
  await window.goTo('Settings');
  const lines = (which: Locator) =>
    which.evaluate((element) => {
      const { outlineStyle, outlineWidth, borderTopStyle, borderTopWidth } = getComputedStyle(element);
      return [outlineStyle, outlineWidth, borderTopStyle, borderTopWidth].join(' ');
    });
  const differ = async (one: Locator, other: Locator) => expect(await lines(one)).not.toBe(await lines(other));
  const theme = page.getByRole('radiogroup', { name: 'Theme' });
  await differ(theme.getByRole('radio', { name: 'Dark' }), theme.getByRole('radio', { name: 'Light' }));
  const rail = page.getByRole('navigation', { name: 'Pages' });
  await differ(rail.getByRole('link', { name: 'Settings' }), rail.getByRole('link', { name: 'Disk' }));
  await shot(app, 'forced colours');
  await page.keyboard.press('Control+k');
  await differ(page.getByRole('option', { selected: true }), page.getByRole('option', { selected: false }).first());
  await shot(app, 'forced colours, palette');
});

test('Chinese is a choice in settings', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  await window.goTo('Settings');
  await app.page.getByRole('radiogroup', { name: 'Language' }).getByRole('radio', { name: '简体中文' }).click();
  await expect(app.page.getByRole('heading', { name: '设置', level: 1 })).toBeVisible();
  expect(await app.page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
  await shot(app, 'Chinese');
});

test('a Chinese desktop gets a Chinese window, and is told which fonts to install where none can draw it', async ({
  prepareApp,
  shot,
}) => {
  const app = await prepareApp();
  // A font configuration without a single font that has Han glyphs.
  const fonts = path.join(app.folder, 'fonts.conf');
  await writeFile(fonts, '<fontconfig><dir>/usr/share/fonts/truetype/dejavu</dir></fontconfig>');
  await app.start({ env: { LANGUAGE: 'zh_CN', LANG: 'zh_CN.UTF-8', FONTCONFIG_FILE: fonts } });
  await expect.poll(() => app.page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
  await app.page.getByRole('button', { name: '前往容器' }).click();
  await expect(app.page.getByText('fonts-noto-cjk')).toBeVisible();
  // The words are drawn all the same, with the window's own font.
  const ownFont = () =>
    Array.from(document.fonts as unknown as Iterable<FontFace>).some(
      ({ family, status }) => family.includes('Noto Sans SC') && status === 'loaded',
    );
  await expect.poll(() => app.page.evaluate(ownFont)).toBe(true);
  await shot(app, 'no Han fonts');
});

test('on a screen that is smaller than the window would be, the whole window is on it', async ({ openApp, shot }) => {
  await using display = await openDisplay('1024x700');
  const app = await openApp({ display: display.name });
  const edges = () => app.page.evaluate(() => [screenX + outerWidth, screenY + outerHeight]);
  await expect.poll(async () => (await edges())[0]).toBeLessThanOrEqual(1024);
  await expect.poll(async () => (await edges())[1]).toBeLessThanOrEqual(700);
  await new SlipwayPage(app.page).goTo('Containers');
  await shot(app, 'a small screen');
  await app.quit();
});
