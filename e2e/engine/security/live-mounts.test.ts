/** Attacks on mounts that are put into a container that runs: by what it does to the place meanwhile, and by where its first process has gone. */
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Mounted } from '../../../main/contract/mounts.js';
import { rounds } from '../../fixtures/campaign.js';
import { request, run } from '../../fixtures/engine.js';
import { everybody, needsRoot, open, up, type Ground } from './ground.js';

for (const who of everybody)
  describe(`mounts put in by the engine of ${who}`, { skip: needsRoot, timeout: 600_000 }, () => {
    let ground: Ground;
    let outside: string;
    let source: string;
    before(async () => {
      ground = await open(who);
      outside = path.join(ground.folder, 'outside');
      source = path.join(ground.folder, 'tools/source');
      await mkdir(source);
      await writeFile(path.join(source, 'file'), 'given\n');
      const swap = path.join(ground.folder, 'tools/swap');
      const built = await run('gcc', ['-static', '-O1', '-o', swap, path.resolve('native/tests/inside/swap.c')]);
      assert.equal(built.code, 0, built.stderr);
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const at = (name: string, rest = '') => `/slipway/containers/${name}/mounts${rest}`;
    const attach = async (name: string, Target: string, Source = source) => {
      const { status, body } = await request(ground.socket, 'POST', at(name), { Type: 'bind', Source, Target });
      return { status, said: JSON.parse(body.toString()) as Partial<Mounted> & { message?: string } };
    };
    const detach = async (name: string, target: string) =>
      (await request(ground.socket, 'DELETE', at(name, `?force=1&target=${encodeURIComponent(target)}`))).status;
    const start = (name: string, script: string, ...args: string[]) =>
      ground.says(
        'run',
        '-d',
        '--name',
        name,
        '--network',
        'none',
        '-v',
        `${ground.folder}/tools:/t:ro`,
        ...args,
        'busybox:test',
        'sh',
        '-c',
        script,
      );
    const untouched = async () => {
      assert.deepEqual(await readdir(outside), []);
      for (const process of ['self', String(ground.pid)]) {
        const table = await readFile(`/proc/${process}/mountinfo`, 'utf8');
        assert.ok(!table.includes(ground.folder), 'nothing is mounted where others see it');
      }
    };

    test('a place that is swapped for a link to the host while it is mounted on', async () => {
      const swapping = `mkdir -p /x/a/deep; ln -s ${outside} /x/b; while :; do /t/swap /x/a /x/b; done`;
      await start('swapping', swapping);
      let on = 0;
      for (let round = 0; round < rounds(25, 2_000) || on === 0; round++) {
        const target = ['/x/a', '/x/a/new/er', '/x/b/other'][round % 3] as string;
        const { status } = await attach('swapping', target);
        await untouched();
        if (status === 200) on++;
        if (status === 200) assert.ok((await detach('swapping', target)) < 500);
      }
      await ground.says('rm', '-f', 'swapping');
      await untouched();
    });

    test('links to where the system shows itself, to the root, and out', async () => {
      const links = {
        proc: '/proc',
        deep: '/proc/sys/kernel',
        sys: '/sys/kernel',
        masked: '/proc/acpi',
        self: '/proc/self/root',
        root: '/',
      };
      const script = Object.entries(links).map(([name, to]) => `ln -s ${to} /to-${name}`);
      await start('links', `${script.join('; ')}; ln -s ${up}/${outside} /out; touch /ready; sleep 1000`);
      while ((await ground.run('exec', 'links', 'test', '-e', '/ready')).code !== 0);
      const targets = Object.keys(links).flatMap((name) => [
        `/to-${name}`,
        `/to-${name}/proc/new`,
        `/to-${name}/core_pattern`,
      ]);
      for (const target of targets.filter((one) => !/^\/to-(root|self)\/core/.test(one)))
        assert.notEqual((await attach('links', target)).status, 200, target);
      // What leads out of the container leads to a place of that name in it.
      assert.equal((await attach('links', '/out/place')).status, 200);
      assert.equal(await ground.says('exec', 'links', 'cat', `${outside}/place/file`), 'given\n');
      assert.equal(await detach('links', '/out/place'), 204);
      await ground.says('rm', '-f', 'links');
      await untouched();
    });

    test('a first process that has gone into other mounts keeps them to itself', async () => {
      const trusted = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'];
      await start(
        'elsewhere',
        'exec unshare -m sh -c "mount -t tmpfs none /mnt 2>/dev/null; touch /ready; sleep 1000"',
        ...trusted,
      );
      while ((await ground.run('exec', 'elsewhere', 'test', '-e', '/ready')).code !== 0);
      const { status } = await attach('elsewhere', '/here');
      assert.equal(status, 200);
      assert.equal(await ground.says('exec', 'elsewhere', 'cat', '/here/file'), 'given\n');
      await untouched();
      assert.equal(await detach('elsewhere', '/here'), 204);
      await ground.says('rm', '-f', 'elsewhere');
    });

    test('a volume whose directory is a link by now is not followed', async () => {
      await start('linked', 'sleep 1000');
      const wish = { Type: 'volume', Source: 'data', Target: '/data' };
      assert.equal((await request(ground.socket, 'POST', at('linked'), wish)).status, 200);
      await ground.says('exec', 'linked', 'ln', '-s', '/etc', '/data/link');
      assert.equal(
        (await attach('linked', '/data/link/x')).status,
        200,
        'inside, where it leads to /etc of the container',
      );
      assert.equal(await ground.says('exec', 'linked', 'cat', '/etc/x/file'), 'given\n');
      assert.equal(await detach('linked', '/data/link/x'), 204);
      assert.equal(await detach('linked', '/data'), 204);
      await ground.says('rm', '-f', 'linked');
      await untouched();
    });
  });
