/** A container is changed as it is: what needs no restart at once, anything else with one, which is undone where it does not do well. All of it is in its history. */
import type { Locator, Page } from '@playwright/test';
import { en } from '../../renderer/i18n/en.js';
import { zhCN } from '../../renderer/i18n/zh-CN.js';
import { openDisplay } from '../fixtures/display.js';
import { api, docker, loadBusybox, request } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

interface Inspect {
  Id: string;
  Name: string;
  Image: string;
  State: { Pid: number; Running: boolean };
  Config: { Env: string[]; Labels: Record<string, string>; Cmd: string[] };
  HostConfig: { Memory: number; RestartPolicy: { Name: string } };
  NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
}

const inspect = (app: TestApp, name: string) => api<Inspect>(app.socket, 'GET', `/containers/${name}/json`);

/** A change by another hand than the window's. */
async function change(app: TestApp, body: object): Promise<void> {
  const { status, body: answer } = await request(app.socket, 'POST', '/slipway/containers/web/change?watch=1', body);
  expect(status, answer.toString()).toBe(200);
}

/** A server with a file of its own. */
async function serve(app: TestApp): Promise<Inspect> {
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=web', {
    Image: 'busybox:test',
    Cmd: ['sleep', '1000'],
    Env: ['MODE=development', 'DB_PASSWORD=hunter2'],
    Labels: { tier: 'web' },
    StopTimeout: 0,
  });
  await api(app.socket, 'POST', `/containers/${Id}/start`);
  await docker(app, ['exec', 'web', 'sh', '-c', 'echo mine > /root/mark']);
  return inspect(app, 'web');
}

/** The row of the table: the history has rows as well. */
const rowOf =
  (page: Page, table = en.containers.title) =>
  (name: string) =>
    page.getByRole('grid', { name: table }).getByRole('row').filter({ hasText: name });

/** What a sentence is with its names in it. */
const filled = (sentence: string, name = ''): string => sentence.replace('{{name}}', name);

const addressOf = ({ NetworkSettings }: Inspect) => NetworkSettings.Networks['bridge']?.IPAddress;

/** The file that it wrote. */
async function mark(app: TestApp): Promise<string> {
  const [container] = await api<{ Id: string }[]>(app.socket, 'GET', '/containers/json');
  return (await docker(app, ['exec', container?.Id ?? '', 'cat', '/root/mark'])).stdout;
}

test('the history lists changes and events, newest first, and goes back to any of them', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  await app.features();
  await loadBusybox(app);
  const before = await serve(app);
  await window.openContainer('web', 'History');
  await expect(page.getByText('Nothing was changed yet')).toBeVisible();
  await shot(app, 'nothing');
  await change(app, {
    Config: { Labels: { tier: 'shop', owner: 'me' } },
    HostConfig: { Memory: 256 * 1024 * 1024, RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } },
  });
  const entries = page.getByRole('grid', { name: 'History of web' }).getByRole('row');
  await expect(entries.first()).toContainText('Changed: Label, Restart policy, Memory, Memory with swap');
  await change(app, { Config: { Env: ['MODE=production', 'DB_PASSWORD=other'] } });
  await expect(entries.first()).toContainText('MODE development becomes production');
  await expect(page.getByText('hunter2')).toHaveCount(0);
  await change(app, { Config: { Cmd: ['sh', '-c', 'exit 3'] } });
  await expect(entries.first()).toContainText('Because it ended with exit code 3.');
  await shot(app, 'changes');
  expect(await window.serious(), 'history').toEqual([]);
  await page.getByRole('radio', { name: 'Everything' }).click();
  await expect(entries.filter({ hasText: /^Started/ }).first()).toBeVisible();
  await shot(app, 'everything');
  await page.getByRole('radio', { name: 'Changes' }).click();

  await entries.last().getByRole('button', { name: 'Revert to this' }).click();
  await expect(window.dialog).toContainText('Back to how web was?');
  await expect(window.dialog.getByRole('row').filter({ hasText: 'MODE' })).toContainText('needs a restart');
  await shot(app, 'revert');
  expect(await window.serious(), 'the difference').toEqual([]);
  await window.dialog.getByRole('button', { name: 'Apply and restart' }).click();
  await expect(window.dialog).toContainText('Watching how it does');
  await shot(app, 'watching');
  expect(await window.serious(), 'the stages').toEqual([]);
  await expect(window.dialog).toBeHidden({ timeout: 20_000 });
  await expect(page.getByRole('status').filter({ hasText: 'Changed web' })).toBeVisible();
  await shot(app, 'reverted');
  const after = await inspect(app, 'web');
  expect([after.Id, after.Config.Labels, after.HostConfig.Memory]).toEqual([before.Id, { tier: 'web' }, 0]);
});

