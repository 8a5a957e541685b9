/** The form that makes a container: filled by hand, by keyboard or from a docker run line, and told while typing what stands in the way. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { openDisplay } from '../fixtures/display.js';
import { api, docker, loadBusybox } from '../fixtures/engine.js';
import { expect, test, type TestApp } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

interface Inspected {
  Name: string;
  State: { Running: boolean };
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
}

const inspect = (app: TestApp, name: string) => api<Inspected>(app.socket, 'GET', `/containers/${name}/json`);

async function openForm(app: TestApp): Promise<SlipwayPage> {
  const window = new SlipwayPage(app.page);
  await app.features();
  await loadBusybox(app);
  await window.goTo('Containers');
  await app.page
    .getByRole('button', { name: /^Run…?$/ })
    .first()
    .click();
  await expect(window.dialog.getByRole('heading', { name: 'Run a container' })).toBeVisible();
  return window;
}

const LINE = `$ sudo docker run -d --name pasted \\
  -e MODE=production -e "GREETING=hello world" \\
  -v /tmp:/host:ro -v cache-data:/cache \\
  --memory=64m --cpus .5 -u 1000:1000 -w /tmp -h inside \\
  --cap-drop ALL --cap-add NET_BIND_SERVICE --read-only --init \\
  --restart on-failure:3 --network none --ulimit nofile=512:1024 \\
  --health-cmd 'test -d /host' --health-interval 5s --label com.example.team=ships \\
  --tmpfs /scratch:size=1m --log-opt max-size=5m --group-add 44 \\
  --env-file .env --warp 9 \\
  busybox:test sh -c 'echo started; sleep 1000'`;

test('a pasted docker run line fills the form, and the container has what it says', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = await openForm(app);
  const { dialog } = window;
  await dialog.getByRole('button', { name: 'Paste a docker run line…' }).click();
  const field = dialog.getByRole('textbox', { name: 'A docker run line' });
  await expect(field).toBeFocused();
  await field.fill('ls -l');
  await dialog.getByRole('button', { name: 'Fill in the form' }).click();
  await expect(dialog.getByText('This is no docker run line.')).toBeVisible();
  await field.fill(LINE.replace('--warp 9', '--warp'));
  await shot(app, 'a line to paste');
  await dialog.getByRole('button', { name: 'Fill in the form' }).click();

  const notice = dialog.getByRole('status');
  await expect(notice).toContainText('--env-file .env names a file that cannot be read here.');
  await expect(notice).toContainText('--warp is not known here.');
  await expect(dialog.getByRole('combobox', { name: 'Image' })).toHaveValue('busybox:test');
  await expect(dialog.getByRole('textbox', { name: 'Command' })).toHaveValue(`sh -c 'echo started; sleep 1000'`);
  await expect(dialog.getByRole('textbox', { name: 'Variable' })).toHaveCount(2);
  await expect(dialog.getByText('The volume cache-data is made.')).toBeVisible();
  await expect(dialog.getByRole('button', { name: /^Limits/ })).toContainText('3 set');
  await shot(app, 'filled');
  await expect(dialog.getByRole('region', { name: 'The same as' })).toContainText(
    `docker run -d --name pasted --restart on-failure:3`,
  );

  await dialog
    .getByRole('button', { name: 'Run ↵' })
    .or(dialog.getByRole('button', { name: 'Run', exact: true }))
    .click();
  await expect(dialog).toBeHidden();
  const { Config, HostConfig, State } = await inspect(app, 'pasted');
  expect(State.Running).toBe(true);
  expect(Config).toMatchObject({
    Cmd: ['sh', '-c', 'echo started; sleep 1000'],
    User: '1000:1000',
    WorkingDir: '/tmp',
    Hostname: 'inside',
    Tty: false,
    OpenStdin: false,
    Labels: { 'com.example.team': 'ships' },
    Healthcheck: { Test: ['CMD-SHELL', 'test -d /host'], Interval: 5e9 },
  });
  expect(Config['Env']).toEqual(expect.arrayContaining(['MODE=production', 'GREETING=hello world']));
  expect(HostConfig).toMatchObject({
    Binds: ['/tmp:/host:ro', 'cache-data:/cache'],
    Memory: 64 * 1024 * 1024,
    NanoCpus: 5e8,
    CapDrop: ['ALL'],
    CapAdd: ['NET_BIND_SERVICE'],
    ReadonlyRootfs: true,
    Init: true,
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    NetworkMode: 'none',
    Ulimits: [{ Name: 'nofile', Soft: 512, Hard: 1024 }],
    Tmpfs: { '/scratch': 'size=1m' },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '5m' } },
    GroupAdd: ['44'],
  });
  await expect(app.page.getByText('started').first()).toBeVisible();
});

test('a taken name, a taken port and a path that is not there are told while typing, and go away', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = await openForm(app);
  const { dialog } = window;
  const make = { Image: 'busybox:test', Cmd: ['true'], HostConfig: { NetworkMode: 'none' } };
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create?name=web', make);
  await dialog.getByRole('combobox', { name: 'Image' }).fill('busybox:test');
  await expect(dialog.getByText('It is here.')).toBeVisible();
  const name = dialog.getByRole('textbox', { name: 'Name', exact: true });
  await name.fill('web');
  await expect(dialog.getByText(`Taken by container ${Id.slice(0, 12)}.`)).toBeVisible();
  await expect(name).toHaveAttribute('aria-invalid', 'true');

  await dialog.getByRole('button', { name: 'Add mount' }).click();
  await expect(dialog.getByRole('combobox', { name: 'Path here, or a volume’s name' })).toBeFocused();
  await dialog.getByRole('combobox', { name: 'Path here, or a volume’s name' }).fill('/no/such/place');
  await dialog.getByRole('textbox', { name: 'Path in the container' }).fill('/data');
  await expect(dialog.getByText('It is not there: an empty directory is made.')).toBeVisible();

  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  try {
    const { port } = listener.address() as AddressInfo;
    const own = (await readFile('/proc/self/comm', 'utf8')).trim();
    await dialog.getByRole('button', { name: 'Add port' }).click();
    await dialog.getByRole('textbox', { name: 'Port of the container' }).fill(String(port));
    await dialog.getByRole('textbox', { name: 'Port of this machine' }).fill(String(port));
    const taken = dialog.getByText(`Port ${port} is taken by ${own} (process ${process.pid}).`);
    await expect(taken).toBeVisible();
    await shot(app, 'what stands in the way');
    await dialog.getByRole('button', { name: /^Use \d+$/ }).click();
    await expect(taken).toBeHidden();
    await expect(dialog.getByText('cannot publish ports yet', { exact: false })).toBeHidden();
  } finally {
    listener.close();
  }

  await dialog.getByRole('combobox', { name: 'Path here, or a volume’s name' }).fill('/tmp');
  await expect(dialog.getByText('It is not there', { exact: false })).toBeHidden();
  await api(app.socket, 'DELETE', `/containers/${Id}`);
  await expect(dialog.getByText('Taken by container', { exact: false })).toBeHidden();
  await dialog.getByRole('textbox', { name: 'Command' }).fill('sleep 1000');
  await dialog.getByRole('button', { name: 'Create without starting' }).click();
  await expect(dialog).toBeHidden();
  const { State, HostConfig } = await inspect(app, 'web');
  expect(State.Running).toBe(false);
  expect(HostConfig).toMatchObject({ Binds: ['/tmp:/data'] });
  // The port that was offered in place of the taken one.
  expect(Object.values(HostConfig['PortBindings'] ?? {})).toEqual([
    [{ HostIp: '', HostPort: expect.stringMatching(/^\d+$/) }],
  ]);
});

test('what the image says of itself is shown where nothing is said, and its ports and volumes are offered', async ({
  openApp,
  shot,
}) => {
  const app = await openApp();
  const window = await openForm(app);
  const { dialog } = window;
  const { Id } = await api<{ Id: string }>(app.socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd: ['httpd', '-f'],
    User: 'nobody',
    WorkingDir: '/srv',
    ExposedPorts: { '8080/tcp': {} },
    Volumes: { '/var/data': {} },
    HostConfig: { NetworkMode: 'none' },
  });
  await api(app.socket, 'POST', `/commit?container=${Id}&repo=declares&tag=1`);
  await dialog.getByRole('combobox', { name: 'Image' }).fill('declares:1');
  await expect(dialog.getByRole('textbox', { name: 'Command' })).toHaveAttribute('placeholder', 'httpd -f');
  await dialog.getByRole('button', { name: 'Process' }).click();
  await expect(dialog.getByRole('textbox', { name: 'User' })).toHaveAttribute('placeholder', 'nobody');
  await expect(dialog.getByRole('textbox', { name: 'Working directory' })).toHaveAttribute('placeholder', '/srv');
  await dialog.getByRole('button', { name: '/var/data' }).click();
  await expect(dialog.getByRole('textbox', { name: 'Path in the container' })).toHaveValue('/var/data');
  await dialog.getByRole('combobox', { name: 'Path here, or a volume’s name' }).fill('kept');
  await dialog.getByRole('button', { name: '8080/tcp' }).click();
  await expect(dialog.getByRole('textbox', { name: 'Port of the container' })).toHaveValue('8080');
  await shot(app, 'offered');
  await expect(dialog.getByRole('region', { name: 'The same as' })).toContainText(
    'docker run -it -p 8080:8080 -v kept:/var/data declares:1',
  );
  await dialog.getByRole('button', { name: 'Remove mount /var/data' }).click();
  await expect(dialog.getByRole('button', { name: '/var/data' })).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Add mount' })).toBeFocused();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toContainText('Discard what you typed?');
  await shot(app, 'discard');
  expect(await window.serious()).toEqual([]);
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await expect(dialog).toBeHidden();
});

test('by keyboard alone: rows, folded parts, the first wrong field, and Control+Enter', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = await openForm(app);
  const { dialog } = window;
  const { keyboard } = app.page;
  await expect(dialog.getByRole('combobox', { name: 'Image' })).toBeFocused();
  await keyboard.press('Control+Enter');
  await expect(dialog.getByText('Name the image to run.')).toBeVisible();
  await expect(dialog.getByRole('combobox', { name: 'Image' })).toBeFocused();
  const paste = dialog.getByRole('button', { name: 'Paste a docker run line…' });
  await paste.focus();
  await keyboard.press('Enter');
  await expect(dialog.getByRole('textbox', { name: 'A docker run line' })).toBeFocused();
  await keyboard.press('Escape');
  await expect(paste).toBeFocused();
  await dialog.getByRole('combobox', { name: 'Image' }).focus();
  await keyboard.type('busybox:test');
  await keyboard.press('Tab');
  await keyboard.type('keys');
  await keyboard.press('Escape');
  await expect(dialog.getByRole('button', { name: 'Keep editing' })).toBeFocused();
  await keyboard.press('Escape');
  await expect(dialog.getByRole('textbox', { name: 'Name', exact: true })).toBeFocused();
  await keyboard.press('Tab');
  await keyboard.type('sleep 1000');
  for (const add of ['Add port', 'Add mount', 'Add variable']) {
    const button = dialog.getByRole('button', { name: add });
    for (let presses = 0; presses < 6 && !(await button.evaluate((one) => one === document.activeElement)); presses++)
      await keyboard.press('Tab');
    await expect(button).toBeFocused();
  }
  await keyboard.press('Enter');
  await expect(dialog.getByRole('textbox', { name: 'Variable' })).toBeFocused();
  await app.page.evaluate(() => {
    const data = new DataTransfer();
    data.setData('text', '# from a file\nONE=1\nexport TWO="two words"\n');
    document.activeElement?.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
    );
  });
  await expect(dialog.getByRole('textbox', { name: 'Variable' })).toHaveCount(2);
  await expect(dialog.getByRole('textbox', { name: 'Value' }).last()).toHaveValue('two words');

  const limits = dialog.getByRole('button', { name: /^Limits/ });
  await limits.focus();
  await keyboard.press('Enter');
  await expect(limits).toHaveAttribute('aria-expanded', 'true');
  await keyboard.press('Tab');
  await expect(dialog.getByRole('textbox', { name: 'Memory', exact: true })).toBeFocused();
  await keyboard.type('lots');
  await limits.focus();
  await keyboard.press('Enter');
  await expect(limits).toContainText('1 problem');
  await shot(app, 'a problem in a folded part');
  await keyboard.press('Control+Enter');
  await expect(dialog.getByRole('textbox', { name: 'Memory', exact: true })).toBeFocused();
  await keyboard.press('Control+a');
  await keyboard.type('32m');
  await expect(limits).not.toContainText('problem');
  const network = dialog.getByRole('button', { name: /^Network/ });
  await network.focus();
  await keyboard.press('Enter');
  await keyboard.press('Tab');
  await keyboard.type('none');
  await expect(dialog.getByRole('combobox', { name: 'Network' })).toHaveValue('none');
  await keyboard.press('Control+Enter');
  await expect(dialog).toBeHidden();
  await expect(window.terminal).toBeVisible();
  const { Config, HostConfig } = await inspect(app, 'keys');
  expect(Config['Env']).toEqual(expect.arrayContaining(['ONE=1', 'TWO=two words']));
  expect(HostConfig).toMatchObject({ Memory: 32 * 1024 * 1024, NetworkMode: 'none' });
});

test('a part of a volume, the files of an image and the volumes of another container', async ({ openApp, shot }) => {
  const app = await openApp();
  const window = await openForm(app);
  const { dialog } = window;
  const seed = ['run', '--name', 'keeper', '--network=none', '-v', 'data:/v', 'busybox:test', 'sh', '-c'];
  const seeded = await docker(app, [...seed, 'mkdir /v/sub; echo a part > /v/sub/file']);
  expect(seeded.code, seeded.stderr).toBe(0);
  await dialog.getByRole('combobox', { name: 'Image' }).fill('busybox:test');
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('mixed');
  await dialog
    .getByRole('textbox', { name: 'Command' })
    .fill(`sh -c 'cat /part/file /v/sub/file; ls /tools; sleep 1000'`);
  await dialog.getByRole('button', { name: 'Add mount' }).click();
  const source = dialog.getByRole('combobox', { name: 'Path here, or a volume’s name' });
  const part = dialog.getByRole('textbox', { name: 'Part of it (empty: all)' });
  const target = dialog.getByRole('textbox', { name: 'Path in the container' });
  await expect(part).toHaveCount(0);
  await source.fill('data');
  await part.fill('../sub');
  await expect(dialog.getByText('Write it as it is inside')).toBeVisible();
  await part.fill('sub');
  await target.fill('/part');
  await dialog.getByRole('button', { name: 'Add files of an image' }).focus();
  await app.page.keyboard.press('Enter');
  await source.last().fill('busybox:test');
  await part.last().fill('bin/busybox');
  await target.last().fill('/tools');
  await dialog.getByRole('button', { name: /^Other options/ }).click();
  const from = dialog.getByRole('textbox', { name: 'Volumes of other containers' });
  await from.fill('nobody');
  await expect(dialog.getByText('There is no container nobody.')).toBeVisible();
  await from.fill('keeper:ro');
  await expect(dialog.getByText('There is no container')).toHaveCount(0);
  const line = dialog.getByRole('region', { name: 'The same as' });
  for (const words of [
    '--mount type=volume,source=data,target=/part,volume-subpath=sub',
    '--mount type=image,source=busybox:test,target=/tools,image-subpath=bin/busybox',
    '--volumes-from keeper:ro',
  ])
    await expect(line).toContainText(words);
  await source.first().scrollIntoViewIfNeeded();
  await shot(app, 'parts and images');
  expect(await window.serious()).toEqual([]);
  await app.page.keyboard.press('Control+Enter');
  await expect(dialog).toBeHidden();
  expect((await inspect(app, 'mixed')).HostConfig).toMatchObject({
    VolumesFrom: ['keeper:ro'],
    Mounts: [
      { Type: 'volume', Source: 'data', Target: '/part', VolumeOptions: { Subpath: 'sub' } },
      { Type: 'image', Source: 'busybox:test', Target: '/tools', ImageOptions: { Subpath: 'bin/busybox' } },
    ],
  });
  await expect
    .poll(async () => (await docker(app, ['logs', 'mixed'])).stdout)
    .toMatch(/^a part\s+a part\s+\/tools\s+$/);
});

for (const [theme, language] of [
  ['light', 'en'],
  ['dark', 'zh-CN'],
] as const)
  test(`the whole form is readable on a small screen (${theme}, ${language})`, async ({ openApp, shot }) => {
    await using display = await openDisplay('1024x700');
    const app = await openApp({ display: display.name });
    // It has to go before its screen does, and to ask nobody about the form that is filled in.
    await using _ = { [Symbol.asyncDispose]: async () => void (await app.kill('SIGTERM')) };
    const window = new SlipwayPage(app.page);
    await app.features();
    await loadBusybox(app);
    await window.goTo('Containers');
    await window.dress({ theme, language });
    await app.page
      .getByRole('button', { name: language === 'en' ? /^Run…?$/ : /^运行…?$/ })
      .first()
      .click();
    const { dialog } = window;
    await expect(dialog).toBeVisible();
    await shot(app, `${theme} first sight`);
    await app.page.evaluate(() => {
      const line =
        'docker run -p 80:80 -v /:/host -v ~/x:/x -e A=$(id) -m 1k --dns here --privileged --device nowhere --sysctl a=b --ulimit x=1 ' +
        '--health-cmd true --restart on-failure --log-opt a=b -l c=d --tmpfs /run --add-host db:1 --gpus all nginx';
      const data = new DataTransfer();
      data.setData('text', line);
      document.activeElement?.dispatchEvent(
        new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
      );
    });
    await expect(dialog.getByRole('status')).toBeVisible();
    await shot(app, `${theme} pasted`);
    for (;;) {
      const closed = dialog.locator('.form-fold-head[aria-expanded="false"]').first();
      if ((await closed.count()) === 0) break;
      await closed.click();
    }
    for (const [index, head] of (await dialog.locator('.form-fold-head').all()).entries()) {
      await head.evaluate((one) => one.scrollIntoView({ block: 'start' }));
      await shot(app, `${theme} part ${index + 1}`);
    }
    await expect(dialog.locator('[type=submit]')).toBeInViewport({
      ratio: 1,
    });
    expect(await window.serious()).toEqual([]);
  });
