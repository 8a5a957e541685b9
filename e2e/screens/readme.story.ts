/** The picture of the README: a furnished table, and a terminal in one of its containers. `npm run show -- readme` takes it anew. */
import { api, docker, loadBusybox } from '../fixtures/engine.js';
import { expect, test } from '../fixtures/story.js';
import { SlipwayPage } from '../fixtures/window.js';

interface Wish {
  image: string;
  project?: string;
  /** A shell script; `busy` and `fat` stand before it. */
  does?: string;
  well?: boolean;
}

/** Uses the processor in waves. */
const busy = (step: number) =>
  `n=${step}; while :; do n=$(((n + ${step}) % 17)); i=0; while [ $i -lt $((n * 1500)) ]; do i=$((i+1)); done; sleep 0.4; done`;
const fat = (mebibytes: number, more = 'sleep 1000') =>
  `head -c ${mebibytes}m /dev/zero | (tail -c ${mebibytes}m >/dev/null; sleep 1000) & ${more}`;

const WISHES: Record<string, Wish> = {
  api: { image: 'shop/api:2.3', project: 'shop', does: busy(2), well: true },
  db: { image: 'postgres:17', project: 'shop', does: fat(60), well: true },
  mailer: { image: 'shop/mailer:1.0', project: 'shop', does: 'exit 1' },
  queue: { image: 'redis:7', project: 'shop', does: busy(5), well: true },
  web: { image: 'shop/web:2.3', project: 'shop', does: busy(3), well: true },
  blog: { image: 'ghost:5', project: 'blog', does: busy(4) },
  'blog-db': { image: 'mysql:8', project: 'blog', does: fat(40) },
  'nightly-backup': { image: 'restic:0.17', does: 'exit 0' },
  playground: { image: 'debian:12' },
};

test('the picture of the README', async ({ openApp, registry, shot }) => {
  const app = await openApp();
  await app.page.setViewportSize({ width: 1280, height: 800 });
  const window = new SlipwayPage(app.page);
  await app.features();
  await loadBusybox(app);
  const debian = `${registry.host}/debian:12`;
  expect((await docker(app, ['pull', '-q', debian])).code).toBe(0);
  for (const image of new Set(Object.values(WISHES).map((wish) => wish.image)))
    await docker(app, [
      'tag',
      image.startsWith('debian') || image.startsWith('shop/api') ? debian : 'busybox:test',
      image,
    ]);
  await docker(app, ['rmi', debian, 'busybox:test', 'busybox:latest']);
  await Promise.all(
    Object.entries(WISHES).map(async ([name, { image, project, does = 'sleep 1000', well }]) => {
      const { Id } = await api<{ Id: string }>(app.socket, 'POST', `/containers/create?name=${name}`, {
        Image: image,
        Hostname: name,
        Cmd: ['sh', '-c', does],
        Labels: project ? { 'com.docker.compose.project': project } : {},
        ...(well && { Healthcheck: { Test: ['CMD', 'true'], Interval: 2e9 } }),
        HostConfig: { NetworkMode: 'none', Init: true },
      });
      await api(app.socket, 'POST', `/containers/${Id}/start`);
    }),
  );
  await window.goTo('Containers');
  await window.dress({ theme: 'light' });
  await window.openContainer('api', 'Terminal');
  await expect(window.terminal).toContainText('root@api:/#');
  await window.type('head -3 /etc/os-release; ls; cat /proc/loadavg');
  await expect(window.terminal).toContainText('PRETTY_NAME');
  const curve = window.row('api').locator('svg.spark path.line');
  const points = async () => ((await curve.getAttribute('d')) ?? '').split(/[LC]/).length;
  await expect.poll(points, { timeout: 90_000 }).toBeGreaterThan(20);
  await app.page.mouse.move(100, 400);
  await shot(app, 'readme');
});