test('by mouse: edited, broken and given back by itself, changed while it runs, reverted, removed and brought back', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = new SlipwayPage(app.page);
  const { page } = app;
  const { dialog } = window;
  const row = rowOf(page);
  const field = (name: string) => dialog.getByRole('textbox', { name, exact: true });
  const apply = (name: string) => dialog.getByRole('button', { name, exact: true }).click();
  const toast = page
    .locator('[data-removed="false"]')
    .getByRole('status')
    .filter({ hasText: /^Changed/ });
  await app.features();
  await loadBusybox(app);
  const before = await serve(app);

  await window.openContainer('web', 'Summary');
  await page.getByRole('button', { name: 'Edit: Environment' }).click();
  await expect(dialog).toContainText('Nothing is different yet.');
  await expect(dialog.getByRole('region', { name: 'Stays as it is' })).toContainText('bridge');
  await field('Value').first().fill('production');
  const environment = dialog.getByRole('group', { name: 'Environment' });
  await expect(environment.getByText('needs a restart')).toBeVisible();
  await shot(app, 'edit');
  expect(await window.serious(), 'the form').toEqual([]);
  await apply('Review');
  await expect(dialog.getByRole('row').filter({ hasText: 'MODE' })).toContainText('production');
  await expect(dialog).toContainText('The files it wrote, its name, its ID and its addresses stay.');
  await apply('Apply and restart');
  await expect(toast).toContainText('It was restarted once', { timeout: 20_000 });
  await expect(dialog).toBeHidden();
  const edited = await inspect(app, 'web');
  expect(edited.Config.Env).toContain('MODE=production');
  expect([edited.Id, addressOf(edited)]).toEqual([before.Id, addressOf(before)]);
  expect(edited.State.Pid).not.toBe(before.State.Pid);
  expect(await mark(app)).toBe('mine\n');

  await row('web').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Edit…' }).click();
  await field('Command').fill("sh -c 'exit 1'");
  await apply('Review');
  await apply('Apply and restart');
  await expect(dialog).toContainText('web has back what it had', { timeout: 20_000 });
  await expect(dialog.getByRole('alert')).toContainText('it ended with exit code 1.');
  await shot(app, 'rolled back');
  expect(await window.serious(), 'rolled back').toEqual([]);
  const back = await inspect(app, 'web');
  expect([back.State.Running, back.Config.Cmd, back.Config.Env]).toEqual([true, ['sleep', '1000'], edited.Config.Env]);

  await apply('Edit again');
  await expect(field('Command')).toHaveValue("sh -c 'exit 1'");
  await field('Command').fill('sleep 1000');
  await field('Name').fill('shop');
  await dialog.getByRole('button', { name: 'Limits' }).click();
  await field('Memory').fill('256m');
  await dialog.getByRole('button', { name: 'Restart and health' }).click();
  await dialog.getByRole('combobox', { name: 'Restart' }).selectOption('always');
  await dialog.getByRole('button', { name: 'Labels and log' }).click();
  await dialog.getByRole('button', { name: 'Add label' }).click();
  await field('Label').last().fill('owner');
  await dialog.getByRole('group', { name: 'Labels' }).getByRole('textbox', { name: 'Value' }).last().fill('me');
  await expect(dialog.getByText('now', { exact: true })).toHaveCount(4);
  await shot(app, 'live');
  await apply('Review');
  await expect(dialog).toContainText('docker update --memory 256m --memory-swap 512m --restart always web');
  await expect(dialog).toContainText('docker rename web shop');
  await shot(app, 'review');
  await apply('Apply');
  await expect(toast.filter({ hasText: 'Changed shop' })).toContainText('It went on running meanwhile.');
  const live = await inspect(app, 'shop');
  expect([live.Id, live.State.Pid]).toEqual([before.Id, back.State.Pid]);
  expect([live.HostConfig.Memory, live.HostConfig.RestartPolicy.Name, live.Config.Labels]).toEqual([
    256 * 1024 * 1024,
    'always',
    { tier: 'web', owner: 'me' },
  ]);

  await window.openTab('History');
  const entries = page.getByRole('grid', { name: /^History of/ }).getByRole('row');
  await expect(entries).toHaveCount(4);
  await expect(entries.nth(0)).toContainText('Changed: Name, Label, Restart policy, Memory, Memory with swap');
  await expect(entries.nth(1)).toContainText('Tried and given back: Command');
  await expect(entries.nth(2)).toContainText('Changed: Environment');
  await entries.nth(2).getByRole('button', { name: 'Revert to this' }).click();
  await apply('Apply');
  await expect(entries.nth(0)).toContainText('Reverted: Name');
  await expect(toast.filter({ hasText: 'Changed web' })).toBeVisible();
  expect((await inspect(app, 'web')).Config.Labels).toEqual({ tier: 'web' });
  await toast.filter({ hasText: 'Changed web' }).getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await inspect(app, before.Id)).Name).toBe('/shop');

  await row('shop').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('status').filter({ hasText: 'Removed shop' }).getByRole('button', { name: 'Undo' }).click();
  await expect(row('shop')).toContainText('Exited');
  await row('shop').click();
  await window.openTab('History');
  await page.getByRole('radio', { name: 'Everything' }).click();
  await expect(entries.filter({ hasText: /^Brought back/ })).toHaveCount(1);

  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await field('Command').fill('sleep 2000');
  await expect(dialog.getByText('at the next start')).toBeVisible();
  await apply('Review');
  await expect(dialog).toContainText('It does not run: this applies at its next start.');
  await apply('Apply');
  await expect(toast).toContainText('It applies at the next start.');
  await docker(app, ['start', 'shop']);
  expect((await inspect(app, 'shop')).Config.Cmd).toEqual(['sleep', '2000']);
  expect(await mark(app)).toBe('mine\n');
});

