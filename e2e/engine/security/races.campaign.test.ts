/** Races that an attacker tries to win, over and over: the processes that enter a container, and mount points that are not what they were. */
import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rounds } from '../../fixtures/campaign.js';
import { run } from '../../fixtures/engine.js';
import { compile, COVERED, everybody, fingerprint, needsRoot, open, TRUSTED, up, type Ground } from './ground.js';

for (const who of everybody)
  describe(`the attacker in a container of ${who}`, { skip: needsRoot, timeout: 3_000_000 }, () => {
    let ground: Ground;
    let outside: string;
    const tools = () => ['-v', `${ground.folder}/tools:/t:ro`];
    before(async () => {
      ground = await open(who);
      for (const name of ['overwrite', 'steal']) await compile(ground, name);
      outside = path.join(ground.folder, 'outside');
      await writeFile(path.join(outside, 'secret'), 'of the host\n');
    });
    after(() => ground?.[Symbol.asyncDispose]());

    test('writes to the programs of those who enter: exec, health checks, containers that share its processes (CVE-2019-5736)', async () => {
      const before = await fingerprint(ground);
      const health = ['--health-cmd', 'true', '--health-interval', '100ms'];
      await ground.says(
        'run',
        '-d',
        '--name',
        'overwriter',
        ...TRUSTED,
        ...tools(),
        ...health,
        'busybox:test',
        '/t/overwrite',
      );
      for (let round = 0; round < rounds(8, 2000); round++) {
        await ground.says('exec', 'overwriter', 'true');
        if (round % 4 === 0) await ground.says('run', '--rm', '--pid=container:overwriter', 'busybox:test', 'true');
      }
      assert.equal(await ground.says('logs', 'overwriter'), '');
      await ground.says('rm', '-f', 'overwriter');
      assert.equal(await fingerprint(ground), before);
    });

    test('steals descriptors, roots and working directories of those who enter by exec (CVE-2016-9962, CVE-2024-21626)', async () => {
      for (const trust of [[], TRUSTED]) {
        const steal = ['/t/steal', path.join(ground.folder, 'outside/secret')];
        await ground.says('run', '-d', '--name', 'thief', ...trust, ...tools(), 'busybox:test', ...steal);
        for (let round = 0; round < rounds(6, 2000); round++) await ground.says('exec', 'thief', 'true');
        await ground.says('exec', '-t', 'thief', 'true');
        assert.equal(await ground.says('logs', 'thief'), '');
        await ground.says('rm', '-f', 'thief');
      }
    });

    test('swaps a mount point for a link while another container mounts there (CVE-2021-30465, CVE-2024-45310)', async () => {
      const volume = path.join(ground.folder, 'volume');
      await mkdir(path.join(volume, 'a'), { recursive: true });
      await symlink(`${up}${outside}`, path.join(volume, 'b'));
      await run('chmod', ['-R', 'a+rwX', volume]);
      const swap = path.join(ground.folder, 'tools/swap');
      const built = await run('gcc', ['-static', '-O1', '-o', swap, path.resolve('native/tests/inside/swap.c')]);
      assert.equal(built.code, 0, built.stderr);
      const shared = ['-v', `${volume}:/v${who === 'root with user namespaces' ? ':idmap' : ''}`];
      await ground.says(
        'run',
        '-d',
        '--name',
        'swapper',
        ...shared,
        '-v',
        `${ground.folder}/tools:/t:ro`,
        'busybox:test',
        '/t/swap',
        '/v/a',
        '/v/b',
      );
      for (let round = 0; round < rounds(8, 10_000); round++) {
        await ground.run(
          'run',
          '--rm',
          ...shared,
          '--tmpfs',
          '/v/a/x/y',
          '-v',
          `${ground.folder}/tools:/v/a/tools`,
          'busybox:test',
          'true',
        );
        assert.deepEqual(await readdir(outside), ['secret'], `round ${round}`);
      }
      await ground.says('rm', '-f', 'swapper');
      assert.ok(!(await readFile('/proc/self/mountinfo', 'utf8')).includes(outside));
    });

    test('swaps what stands for /dev/null and /dev/console while another container covers its files with it (CVE-2025-31133, CVE-2025-52565)', async () => {
      const dev = path.join(ground.folder, 'dev');
      await mkdir(path.join(dev, 'pts'), { recursive: true });
      for (const name of ['null', 'console']) {
        await writeFile(path.join(dev, name), '');
        await symlink('/proc/sys/kernel/core_pattern', path.join(dev, `${name}-link`));
      }
      await symlink('/proc', path.join(dev, 'pts-link'));
      await run('chmod', ['-R', 'a+rwX', dev]);
      const swap = path.join(ground.folder, 'tools/swap');
      const built = await run('gcc', ['-static', '-O1', '-o', swap, path.resolve('native/tests/inside/swap.c')]);
      assert.equal(built.code, 0, built.stderr);
      const idmap = who === 'root with user namespaces' ? ':idmap' : '';
      const swapping = ['null', 'console', 'pts'].map((name) => `/t/swap /v/${name} /v/${name}-link`).join(' & ');
      const shared = ['-v', `${dev}:/v${idmap}`, ...tools()];
      await ground.says('run', '-d', '--name', 'swapper', ...shared, 'busybox:test', 'sh', '-c', `${swapping} & wait`);
      const before = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
      for (let round = 0; round < rounds(8, 2000); round++) {
        const terminal = round % 2 ? ['-t'] : [];
        const mounted = ['-v', `${dev}:/dev${idmap}`];
        const ran = await ground.run('run', '--rm', ...terminal, ...mounted, 'busybox:test', 'sh', '-c', COVERED);
        if (ran.code === 0) assert.match(ran.stdout, /^0\r?\nend\r?\n$/, `round ${round}`);
        else assert.doesNotMatch(ran.stdout, /wrote/, `round ${round}`);
      }
      await ground.says('rm', '-f', 'swapper');
      assert.equal(await readFile('/proc/sys/kernel/core_pattern', 'utf8'), before);
    });
  });
