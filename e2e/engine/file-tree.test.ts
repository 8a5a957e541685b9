/** A container's files one directory at a time, running and stopped, and changes to them, for every kind of engine. */
import assert from 'node:assert/strict';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FileEntry, FileListing, FileStat } from '../../main/contract/files.js';
import { request } from '../fixtures/engine.js';
import { everybody, fingerprint, needsRoot, open, up, type Ground } from './security/ground.js';

for (const who of everybody)
  describe(`files of containers of ${who}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    before(async () => {
      ground = await open(who);
      const make = [
        'mkdir -p /w/sub/deep /w/owned && echo one > /w/a && echo two > /w/sub/b && ln -s a /w/link && ln -s / /w/root',
        'mkfifo /w/pipe && chown -R app:app /w/owned && echo x > /w/owned/mine && chown app:web /w/owned/mine && chmod 640 /w/owned/mine',
        'echo more >> /etc/group && rm /etc/passwd.gone /bin/wget; rm -r /home; mkdir /home; exec sleep 1000',
      ].join('; ');
      for (const name of ['up', 'down']) {
        await ground.says('run', '-d', '--name', name, '-v', `data-${name}:/data`, 'busybox:test', 'sh', '-c', make);
        await settled(name);
      }
      await ground.says('stop', '-t', '0', 'down');
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const at = (container: string, what: string, query: Record<string, string | number> = {}) =>
      `/slipway/containers/${container}/${what}?${new URLSearchParams(query as Record<string, string>)}`;
    const list = async (container: string, dir: string, more: Record<string, string | number> = {}) => {
      const { status, body } = await request(ground.socket, 'GET', at(container, 'files', { path: dir, ...more }));
      assert.equal(status, 200, body.toString());
      return JSON.parse(body.toString()) as FileListing;
    };
    const entries = async (container: string, dir: string) =>
      new Map((await list(container, dir)).Entries.map((entry) => [entry.Name, entry]));
    const read = (container: string, file: string, more: Record<string, string | number> = {}) =>
      request(ground.socket, 'GET', at(container, 'file', { path: file, ...more }));
    const write = (container: string, file: string, text: string, version?: string) =>
      request(ground.socket, 'PUT', at(container, 'file', { path: file }), Buffer.from(text), {
        'Content-Type': 'application/octet-stream',
        ...(version && { 'If-Match': `"${version}"` }),
      });
    const remove = (container: string, file: string) =>
      request(ground.socket, 'DELETE', at(container, 'file', { path: file }));
    const makeDirectory = (container: string, dir: string) =>
      request(ground.socket, 'POST', at(container, 'directory', { path: dir }));
    const rename = (container: string, From: string, To: string) =>
      request(ground.socket, 'POST', at(container, 'rename'), { From, To });
    const message = (answer: { body: Buffer }) => (JSON.parse(answer.body.toString()) as { message: string }).message;
    async function settled(container: string): Promise<void> {
      for (let tries = 0; tries < 1000; tries++) {
        const { body } = await request(ground.socket, 'GET', at(container, 'files', { path: '/' }));
        const found = JSON.parse(body.toString()) as FileListing;
        const command = await ground.run('top', container);
        if (/sleep 1000$/m.test(command.stdout) && found.Entries.some(({ Name }) => Name === 'w')) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`${container} did not get that far`);
    }

    for (const container of ['up', 'down']) {
      test(`a directory of a container that is ${container} is listed by name, with kinds, owners and links`, async () => {
        const { Path, Entries, More } = await list(container, '/w');
        assert.equal(Path, '/w');
        assert.equal(More, undefined);
        const kinds = Entries.map(({ Name, Kind, LinkTarget }) => [Name, Kind, LinkTarget].filter(Boolean).join(' '));
        assert.deepEqual(kinds, [
          'a file',
          'link link a',
          'owned directory',
          'pipe fifo',
          'root link /',
          'sub directory',
        ]);
        const mine = (await entries(container, '/w/owned')).get('mine') as FileEntry;
        assert.deepEqual([mine.Size, mine.Mode, mine.Uid, mine.Gid, mine.Change], [2, 0o640, 1000, 2000, 'added']);
        assert.ok(Math.abs(Date.parse(mine.Mtime) - Date.now()) < 600_000, mine.Mtime);
      });

      test(`what a container that is ${container} has changed is marked, what it has deleted is listed`, async () => {
        const top = await entries(container, '/');
        const marks = (found: Map<string, FileEntry>) =>
          [...found.values()].filter(({ Change }) => Change).map(({ Name, Change }) => `${Name} ${Change}`);
        assert.deepEqual(marks(top), ['bin changed', 'etc changed', 'w added']);
        assert.deepEqual(marks(await entries(container, '/etc')), ['group changed']);
        assert.deepEqual(marks(await entries(container, '/bin')), ['wget deleted']);
        assert.equal((await entries(container, '/bin')).get('wget')?.Kind, 'link');
        assert.equal((await entries(container, '/bin')).get('busybox')?.Change, undefined);
        const diff = (await ground.says('diff', container)).split('\n').filter(Boolean);
        for (const [name, { Change }] of top)
          if (Change) assert.ok(diff.includes(`${{ added: 'A', changed: 'C', deleted: 'D' }[Change]} /${name}`), name);
      });

      test(`what is mounted in a container that is ${container} is said to be, and its content has no marks`, async () => {
        const data = (await entries(container, '/')).get('data') as FileEntry;
        assert.equal(data.Mount, true);
        await ok(write(container, '/data/kept', 'x'));
        assert.equal((await entries(container, '/data')).get('kept')?.Change, undefined);
      });

      test(`a long directory of a container that is ${container} comes in pages`, async () => {
        const all = (await list(container, '/bin')).Entries.map(({ Name }) => Name);
        assert.ok(all.length > 100);
        const seen: string[] = [];
        for (let after: string | undefined; ;) {
          const page = await list(container, '/bin', { limit: 50, ...(after && { after }) });
          seen.push(...page.Entries.map(({ Name }) => Name));
          if (!(after = page.More)) break;
        }
        assert.deepEqual(seen, all);
        assert.deepEqual(seen, [...seen].sort());
      });

      test(`a file in a container that is ${container} is read whole or in part, through links that stay inside`, async () => {
        const whole = await read(container, '/w/link');
        assert.equal(whole.body.toString(), 'one\n');
        const stat = JSON.parse(Buffer.from(String(whole.headers['x-slipway-file']), 'base64').toString()) as FileStat;
        assert.deepEqual([stat.Name, stat.Kind, stat.Size], ['a', 'file', 4]);
        assert.equal(whole.headers.etag, `"${stat.Version}"`);
        assert.equal((await read(container, '/w/a', { offset: 1, length: 2 })).body.toString(), 'ne');
        assert.equal((await read(container, '/w/root/w/sub/../a')).body.toString(), 'one\n');
        const missing = await read(container, '/w/nothing');
        assert.deepEqual(
          [missing.status, message(missing)],
          [404, `Could not find the file /w/nothing in container ${container}`],
        );
        for (const [file, word] of [
          ['/w', 'directory'],
          ['/w/pipe', 'fifo'],
        ]) {
          const refused = await read(container, file as string);
          assert.deepEqual([refused.status, message(refused)], [409, `${file} is a ${word}, not a file`]);
        }
        assert.equal((await read(container, '')).status, 400);
      });

      test(`a file in a container that is ${container} is written whole, and stays whose it was`, async () => {
        await ok(write(container, '/w/owned/mine', 'mine, changed\n'));
        await ok(write(container, '/w/owned/new', 'new\n'));
        await ok(write(container, '/w/link', 'through the link\n'));
        const owned = await entries(container, '/w/owned');
        const looks = (name: string) => {
          const { Mode, Uid, Gid, Size } = owned.get(name) as FileEntry;
          return [Mode.toString(8), Uid, Gid, Size];
        };
        assert.deepEqual(looks('mine'), ['640', 1000, 2000, 14]);
        assert.deepEqual(looks('new'), ['644', 1000, 1000, 4]);
        assert.equal((await entries(container, '/w')).get('link')?.Kind, 'link');
        assert.equal((await read(container, '/w/a')).body.toString(), 'through the link\n');
        assert.deepEqual([...owned.keys()], ['mine', 'new']); // nothing was left beside them
        await ok(write(container, '/w/empty', ''));
        assert.equal((await entries(container, '/w')).get('empty')?.Size, 0);
        await ok(write(container, '/etc/hosts', '127.0.0.1 localhost changed\n')); // mounted by itself
        assert.equal((await read(container, '/etc/hosts')).body.toString(), '127.0.0.1 localhost changed\n');
      });

      test(`a file in a container that is ${container} is not written over what somebody else wrote`, async () => {
        await ok(write(container, '/w/shared', 'first'));
        const { Version } = statOf(await read(container, '/w/shared'));
        await ok(write(container, '/w/shared', 'somebody else', Version));
        const refused = await write(container, '/w/shared', 'mine', Version);
        assert.deepEqual(
          [refused.status, message(refused)],
          [409, '/w/shared was changed by somebody else in the meantime'],
        );
        assert.equal((await read(container, '/w/shared')).body.toString(), 'somebody else');
      });

      test(`what cannot be written in a container that is ${container} is refused in a sentence`, async () => {
        const refusals: [Promise<{ status: number; body: Buffer }>, number, RegExp][] = [
          [write(container, '/w/sub', 'x'), 409, /^\/w\/sub is a directory, not a file$/],
          [write(container, '/w/pipe', 'x'), 409, /is a fifo, not a file$/],
          [write(container, '/w/none/x', 'x'), 404, /Could not find the file/],
          [write(container, '/w/a/x', 'x'), 400, /not a directory/],
          [write(container, '/w/none/', 'x'), 400, /asks for a directory|Could not find/],
          [makeDirectory(container, '/w/sub'), 409, /^\/w\/sub is there already$/],
          [makeDirectory(container, '/'), 400, /must end in a name/],
          [rename(container, '/w/a', '/w/sub'), 409, /is there already/],
          [rename(container, '/w/sub', '/w/sub/deep/x'), 400, /cannot be moved into itself/],
          [rename(container, '/w/sub', '/w/root/w/sub/x'), 400, /cannot be moved into itself/],
          [rename(container, '/w/a', '/data/a'), 409, /on different mounts/],
          [rename(container, '/data', '/elsewhere'), 409, /is mounted into the container/],
          [remove(container, '/data'), 409, /is mounted into the container/],
          [remove(container, '/'), 400, /cannot be done to/],
          [remove(container, '/w/nothing'), 404, /Could not find the file/],
        ];
        for (const [answer, status, words] of refusals) {
          const { status: got, body } = await answer;
          assert.equal(got, status, body.toString());
          assert.match(message({ body }), words);
        }
      });

      test(`directories in a container that is ${container} are made, moved and removed with all that is in them`, async () => {
        await ok(makeDirectory(container, '/w/owned/d'));
        const d = (await entries(container, '/w/owned')).get('d') as FileEntry;
        assert.deepEqual([d.Kind, d.Mode, d.Uid, d.Gid], ['directory', 0o755, 1000, 1000]);
        await ok(write(container, '/w/owned/d/f', 'f'));
        await ok(rename(container, '/w/owned/d', '/w/moved'));
        assert.equal((await read(container, '/w/moved/f')).body.toString(), 'f');
        // One of the image, which overlay cannot rename.
        const before = (await list(container, '/bin')).Entries.filter(({ Change }) => Change !== 'deleted');
        await ok(rename(container, '/bin', '/tools'));
        const names = (found: FileEntry[]) => found.map(({ Name, Kind, Mode, Uid }) => [Name, Kind, Mode, Uid]);
        assert.deepEqual(names((await list(container, '/tools')).Entries), names(before));
        assert.equal((await entries(container, '/')).get('bin')?.Change, 'deleted');
        await ok(rename(container, '/tools', '/bin'));
        await ok(remove(container, '/w/moved'));
        await ok(remove(container, '/w/link'));
        const left = await entries(container, '/w');
        assert.ok(!left.has('moved') && !left.has('link') && left.has('a'));
      });

      test(`links in a container that is ${container} lead nowhere outside of it`, async () => {
        const outside = path.join(ground.folder, 'outside');
        const before = await fingerprint(ground);
        await writeFile(path.join(outside, 'secret'), 'secret');
        await symlink('/etc', path.join(outside, 'etc')).catch(() => undefined);
        const links = path.join(ground.folder, 'links');
        await import('node:fs/promises').then(({ mkdir }) => mkdir(links, { recursive: true }));
        for (const [name, to] of [
          ['absolute', outside],
          ['upwards', `${up}${outside}`],
          ['magic', `/proc/self/root${outside}`],
          ['descriptor', '/proc/self/fd/3'],
        ])
          await symlink(to as string, path.join(links, name as string)).catch(() => undefined);
        const copied = await ground.run('cp', `${links}/.`, `${container}:/w/`);
        assert.equal(copied.code, 0, copied.stderr);
        for (const name of ['absolute', 'upwards', 'magic', 'descriptor']) {
          for (const answer of [
            await read(container, `/w/${name}/secret`),
            await write(container, `/w/${name}/secret`, 'overwritten'),
            await remove(container, `/w/${name}/secret`),
            await makeDirectory(container, `/w/${name}/made`),
            await request(ground.socket, 'GET', at(container, 'files', { path: `/w/${name}` })),
          ])
            assert.ok(answer.status >= 400, `${name}: ${answer.status} ${answer.body.toString()}`);
        }
        assert.ok((await read(container, `${up}${outside}/secret`)).status === 404);
        assert.deepEqual((await readdir(outside)).sort(), ['etc', 'secret']);
        assert.equal(await fingerprint(ground), before);
      });
    }

    test('a read-only container is refused what cp is refused, and its volumes are not', async () => {
      await ground.says('run', '-d', '--name', 'still', '--read-only', '-v', '/v', 'busybox:test', 'sleep', '1000');
      for (const stopped of [false, true]) {
        if (stopped) await ground.says('stop', '-t', '0', 'still');
        for (const answer of [
          write('still', '/x', 'x'),
          remove('still', '/bin/ls'),
          makeDirectory('still', '/d'),
          rename('still', '/bin/ls', '/l'),
        ]) {
          const { status, body } = await answer;
          assert.deepEqual([status, message({ body })], [400, 'container rootfs is marked read-only']);
        }
        await ok(write('still', '/v/x', 'x'));
      }
    });

    test("shells are found by looking, the user's own first", async () => {
      const shells = async (container: string) => {
        const { body } = await request(ground.socket, 'GET', `/slipway/containers/${container}/shells`);
        return JSON.parse(body.toString()) as unknown;
      };
      assert.deepEqual(await shells('up'), { Shells: ['/bin/sh', '/bin/ash'], Default: '/bin/sh', Toolbox: true });
      await ok(write('up', '/bin/zsh', '#!/bin/sh\n'));
      await ok(write('up', '/etc/passwd', 'root:x:0:0::/root:/usr/bin/fish\napp:x:1000:1000::/:/usr/sbin/nologin\n'));
      assert.deepEqual(await shells('up'), { Shells: ['/bin/ash', '/bin/sh'], Default: '/bin/ash', Toolbox: true });
    });

    const ok = async (answer: Promise<{ status: number; body: Buffer }>) => {
      const { status, body } = await answer;
      assert.ok(status < 300, `${status} ${body.toString()}`);
    };
    const statOf = ({ headers }: { headers: NodeJS.Dict<string | string[]> }) =>
      JSON.parse(Buffer.from(String(headers['x-slipway-file']), 'base64').toString()) as FileStat;
  });