for (const { theme, language, words } of [
  { theme: 'light', language: 'en', words: en },
  { theme: 'dark', language: 'zh-CN', words: zhCN },
] as const)
  test(`by keyboard alone: edited, undone, broken and given back by itself, reverted, removed and brought back (${theme}, ${language})`, async ({
    openApp,
  }) => {
    const app = await openApp();
    const window = new SlipwayPage(app.page);
    const { page } = app;
    const { dialog } = window;
    const { keyboard } = page;
    const row = rowOf(page, words.containers.title);
    const tabTo = async (target: Locator) => {
      const focused = () => target.evaluate((element) => element === document.activeElement);
      for (let presses = 0; presses < 60 && !(await focused()); presses += 1) await keyboard.press('Tab');
      await expect(target).toBeFocused();
    };
    const type = async (name: string, text: string) => {
      await tabTo(dialog.getByRole('textbox', { name, exact: true }).first());
      await keyboard.press('Control+a');
      await keyboard.type(text);
    };
    /** From the form through the difference to the act. */
    const enter = async (act: string) => {
      await keyboard.press('Enter');
      const button = dialog.getByRole('button', { name: act, exact: true });
      await expect(button).toBeFocused();
      await expect(button).toBeEnabled(); // the engine may still be asked
      await keyboard.press('Enter');
    };
    await app.features();
    await loadBusybox(app);
    const before = await serve(app);
    await window.goTo('Containers');
    await window.dress({ theme, language });
    await expect(row('web')).toBeVisible();
    await keyboard.press('/');
    await keyboard.press('ArrowDown');
    await expect(row('web')).toBeFocused();

    await keyboard.press('e');
    await expect(dialog.getByRole('textbox', { name: words.form.name, exact: true })).toBeFocused();
    await keyboard.type('x');
    await keyboard.press('Escape');
    await expect(dialog).toContainText(filled(words.form.discard.edit, 'web'));
    await expect(dialog.getByRole('button', { name: words.form.discard.stay })).toBeFocused();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expect(dialog).toBeHidden();
    await expect(row('web')).toBeFocused();

    await keyboard.press('e');
    await expect(dialog.getByRole('textbox', { name: words.form.name, exact: true })).toBeFocused();
    await type(words.form.envValue, 'production');
    await enter(words.change.applyRestart);
    await expect(dialog.getByRole('button', { name: words.change.hide })).toBeFocused();
    await expect(dialog).toBeHidden({ timeout: 20_000 });
    await expect(row('web')).toBeFocused();
    expect((await inspect(app, 'web')).Config.Env).toContain('MODE=production');
    await keyboard.press('Control+z');
    await expect
      .poll(async () => (await inspect(app, 'web')).Config.Env, { timeout: 20_000 })
      .toContain('MODE=development');
    await expect(page.getByRole('button', { name: words.tasks.title })).toHaveText(words.tasks.title, {
      timeout: 20_000,
    });

    await keyboard.press('e');
    await expect(dialog.getByRole('textbox', { name: words.form.name, exact: true })).toBeFocused();
    await type(words.form.command, "sh -c 'exit 1'");
    await enter(words.change.applyRestart);
    await expect(dialog.getByRole('heading', { name: filled(words.change.rolledBack, 'web') })).toBeVisible({
      timeout: 20_000,
    });
    await expect(dialog.getByRole('button', { name: words.common.close })).toBeFocused();
    // Its logs say why. What was typed is there still, to be edited again.
    await keyboard.press('Shift+Tab');
    await keyboard.press('Shift+Tab');
    await expect(dialog.getByRole('button', { name: words.change.showLogs })).toBeFocused();
    await keyboard.press('Enter');
    await expect(page.getByRole('tab', { name: words.drawer.logs, selected: true })).toBeVisible();
    await expect(page.getByText(filled(words.change.keptText, 'web'))).toBeVisible();
    // The window's end does not take it away unasked.
    await page.getByRole('button', { name: words.window.close }).press('Enter');
    await expect(dialog).toContainText(filled(words.form.discard.edit, 'web'));
    await expect(dialog.getByRole('button', { name: words.form.discard.stay })).toBeFocused();
    await keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await row('web').focus();
    await keyboard.press('e');
    await expect(dialog.getByRole('textbox', { name: words.form.command, exact: true })).toHaveValue("sh -c 'exit 1'");
    await expect(dialog.getByRole('textbox', { name: words.form.name, exact: true })).toBeFocused();
    await keyboard.press('Escape');
    await expect(dialog.getByRole('button', { name: words.form.discard.stay })).toBeFocused();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expect(dialog).toBeHidden();
    await expect(row('web')).toBeFocused();
    await keyboard.press('Escape');
    await expect(page.getByRole('tab', { name: words.drawer.logs })).toBeHidden();
    await expect(row('web')).toBeFocused();

    await keyboard.press('e');
    await expect(dialog.getByRole('textbox', { name: words.form.name, exact: true })).toBeFocused();
    await keyboard.press('Control+a');
    await keyboard.type('shop');
    await expect(dialog.getByText(words.change.now, { exact: true })).toBeVisible();
    await enter(words.change.apply);
    await expect(dialog).toBeHidden();
    await expect(row('shop')).toBeFocused();
    expect((await inspect(app, 'shop')).Id).toBe(before.Id);

    await keyboard.press('Enter');
    // The tab that was looked at last comes a moment after the drawer.
    await tabTo(page.getByRole('tab', { name: words.drawer.logs, selected: true }));
    await keyboard.press('End');
    await expect(page.getByRole('tab', { name: words.drawer.history })).toBeFocused();
    await keyboard.press('Enter');
    const entries = page.getByRole('grid', { name: filled(words.history.list).trim() }).getByRole('row');
    await tabTo(entries.nth(0));
    await keyboard.press('End');
    await expect(entries.last()).toBeFocused();
    await expect(entries.last()).toContainText(words.history.kind.created);
    await keyboard.press('Enter');
    await expect(dialog).toContainText(filled(words.change.revertTitle, 'shop'));
    await expect(dialog.getByRole('row').filter({ hasText: words.form.name })).toContainText('web');
    const back = dialog.getByRole('button', { name: words.change.apply, exact: true });
    await expect(back).toBeFocused();
    await expect(back).toBeEnabled();
    await keyboard.press('Enter');
    await expect(dialog).toBeHidden();
    expect((await inspect(app, 'web')).Id).toBe(before.Id);
    await expect(entries.last()).toBeFocused();

    await keyboard.press('Escape');
    await expect(row('web')).toBeFocused();
    await keyboard.press('Delete');
    await expect(dialog.getByRole('button', { name: words.common.cancel })).toBeFocused();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expect(page.getByRole('status').filter({ hasText: filled(words.action.removed, 'web') })).toBeVisible();
    await keyboard.press('Control+z');
    await expect(row('web')).toContainText(words.state.exited);
  });

