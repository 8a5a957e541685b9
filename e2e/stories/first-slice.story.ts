/** The proof: a real Debian from a real registry, pulled by clicking, run, and typed into; the docker CLI sees the same container. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { docker } from '../fixtures/engine.js';
import { expect, isRoot, test } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

for (const who of ['root', 'an ordinary user'] as const)
  test(`${who} pulls a Debian by clicking, runs bash and reads Debian’s own text`, async ({
    openApp,
    registry,
    person,
    shot,
  }) => {
    test.skip(who === 'root' && !isRoot, 'the tests run as an ordinary user; root’s story needs root');
    const app = await openApp(who === 'root' ? {} : { person });
    const window = new SlipwayPage(app.page);
    const image = `${registry.host}/debian:12`;

    registry.limit(12_000_000);
    await window.startPull(image);
    const progress = window.dialog.getByRole('progressbar');
    const layers = window.dialog.getByRole('listitem');
    await expect(layers).toHaveCount(5);
    await expect.poll(async () => Number(await progress.getAttribute('aria-valuenow'))).toBeGreaterThan(10);
    await shot(app, 'layers on their way');
    registry.limit(undefined);
    await expect(window.dialog.getByRole('button', { name: /^Run it/ })).toBeVisible({ timeout: 60_000 });
    await shot(app, 'pulled');

    await window.dialog.getByRole('button', { name: /^Run it/ }).click();
    await window.run({ name: 'first', command: 'bash' });
    await expect(window.terminal).toContainText('root@');
    await window.type('cat /etc/os-release');
    await expect(window.terminal).toContainText('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"');
    await shot(app, 'Debian in a terminal');

    const { stdout } = await docker(app, ['ps', '--format', '{{.Names}} {{.Image}} {{.Command}}']);
    expect(stdout).toBe(`first ${image} "bash"\n`);

    if (who !== 'root') {
      expect((await app.features()).rootless).toBe(true);
      expect(await renderers(app.pid)).toEqual([{ seccomp: '2', ownUserNamespace: true }]);
    }

    await window.type('exit');
    await expect(window.row('first')).toContainText('Exited');
  });

/** How Chromium holds the window's own process: its system calls filtered, in a user namespace of its own. */
async function renderers(app: number) {
  const own = await readlink(`/proc/${app}/ns/user`);
  const found: { seccomp: string | undefined; ownUserNamespace: boolean }[] = [];
  for (const pid of await readdir('/proc')) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes('--type=renderer') || !(await descendsFrom(pid, app))) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    found.push({
      seccomp: /^Seccomp:\s*(\d)/m.exec(status)?.[1],
      ownUserNamespace: (await readlink(`/proc/${pid}/ns/user`)) !== own,
    });
  }
  return found;
}

async function descendsFrom(pid: string, ancestor: number): Promise<boolean> {
  for (let at = Number(pid); at > 1;) {
    if (at === ancestor) return true;
    const stat = await readFile(`/proc/${at}/stat`, 'utf8').catch(() => '');
    at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  }
  return false;
}
