/** A container is changed as it is: what needs no restart at once, anything else with one, which is undone where it does not do well. All of it is in its history. */
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
