/** Attacks on what copies files: by a container, by an image, by a tar. Each tries to reach the host, and must not. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { rounds } from '../../fixtures/campaign.js';
import { request, run } from '../../fixtures/engine.js';
import { everybody, loadImage, needsRoot, open, type Ground } from './ground.js';

const SECRET = 'what the host keeps to itself\n';

for (const who of everybody)
  describe(`files copied by the engine of ${who}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    let outside: string;
    before(async () => {
      ground = await open(who);
      outside = path.join(ground.folder, 'outside');
      await writeFile(path.join(outside, 'secret'), SECRET);
      const swap = path.join(ground.folder, 'tools/swap');
      const built = await run('gcc', ['-static', '-O1', '-o', swap, path.resolve('native/tests/inside/swap.c')]);
      assert.equal(built.code, 0, built.stderr);
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const at = (method: string, container: string, to: string, body?: Buffer) =>
      request(ground.socket, method, `/containers/${container}/archive?path=${encodeURIComponent(to)}`, body, {
        'Content-Type': 'application/x-tar',
      });
    /** A tar as a shell command writes it, in a directory of its own. */
    const tar = async (script: string): Promise<Buffer> => {
      const cwd = await mkdtemp(path.join(ground.folder, 'making-'));
      const { stdout } = await promisify(execFile)('sh', ['-c', script], {
        encoding: 'buffer',
        maxBuffer: 1 << 26,
        cwd,
      });
      await rm(cwd, { recursive: true });
      return stdout;
    };
    const untouched = async () => {
      assert.deepEqual(await readdir(outside), ['secret']);
      assert.equal(await readFile(path.join(outside, 'secret'), 'utf8'), SECRET);
      const mounts = await readFile('/proc/self/mountinfo', 'utf8');
      assert.ok(!mounts.includes(ground.folder), 'nothing is mounted where others see it');
    };
    /** Exchanges a directory and a link to the host's directory (a path that is there on the host alone), without end. */
    const swapper = async (name: string, ...args: string[]) => {
      const make = `mkdir -p /x/a; echo harmless > /x/a/secret; ln -s ${outside} /x/b; exec /t/swap /x/a /x/b`;
      await ground.says(
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
        make,
      );
      for (let tries = 0; (await at('HEAD', name, '/x/b')).status !== 200; tries++) assert.ok(tries < 1000);
    };

    test('a directory swapped for a link while it is read (CVE-2018-15664, CVE-2019-10152)', async () => {
      await swapper('swapping');
      let read = 0;
      for (let round = 0; round < rounds(60, 10_000) || read === 0; round++) {
        const { status, body } = await at('GET', 'swapping', round % 2 ? '/x/a/secret' : '/x/a/');
        if (status === 200) read++;
        assert.ok(!body.includes(SECRET.trim()), 'the host was read');
      }
      await ground.says('rm', '-f', 'swapping');
      await untouched();
    });

    test('a directory swapped for a link while it is written (CVE-2018-15664, CVE-2019-10152)', async () => {
      await swapper('swapped');
      const file = await tar('echo planted > planted; tar -cf - planted');
      let written = 0;
      for (let round = 0; round < rounds(60, 10_000) || written === 0; round++)
        if (
          (await at('PUT', 'swapped', round % 2 ? '/x/a' : '/x', round % 2 ? file : await nested('a/planted')))
            .status === 200
        )
          written++;
      await ground.says('rm', '-f', 'swapped');
      await untouched();
    });
    const nested = (to: string) => tar(`echo planted > p; tar --transform 's,^p$,${to},' -cf - p`);

    test('a tree that changes while it is exported (CVE-2023-0778, CVE-2025-9566)', async () => {
      await swapper('exported');
      for (let round = 0; round < rounds(6, 1000); round++) {
        const { body } = await request(ground.socket, 'GET', '/containers/exported/export');
        assert.ok(!body.includes(SECRET.trim()), 'the host was read');
      }
      await ground.says('rm', '-f', 'exported');
      await untouched();
    });

    test('an image with decompressors and libraries of its own (CVE-2019-14271, CVE-2026-41567)', async () => {
      await loadImage(ground, 'evil:tools', {
        change: async (layer) => {
          for (const name of ['usr/bin', 'lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu/gconv'])
            await mkdir(path.join(layer, name), { recursive: true });
          const ran = `#!/bin/sh\necho ran >> ${outside}/ran; echo ran >> /ran\n`;
          for (const name of [
            'unpigz',
            'gzip',
            'gunzip',
            'xz',
            'unxz',
            'bzip2',
            'bunzip2',
            'zstd',
            'unzstd',
            'tar',
            'docker-untar',
          ])
            await writeFile(path.join(layer, 'usr/bin', name), ran, { mode: 0o755 });
          for (const name of ['libnss_files.so.2', 'libnss_compat.so.2', 'libnss_systemd.so.2', 'libc.so.6'])
            await writeFile(path.join(layer, 'lib/x86_64-linux-gnu', name), 'no library', { mode: 0o755 });
          await writeFile(
            path.join(layer, 'usr/lib/x86_64-linux-gnu/gconv/gconv-modules'),
            'module FROM// TO// evil 1\n',
          );
          await writeFile(path.join(layer, 'etc-nsswitch'), 'passwd: files evil\n');
        },
      });
      await ground.says('run', '-d', '--name', 'tools', '--network', 'none', 'evil:tools', 'sleep', '1000');
      await ground.says('create', '--name', 'toolbox', '-u', 'app', '--network', 'none', 'evil:tools', 'true');
      const plain = await tar("printf x > 'caf\u00e9'; tar --format=pax -cf - caf*");
      const packed: Buffer[] = [gzipSync(plain)];
      await writeFile(path.join(ground.folder, 'plain.tar'), plain);
      for (const name of ['xz', 'bzip2', 'zstd']) packed.push(await tar(`${name} -c < ${ground.folder}/plain.tar`));
      for (const container of ['tools', 'toolbox'])
        for (const body of packed) {
          const { status, body: answer } = await request(
            ground.socket,
            'PUT',
            `/containers/${container}/archive?path=/tmp&copyUIDGID=1`,
            body,
            { 'Content-Type': 'application/x-tar' },
          );
          assert.equal(status, 200, answer.toString());
          assert.equal((await at('HEAD', container, '/tmp/caf\u00e9')).status, 200);
          assert.equal((await at('HEAD', container, '/ran')).status, 404);
        }
      await ground.says('rm', '-f', 'tools', 'toolbox');
      await untouched();
    });

    test('a mount point that is a link to the host (CVE-2026-41568, CVE-2026-42306)', async () => {
      await loadImage(ground, 'evil:links', {
        change: async (layer) => {
          await symlink(outside, path.join(layer, 'data'));
          await symlink('../../../../../../..' + outside, path.join(layer, 'up'));
          await mkdir(path.join(layer, 'deep'));
          await symlink('/proc/self/root', path.join(layer, 'deep/root'));
          await symlink(`/proc/1/root${outside}`, path.join(layer, 'magic'));
        },
      });
      const tools = path.join(ground.folder, 'tools');
      const mounts = ['data', 'up/sub', 'deep/root/x', 'magic'].flatMap((to) => ['-v', `${tools}:/${to}:ro`]);
      await ground.says('create', '--name', 'linked', '--network', 'none', ...mounts, 'evil:links', 'sleep', '1000');
      for (const state of ['created', 'running']) {
        for (const to of [
          '/data',
          '/data/',
          '/up',
          '/up/sub/',
          '/deep/root/etc/passwd',
          '/magic',
          '/magic/secret',
          '/',
        ]) {
          const { body } = await at('GET', 'linked', to);
          assert.ok(!body.includes(SECRET.trim()), `${to} of a ${state} container was the host's`);
        }
        for (const to of ['/data', '/up', '/up/sub', '/deep/root', '/magic', '/'])
          await at('PUT', 'linked', to, await nested('planted'));
        await untouched();
        if (state === 'created') await ground.run('start', 'linked');
      }
      await ground.says('rm', '-f', 'linked');
    });

    test('mount points that are swapped while a stopped container is copied from and to', async () => {
      // Another container has the same volume, and in it the directory that the stopped one mounts something on.
      const shared = path.join(ground.folder, 'engine/shared');
      await mkdir(path.join(shared, 'x'), { recursive: true });
      await run('chmod', ['-R', '777', shared]);
      const make = `mkdir -p /s/x/a /s/x/a/on; ln -s ${outside} /s/x/b; chmod -R 777 /s; exec /t/swap /s/x/a /s/x/b`;
      const volume = ['-v', `${shared}:/s`];
      await ground.says(
        'run',
        '-d',
        '--name',
        'mover',
        '--network',
        'none',
        '-v',
        `${ground.folder}/tools:/t:ro`,
        ...volume,
        'busybox:test',
        'sh',
        '-c',
        make,
      );
      await ground.says(
        'create',
        '--name',
        'still',
        '--network',
        'none',
        ...volume,
        '-v',
        `${ground.folder}/tools:/s/x/a/on`,
        'busybox:test',
        'true',
      );
      for (let round = 0; round < rounds(40, 10_000); round++) {
        const { body } = await at('GET', 'still', '/s');
        assert.ok(!body.includes(SECRET.trim()));
        await at('PUT', 'still', '/s/x/a/on', Buffer.alloc(1024));
      }
      await ground.says('rm', '-f', 'mover', 'still');
      await untouched();
    });

    test('archives that lead out (CVE-2014-9356 and its like)', async () => {
      await ground.says('run', '-d', '--name', 'target', '--network', 'none', 'busybox:test', 'sleep', '1000');
      await ground.says('create', '--name', 'box', '--network', 'none', 'busybox:test', 'true');
      const up = '../'.repeat(20).slice(0, -1);
      const attacks = [
        nested(`${up}${outside}/planted`),
        tar(`echo p > p; tar -P --transform 's,^p$,${outside}/planted,' -cf - p`),
        tar(
          `ln -s ${outside} l; tar -cf a.tar l; rm l; mkdir l; echo p > l/planted; tar -rf a.tar l/planted; cat a.tar`,
        ),
        tar(
          `ln -s ${up}${outside} l; tar -cf a.tar l; rm l; mkdir l; echo p > l/planted; tar -rf a.tar l/planted; cat a.tar`,
        ),
        hardLink(`${outside}/secret`),
        hardLink(`${up}${outside}/secret`),
        tar(
          `ln -s /proc/1/root l; tar -cf a.tar l; rm l; mkdir -p l${outside}; echo p > l${outside}/planted; tar -rf a.tar l${outside}/planted; cat a.tar`,
        ),
        tar(
          `ln -s /proc/self/fd l; tar -cf a.tar l; rm l; mkdir -p l/4; echo p > l/4/planted; tar -rf a.tar l/4/planted; cat a.tar`,
        ),
      ];
      for (const container of ['target', 'box'])
        for (const [index, attack] of attacks.entries()) {
          const { status } = await at('PUT', container, '/tmp', await attack);
          assert.ok(status === 200 || status === 400 || status === 500, `attack ${index}: ${status}`);
          await untouched();
        }
      await ground.says('rm', '-f', 'target', 'box');
    });
    /** A hard link to a name, then a file of that name: who follows it writes to the other. */
    async function hardLink(to: string): Promise<Buffer> {
      const script = `
import tarfile,io,sys
t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|')
l=tarfile.TarInfo('h'); l.type=tarfile.LNKTYPE; l.linkname=sys.argv[1]; t.addfile(l)
f=tarfile.TarInfo('h'); f.size=1; t.addfile(f,io.BytesIO(b'p')); t.close()`;
      const { stdout } = await promisify(execFile)('python3', ['-c', script, to], { encoding: 'buffer' });
      return stdout;
    }

    test('devices, programs and marks of the file system below do not come with an archive as more than files', async () => {
      await ground.says('run', '-d', '--name', 'marks', '--network', 'none', 'busybox:test', 'sleep', '1000');
      const script = `
import tarfile,io,sys
t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|',format=tarfile.PAX_FORMAT)
def add(n,k=tarfile.REGTYPE,**p):
  i=tarfile.TarInfo(n); i.type=k; i.pax_headers=p.get('pax',{}); i.devmajor,i.devminor=p.get('dev',(0,0)); t.addfile(i)
add('d',tarfile.DIRTYPE,pax={'SCHILY.xattr.trusted.overlay.opaque':'y','SCHILY.xattr.user.overlay.opaque':'y'})
add('f',pax={'SCHILY.xattr.trusted.overlay.redirect':'/etc','SCHILY.xattr.user.overlay.metacopy':''})
add('.wh.etc'); add('.wh..wh..opq')
t.close()`;
      const { stdout } = await promisify(execFile)('python3', ['-c', script], { encoding: 'buffer' });
      assert.equal((await at('PUT', 'marks', '/', stdout)).status, 200);
      assert.equal((await at('HEAD', 'marks', '/etc/passwd')).status, 200, 'a whiteout in an archive is a file');
      const { body } = await at('GET', 'marks', '/d');
      assert.ok(!body.includes('overlay'));
      const whiteout = await at('PUT', 'marks', '/tmp', await tar('tar -cf - --files-from /dev/null'));
      assert.equal(whiteout.status, 200);
      await ground.says('rm', '-f', 'marks');
      await untouched();
      await rm(path.join(ground.folder, 'plain.tar'), { force: true });
    });
  });