test('dark, in Chinese, on a small screen: what is hidden goes on among the tasks, and is called off there', async ({
  openApp,
  shot,
}) => {
  await using display = await openDisplay('1024x700');
  const app = await openApp({ display: display.name });
  const window = new SlipwayPage(app.page);
  const { page } = app;
  const { dialog } = window;
  await app.features();
  await loadBusybox(app);
  const before = await serve(app);
  await change(app, { Config: { Env: ['MODE=test', 'DB_PASSWORD=other'] } });
  await window.goTo('Containers');
  await window.dress({ theme: 'dark', language: 'zh-CN' });
  const look = async (name: string) => {
    await shot(app, name);
    expect(await window.serious(), name).toEqual([]);
  };
  await page.evaluate((path) => (location.hash = path), `/containers/${before.Id}/history`);
  await expect(page.getByRole('grid', { name: 'web 的历史记录' })).toContainText('已更改：环境变量');
  await look('history');
  await page.getByRole('button', { name: '编辑', exact: true }).click();
  await expect(dialog.getByRole('heading', { name: '更改 web' })).toBeVisible();
  // Only its own kind of health check tells when it does well: nobody answers this one for long enough to be looked at.
  await dialog.getByRole('button', { name: '重启与健康检查' }).click();
  await dialog.getByRole('radio', { name: '自定命令' }).click();
  await dialog.locator('[data-field="health.command"]').fill('test -e /ready');
  await dialog.locator('[data-field="health.startPeriod"]').fill('5m');
  await expect(dialog.getByText('需要重启', { exact: true }).first()).toBeVisible();
  await look('edit');
  await dialog.getByRole('button', { name: '查看更改' }).click();
  await expect(dialog).toContainText('健康检查');
  await look('review');
  await dialog.getByRole('button', { name: '应用并重启' }).click();
  await expect(dialog).toContainText('正在观察运行情况');
  await look('watching');
  await dialog.getByRole('button', { name: '隐藏' }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole('button', { name: '1 个任务' }).click();
  const tasks = page.getByRole('complementary', { name: '任务' });
  await expect(tasks).toContainText('正在更改 web');
  await look('task');
  await tasks.getByRole('button', { name: '中止并撤销' }).click();
  await expect(tasks).toContainText('原有配置已重新运行', { timeout: 20_000 });
  await look('called off');
  await expect(page.getByRole('grid', { name: 'web 的历史记录' })).toContainText('尝试后还原：健康检查');
  expect((await inspect(app, 'web')).State).toMatchObject({ Running: true });
  await expect(page.getByRole('complementary', { name: 'web 的详情' })).toContainText('运行中');
  // The screen goes before the app would.
  await docker(app, ['rm', '-f', 'web']);
  await app.quit();
});
