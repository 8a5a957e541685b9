/** Attacks by archives and layers as they come in: what they name lies inside, or is refused, and nothing of the host changes hands. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tar, { type Header } from 'tar-stream';
import { busyboxArchive, request, run } from '../../fixtures/engine.js';
import { needsRoot, open, up, type Ground } from './ground.js';

type Entry = Partial<Header> & { name: string; text?: string };
const file = (name: string, text = 'attack', more: Partial<Header> = {}): Entry => ({ name, text, ...more });
const link = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname });
const hard = (name: string, linkname: string): Entry => ({ name, type: 'link', linkname });
const directory = (name: string): Entry => ({ name, type: 'directory' });

async function tarOf(entries: Entry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { text, ...header } of entries) pack.entry(header, text ?? '');
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

for (const who of ['root', 'an ordinary user'] as const)
  describe(`what comes in, to the engine of ${who}`, { skip: needsRoot, timeout: 600_000 }, () => {
    let ground: Ground;
    let outside: string;
    let base: Buffer;
    let shadow: string;
    before(async () => {
      ground = await open(who);
      outside = path.join(ground.folder, 'outside');
      await writeFile(path.join(outside, 'secret'), 'of the host\n', { mode: 0o600 });
      const busybox = path.join(ground.folder, 'busybox');
      await mkdir(busybox);
      await run('tar', ['-C', busybox, '-xf', await busyboxArchive(), 'layer.tar']);
      base = await readFile(path.join(busybox, 'layer.tar'));
      shadow = await state('/etc/shadow');
      await ground.says('run', '--rm', '--network', 'none', 'busybox:test', 'true');
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const state = async (name: string): Promise<string> => {
      const { mode, uid, gid, nlink, size, mtimeMs } = await lstat(name);
      return JSON.stringify([mode, uid, gid, nlink, size, mtimeMs]);
    };
    const untouched = async (what: string) => {
      assert.deepEqual(await readdir(outside), ['secret'], what);
      assert.equal(await readFile(path.join(outside, 'secret'), 'utf8'), 'of the host\n', what);
      assert.equal((await lstat(path.join(outside, 'secret'))).mode & 0o7777, 0o600, what);
      assert.equal((await lstat(path.join(outside, 'secret'))).nlink, 1, what);
      assert.equal(await state('/etc/shadow'), shadow, what);
    };
    /** Nothing lies in the store's own folders but what the engine puts there by itself. */
    const store = async () => (await readdir(ground.dataRoot)).sort();
    const load = async (archive: Buffer) => {
      const { body } = await request(ground.socket, 'POST', '/images/load?quiet=1', archive);
      return /"error":"((?:[^"\\]|\\.)*)"/.exec(body.toString())?.[1];
    };
    const image = async (layer: Buffer) => {
      const layers = [base, layer];
      const config = JSON.stringify({
        ...{ architecture: 'amd64', os: 'linux', config: { Cmd: ['sh'], Env: ['PATH=/bin'] } },
        rootfs: { type: 'layers', diff_ids: layers.map((each) => `sha256:${sha256(each)}`) },
      });
      const manifest = [{ Config: 'config.json', RepoTags: ['evil:layer'], Layers: ['0.tar', '1.tar'] }];
      const pack = tar.pack();
      pack.entry({ name: '0.tar' }, base);
      pack.entry({ name: '1.tar' }, layer);
      pack.entry({ name: 'config.json' }, config);
      pack.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
      pack.finalize();
      const chunks: Buffer[] = [];
      for await (const chunk of pack) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    };

    test('a layer leads out by its names or its links (CVE-2014-9356, CVE-2014-9357, CVE-2021-41103, CVE-2025-47290)', async () => {
      const away = `${up}${outside}`;
      const attempts: [what: string, refused: boolean, entries: Entry[]][] = [
        ['above', true, [file('../above')]],
        ['above, from within', true, [directory('a'), file('a/../../above')]],
        ['to the outside', true, [file(`${away}/new`)]],
        ['absolute', false, [file(`${outside}/new`), file('/etc/shadow', 'mine')]],
        ['through a link to the outside', true, [link('way', away), file('way/new')]],
        ['through an absolute link', true, [link('way', outside), file('way/new')]],
        ['through two links', true, [link('one', away), link('two', 'one'), file('two/new')]],
        ['a directory over a link', false, [link('way', away), directory('way'), file('way/new')]],
        ['a link over a directory', true, [directory('way'), file('way/old'), link('way', away), file('way/new')]],
        ['the name of a link again', false, [link('secret', `${away}/secret`), file('secret')]],
        ['a hard link to the host', true, [hard('shadow', '/etc/shadow'), file('shadow')]],
        ['a hard link above', true, [hard('shadow', `${up}/etc/shadow`)]],
        ['a hard link by a link', true, [link('way', away), hard('secret', 'way/secret'), file('secret')]],
        ['a hard link to a link', false, [link('way', `${away}/secret`), hard('same', 'way'), file('same')]],
        ['a whiteout above', true, [file('.wh...')]],
        ['a whiteout of here', true, [file('.wh..')]],
        ['a whiteout of nothing', true, [file('.wh.')]],
        ['a whiteout through a link', true, [link('way', away), file('way/.wh.secret', '')]],
        ['opaque through a link', true, [link('way', away), file('way/.wh..wh..opq', '')]],
        ['opaque above', true, [file('../.wh..wh..opq', '')]],
        [
          'a mode through a link',
          false,
          [link('secret', `${away}/secret`), { name: 'secret', type: 'directory', mode: 0o777 }],
        ],
        [
          'overlay’s own words',
          false,
          [{ ...directory('etc'), pax: { 'SCHILY.xattr.trusted.overlay.redirect': away } }],
        ],
        [
          'overlay’s words of a user',
          false,
          [{ ...directory('etc'), pax: { 'SCHILY.xattr.user.overlay.redirect': away } }],
        ],
        [
          'a device of the host’s disk',
          false,
          [{ name: 'disk', type: 'block-device', devmajor: 8, devminor: 0, mode: 0o666 }],
        ],
        ['setuid', false, [file('su', 'x', { mode: 0o6777 })]],
        [
          'one name again and again',
          false,
          Array.from({ length: 50 }, (_, at) => (at % 2 ? link('x', away) : directory('x'))),
        ],
      ];
      const before = await store();
      for (const [what, refused, entries] of attempts) {
        const said = await load(await image(await tarOf(entries)));
        await untouched(what);
        assert.equal(said !== undefined, refused, `${what}: ${said}`);
        if (!refused) {
          const ran = await ground.run('run', '--rm', '--network', 'none', 'evil:layer', 'sh', '-c', 'cat /secret /way/secret; echo x > /secret; cat /disk | head -c 1; ls -ld /su'); // prettier-ignore
          assert.ok(!ran.stdout.includes('of the host'), what);
          await untouched(`${what}, run`);
        }
        await ground.run('rmi', '-f', 'evil:layer');
      }
      assert.deepEqual(await store(), before);
    });

    test('an archive of images leads out by what it names (CVE-2014-6407, CVE-2024-3727)', async () => {
      const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } });
      const docker = (Config: string, Layers: string[], more: Entry[] = []) =>
        tarOf([
          ...more,
          file('config.json', config),
          file('manifest.json', JSON.stringify([{ Config, RepoTags: ['evil:1'], Layers }])),
        ]);
      const digest = `sha256:${sha256(config)}`;
      const oci = (descriptor: object, more: Entry[] = []) =>
        tarOf([...more, file('index.json', JSON.stringify({ schemaVersion: 2, manifests: [descriptor] }))]);
      const manifestType = 'application/vnd.oci.image.manifest.v1+json';
      const secret = `${up}${outside}/secret`;
      const attempts: [what: string, archive: Buffer][] = [
        ['a configuration of the host', await docker('/etc/passwd', [])],
        ['a configuration outside', await docker(secret, [])],
        ['a layer of the host', await docker('config.json', ['/etc/shadow'])],
        ['a layer by a link', await docker('config.json', ['layer.tar'], [link('layer.tar', secret)])],
        ['a layer by a hard link', await docker('config.json', ['layer.tar'], [hard('layer.tar', '/etc/shadow')])],
        ['links in a circle', await docker('a', [], [link('a', 'b'), link('b', 'a')])],
        ['a manifest that is a link', await tarOf([link('manifest.json', secret)])],
        ['files above', await tarOf([file(`${up}${outside}/new`), file('../new'), file(`${outside}/new`)])],
        [
          'a digest that is a path',
          await oci({ mediaType: manifestType, digest: `sha256:${up}${outside}/secret`, size: 1 }),
        ],
        ['a digest of another kind', await oci({ mediaType: manifestType, digest: `md5:${'0'.repeat(32)}`, size: 1 })],
        [
          'a blob that is not what it is called',
          await oci({ mediaType: manifestType, digest, size: 1 }, [file(`blobs/sha256/${digest.slice(7)}`, 'other')]),
        ],
        [
          'names that are none',
          await tarOf([
            file('manifest.json', JSON.stringify([{ Config: 'c', RepoTags: ['../../x'], Layers: [] }])),
            file('c', config),
          ]),
        ],
        ['a manifest without an end', (await docker('config.json', [])).subarray(0, 1100)],
        ['an index of itself', await oci({ mediaType: 'application/vnd.oci.image.index.v1+json', digest, size: 1 })],
      ];
      const before = await store();
      for (const [what, archive] of attempts) {
        assert.ok(await load(archive), what);
        await untouched(what);
      }
      assert.deepEqual(await store(), before);
      for (const name of ['ingest', 'layers'])
        assert.deepEqual(
          (await readdir(path.join(ground.dataRoot, name))).filter((each) => each !== '1'),
          [],
          name,
        );
      await chmod(path.join(outside, 'secret'), 0o600);
    });

    test('an imported file system leads out', async () => {
      const away = `${up}${outside}`;
      for (const entries of [
        [file(`${away}/new`)],
        [link('way', away), file('way/new')],
        [hard('shadow', '/etc/shadow')],
      ]) {
        const { status, body } = await request(ground.socket, 'POST', '/images/create?fromSrc=-&repo=evil&tag=import', await tarOf(entries)); // prettier-ignore
        assert.ok(status >= 400 || /"error"/.test(body.toString()), body.toString());
        await untouched('import');
      }
      assert.equal((await request(ground.socket, 'GET', '/images/evil:import/json')).status, 404);
    });
  });
