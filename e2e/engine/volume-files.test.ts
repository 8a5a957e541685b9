/** Volumes looked at and changed without a container: what is known of them, their files, the bin. For root and for an ordinary user. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Bin } from '../../main/contract/bin.js';
import type { DiskUsage } from '../../main/contract/disk.js';
import type { FileListing, FileStat } from '../../main/contract/files.js';
import type { VolumeDiscarded, VolumeOverview, VolumeOverviews } from '../../main/contract/volume-data.js';
import { dice, rounds } from '../fixtures/campaign.js';
import { api, request, root, run, startEngine } from '../fixtures/engine.js';
import { needsRoot, open, up, type Ground } from './security/ground.js';

const SECRET = 'what the host keeps to itself\n';
/** Names that people and programs do give to files. */
const NAMES = ['with space', 'new\nline', '卷 данные ñ', '-dash', '#?&=%2F+', '"quoted"', "it's", 'tab\t.', '🗃'];

type Answer = Awaited<ReturnType<typeof request>>;
const message = ({ body }: Answer) => (JSON.parse(body.toString()) as { message: string }).message;
const statOf = ({ headers }: Answer) =>
  JSON.parse(Buffer.from(String(headers['x-slipway-file']), 'base64').toString()) as FileStat;

async function until<Result>(what: () => Promise<Result | undefined | false>): Promise<Result> {
  for (let tries = 0; tries < 4000; tries++) {
    const result = await what();
    if (result) return result;
    await sleep(25);
  }
  throw new Error('it does not come');
}

for (const who of ['root', 'an ordinary user'] as const)
  describe(`volumes of ${who}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    let outside: string;
    let atRest: number;
    before(async () => {
      ground = await open(who);
      outside = path.join(ground.folder, 'outside');
      await writeFile(path.join(outside, 'secret'), SECRET);
      await chmod(outside, 0o777);
      atRest = await workers();
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const overview = (name: string) => api<VolumeOverview>(ground.socket, 'GET', `/slipway/volumes/${name}`);
    const overviews = () => api<VolumeOverviews>(ground.socket, 'GET', '/slipway/volumes');
    const on = (method: string, volume: string, what: string, query: Record<string, string> = {}, body?: unknown) =>
      request(ground.socket, method, `/slipway/volumes/${volume}/${what}?${new URLSearchParams(query)}`, body, {
        'Content-Type': body instanceof Buffer ? 'application/octet-stream' : 'application/json',
      });
    const write = (volume: string, file: string, text: string, version?: string) =>
      request(
        ground.socket,
        'PUT',
        `/slipway/volumes/${volume}/file?${new URLSearchParams({ path: file })}`,
        Buffer.from(text),
        { 'Content-Type': 'application/octet-stream', ...(version && { 'If-Match': `"${version}"` }) },
      );
    const read = (volume: string, file: string) => on('GET', volume, 'file', { path: file });
    const list = async (volume: string, dir = '/') => {
      const answer = await ok(on('GET', volume, 'files', { path: dir }));
      return (JSON.parse(answer.body.toString()) as FileListing).Entries;
    };
    const ok = async (asked: Promise<Answer>): Promise<Answer> => {
      const answer = await asked;
      assert.ok(answer.status < 300, `${answer.status} ${answer.body.toString()}`);
      return answer;
    };
    const refused = async (asked: Promise<Answer>, status: number, words: RegExp) => {
      const answer = await asked;
      assert.equal(answer.status, status, answer.body.toString());
      assert.match(message(answer), words);
    };
    /** The helper, and its forks that are at work. */
    const workers = async () =>
      Number((await run('pgrep', ['-f', '-c', '--', `serve --run-dir ${ground.runDir} `])).stdout.trim());
    const untouched = async () => {
      assert.deepEqual(await readdir(outside), ['secret']);
      assert.equal(await readFile(path.join(outside, 'secret'), 'utf8'), SECRET);
    };
    const dataOf = (name: string, ...rest: string[]) => path.join(ground.dataRoot, 'volumes', name, '_data', ...rest);
    const says = (...args: string[]) => ground.says(...args);
    const tar = async (script: string): Promise<Buffer> => {
      const { stdout } = await promisify(execFile)('python3', ['-c', script], {
        encoding: 'buffer',
        maxBuffer: 1 << 26,
      });
      return stdout;
    };

    test('it is known who has a volume and where, from whom, and which container it was made with', async () => {
      const began = Date.now();
      const quiet = ['--network', 'none'];
      await says('run', '-d', '--name', 'one', ...quiet, '-v', 'data:/d', '-v', '/a', 'busybox:test', 'sleep', '1000');
      await says('create', '--name', 'two', ...quiet, '--volumes-from', 'one:ro', 'busybox:test');
      await says('create', '--name', 'three', ...quiet, '--volumes-from', 'two', '-v', 'data:/own', 'busybox:test');
      await says('volume', 'create', '--label', 'a=b', 'lone');
      const { Volumes } = await overviews();
      const users = ({ Users }: VolumeOverview) =>
        Users.map(({ Name, Running, Destination, ReadOnly, From }) =>
          [Name, Running, Destination, ReadOnly, From?.Name ?? null].join(' '),
        ).sort();
      const anonymous = Volumes.find(({ Anonymous }) => Anonymous);
      const [data, lone] = ['data', 'lone'].map((name) => Volumes.find(({ Name }) => Name === name));
      assert.ok(anonymous && data && lone);
      const id = (await says('inspect', '-f', '{{.Id}}', 'one')).trim();
      assert.deepEqual(users(data), [
        'one true /d false ',
        'three false /d true two',
        'three false /own false ',
        'two false /d true one',
      ]);
      assert.deepEqual([anonymous.Anonymous, data.Anonymous, lone.Anonymous], [true, false, false]);
      assert.deepEqual(
        [anonymous.CreatedBy, data.CreatedBy, lone.CreatedBy],
        [{ Id: id, Name: 'one' }, { Id: id, Name: 'one' }, null],
      );
      assert.deepEqual([lone.Users, lone.Labels, lone.Kind, lone.Backups, lone.Schedule], [[], { a: 'b' }, 'local', 0, null]); // prettier-ignore
      assert.equal(lone.Mountpoint, dataOf('lone'));
      assert.deepEqual([lone.Owner?.Mode, lone.Owner?.Inside], [0o755, { Uid: 0, Gid: 0 }]);
      await ok(write('data', '/file', 'x'.repeat(1000)));
      await says('rename', 'one', 'first');
      assert.deepEqual((await overview('data')).CreatedBy, { Id: id, Name: 'one' });
      assert.ok((await overview('data')).Users.some(({ Name }) => Name === 'first'));
      const counted = await until(async () => {
        const found = await overview('data');
        return found.Size !== null && found.LastWrite !== null && found;
      });
      assert.ok(Date.parse(counted.LastWrite as string) >= began - 1000, counted.LastWrite as string);
      await says('rm', '-f', 'first', 'two', 'three');
      assert.deepEqual((await overview('data')).Users, []);
      await refused(request(ground.socket, 'GET', '/slipway/volumes/nothing'), 404, /nothing: no such volume/);
    });

    test('files are listed, read, written, moved and removed, whatever they are called', async () => {
      await says('volume', 'create', 'files');
      for (const name of NAMES) await ok(write('files', `/${name}`, name));
      await ok(on('POST', 'files', 'directory', { path: '/dir' }));
      assert.deepEqual((await list('files')).map(({ Name }) => Name).sort(), [...NAMES, 'dir'].sort());
      for (const name of NAMES) {
        const found = await ok(read('files', `/${name}`));
        assert.equal(found.body.toString(), name);
        await ok(on('POST', 'files', 'rename', {}, { From: `/${name}`, To: `/dir/${name}!` }));
      }
      assert.deepEqual((await readdir(dataOf('files', 'dir'))).sort(), NAMES.map((name) => `${name}!`).sort());
      const all = (await list('files', '/dir')).map(({ Name }) => Name);
      const paged: string[] = [];
      for (let after = ''; ;) {
        const { body } = await ok(on('GET', 'files', 'files', { path: '/dir', limit: '2', ...(after && { after }) }));
        const { Entries, More } = JSON.parse(body.toString()) as FileListing;
        paged.push(...Entries.map(({ Name }) => Name));
        if (!(after = More ?? '')) break;
      }
      assert.deepEqual(paged, all);
      await says('run', '--rm', '--network=none', '-v', 'files:/v', 'busybox:test', 'cat', '/v/dir/卷 данные ñ!');
      await ok(on('DELETE', 'files', 'file', { path: '/dir' }));
      assert.deepEqual(await list('files'), []);
    });

    test('what was changed meanwhile is not written over, and what cannot be is refused in a sentence', async () => {
      await ok(write('files', '/shared', 'first'));
      const { Version } = statOf(await read('files', '/shared'));
      await ok(write('files', '/shared', 'second', Version));
      await refused(write('files', '/shared', 'third', Version), 409, /changed by somebody else in the meantime/);
      await ok(on('POST', 'files', 'directory', { path: '/d' }));
      await refused(read('files', '/none'), 404, /^Could not find the file \/none in volume files$/);
      await refused(read('files', '/d'), 409, /is a directory, not a file/);
      await refused(write('files', '/d', 'x'), 409, /is a directory, not a file/);
      await refused(write('files', '/none/x', 'x'), 404, /Could not find the file/);
      await refused(on('POST', 'files', 'directory', { path: '/' }), 400, /must end in a name/);
      await refused(on('DELETE', 'files', 'file', { path: '/' }), 400, /cannot be done to/);
      await refused(on('DELETE', 'files', 'file', { path: '' }), 400, /path cannot be empty/);
      await refused(on('POST', 'files', 'rename', {}, { From: '/d', To: '/d/e' }), 400, /moved into itself/);
      await refused(on('POST', 'files', 'rename', {}, { From: '/d', To: '/shared' }), 409, /is there already/);
      for (const name of ['none', '..', '%2e%2e%2fx', 'a%0ab', '%00'])
        assert.ok((await on('GET', name, 'files')).status >= 300, name);
      assert.equal((await read('files', '/shared')).body.toString(), 'second');
    });

    test('trees come and go as tars, with owners, modes, links and holes', async () => {
      const packed = await tar(`
import tarfile,io,sys
t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|',format=tarfile.PAX_FORMAT)
def add(n,k=tarfile.REGTYPE,data=b'',mode=0o640,**p):
  i=tarfile.TarInfo(n); i.type=k; i.mode=mode; i.uid=i.gid=33; i.size=len(data); i.mtime=1000000000; i.linkname=p.get('to',''); t.addfile(i,io.BytesIO(data))
add('t/',tarfile.DIRTYPE,mode=0o751); add('t/a',data=b'one'); add('t/l',tarfile.SYMTYPE,to='a'); add('t/h',tarfile.LNKTYPE,to='t/a'); add('t/p',tarfile.FIFOTYPE)
t.close()`);
      await ok(on('PUT', 'files', 'archive', { path: '/' }, packed));
      const look = 'cd /v/t; stat -c "%u %g %a %h %Y" a; readlink l; stat -c "%a %F" . p';
      const inside = await says('run', '--rm', '--network=none', '-v', 'files:/v', 'busybox:test', 'sh', '-c', look);
      assert.equal(inside, '33 33 640 2 1000000000\na\n751 directory\n640 fifo\n');
      const { headers } = await ok(on('HEAD', 'files', 'archive', { path: '/t' }));
      const stat = JSON.parse(
        Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString(),
      ) as object;
      assert.deepEqual({ ...stat, size: 0, mtime: '' }, { name: 't', size: 0, mode: 2 ** 31 + 0o751, mtime: '', linkTarget: '' }); // prettier-ignore
      const back = await ok(on('GET', 'files', 'archive', { path: '/t' }));
      await says('volume', 'create', 'copy');
      await ok(on('PUT', 'copy', 'archive', { path: '/' }, back.body));
      const again = await says('run', '--rm', '--network=none', '-v', 'copy:/v', 'busybox:test', 'sh', '-c', look);
      assert.equal(again, inside);
      await refused(on('PUT', 'copy', 'archive', { path: '/t/a' }, packed), 400, /not a directory/);
      await refused(on('PUT', 'copy', 'archive', { path: '/' }, Buffer.from('no tar at all, whatever it says')), 400, /archive/); // prettier-ignore
      await refused(on('GET', 'copy', 'archive', { path: '/none' }), 404, /in volume copy$/);
    });

    test('no link, no name and no tar leads out of a volume', async () => {
      await says('volume', 'create', 'links');
      for (const [name, to] of [
        ['absolute', outside],
        ['upwards', `${up}${outside}`],
        ['magic', `/proc/self/root${outside}`],
        ['descriptor', '/proc/self/fd/3'],
      ] as const) {
        await symlink(to, dataOf('links', name));
        for (const answer of [
          await read('links', `/${name}/secret`),
          await write('links', `/${name}/secret`, 'overwritten'),
          await on('DELETE', 'links', 'file', { path: `/${name}/secret` }),
          await on('POST', 'links', 'directory', { path: `/${name}/made` }),
          await on('GET', 'links', 'files', { path: `/${name}` }),
          await on('GET', 'links', 'archive', { path: `/${name}/secret` }),
          await on('PUT', 'links', 'archive', { path: `/${name}` }, Buffer.alloc(1024)),
        ])
          assert.ok(answer.status >= 400, `${name}: ${answer.status} ${answer.body.toString()}`);
      }
      assert.equal((await read('links', `${up}${outside}/secret`)).status, 404);
      const script = (name: string, to: string, kind: string) => `
import tarfile,io,sys
t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|')
l=tarfile.TarInfo('l'); l.type=tarfile.${kind}; l.linkname=${JSON.stringify(to)}; t.addfile(l)
f=tarfile.TarInfo(${JSON.stringify(name)}); f.size=1; t.addfile(f,io.BytesIO(b'p')); t.close()`;
      for (const attack of [
        script('l/planted', outside, 'SYMTYPE'),
        script('l/planted', `${up}${outside}`, 'SYMTYPE'),
        script('l', `${outside}/secret`, 'LNKTYPE'),
        script('l', `${up}${outside}/secret`, 'LNKTYPE'),
        script(`${up.slice(0, -1)}${outside}/planted`, 'x', 'SYMTYPE'),
        script(`${outside}/planted`, 'x', 'SYMTYPE'),
      ])
        await on('PUT', 'links', 'archive', { path: '/' }, await tar(attack));
      // A whole tree with such links has them as links, and nothing of what they lead to.
      const { body } = await ok(on('GET', 'links', 'archive', { path: '/' }));
      assert.ok(!body.includes(SECRET.trim()), 'the host was read');
      await untouched();
    });

    test('a file or a directory that becomes a link while it is read or written (CVE-2023-0778, CVE-2018-15664)', async () => {
      const swap = path.join(ground.folder, 'tools/swap');
      const built = await run('gcc', ['-static', '-O1', '-o', swap, path.join(root, 'native/tests/inside/swap.c')]);
      assert.equal(built.code, 0, built.stderr);
      const mounts = ['-v', `${ground.folder}/tools:/t:ro`, '-v', 'racing:/x'];
      const make = `mkdir -p /x/a; echo harmless > /x/a/secret; ln -s ${outside} /x/b; echo harmless > /x/f; ln -s ${outside}/secret /x/g; /t/swap /x/f /x/g & exec /t/swap /x/a /x/b`;
      await says('run', '-d', '--name', 'racer', '--network=none', ...mounts, 'busybox:test', 'sh', '-c', make);
      await until(async () => (await on('HEAD', 'racing', 'archive', { path: '/g' })).status === 200);
      const planted = await tar(`
import tarfile,io,sys
t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|')
for n in ('a/planted','planted'):
  f=tarfile.TarInfo(n); f.size=1; t.addfile(f,io.BytesIO(b'p'))
t.close()`);
      const seen = new Set<string>();
      for (let round = 0; round < rounds(25, 10_000); round++) {
        for (const [what, file] of [
          ['archive', '/f'],
          ['file', '/f'],
          ['archive', '/a'],
          ['file', '/a/secret'],
          ['archive', '/'],
        ] as const) {
          const { status, body } = await on('GET', 'racing', what, { path: file });
          if (status === 200) seen.add(`${what} ${file}`);
          assert.ok(!body.includes(SECRET.trim()), `the host was read: ${what} ${file}`);
        }
        await on('PUT', 'racing', 'archive', { path: round % 2 ? '/' : '/a' }, planted);
        await write('racing', '/a/secret', 'harmless');
        await on('DELETE', 'racing', 'file', { path: '/a/planted' });
      }
      assert.ok(seen.has('archive /') && seen.size >= 3, [...seen].join());
      await says('rm', '-f', 'racer');
      await untouched();
    });

    test('a volume that stands for a directory of this machine has the files of that, and nothing where it is gone', async () => {
      const folder = path.join(ground.folder, 'engine/a folder');
      await mkdir(folder);
      await writeFile(path.join(folder, 'mine'), 'mine\n');
      await run('chmod', ['-R', '777', folder]);
      await says('volume', 'create', '--opt', 'type=none', '--opt', 'o=bind', '--opt', `device=${folder}`, 'folder');
      assert.deepEqual((await list('folder')).map(({ Name }) => Name), ['mine']); // prettier-ignore
      await ok(write('folder', '/new', 'new'));
      assert.equal(await readFile(path.join(folder, 'new'), 'utf8'), 'new');
      const { Kind, Mountpoint, Size, LastWrite, Owner } = await overview('folder');
      assert.deepEqual([Kind, Mountpoint, Size, LastWrite, Owner?.Mode], ['folder', folder, null, null, 0o777]);
      await run('mv', [folder, `${folder} moved`]);
      await refused(on('GET', 'folder', 'files'), 409, /a folder cannot be opened: No such file/);
      assert.equal((await overview('folder')).Owner, null);
      await says(
        'volume',
        'create',
        '--opt',
        'type=none',
        '--opt',
        'o=bind,ro',
        '--opt',
        `device=${folder} moved`,
        'ro',
      );
      assert.equal((await read('ro', '/mine')).body.toString(), 'mine\n');
      for (const asked of [
        write('ro', '/mine', 'x'),
        on('DELETE', 'ro', 'file', { path: '/mine' }),
        on('POST', 'ro', 'rename', {}, { From: '/mine', To: '/other' }),
        on('PUT', 'ro', 'archive', { path: '/' }, Buffer.alloc(1024)),
      ])
        await refused(asked, 400, /^the volume is read-only$/);
      await says('volume', 'rm', 'ro');
      await says('volume', 'rm', 'folder');
      assert.equal(await readFile(path.join(`${folder} moved`, 'new'), 'utf8'), 'new');
    });

    test('a volume in memory has files while a container runs with it', async () => {
      await says('volume', 'create', '--opt', 'type=tmpfs', '--opt', 'device=tmpfs', '--opt', 'o=size=1m', 'memory');
      await refused(
        on('GET', 'memory', 'files'),
        409,
        /are in memory: they are there while a container that has it runs/,
      );
      const run = ['run', '-d', '--name', 'remembers', '--network=none', '-v', 'memory:/v', 'busybox:test'];
      await says(...run, 'sh', '-c', 'echo said > /v/said; exec sleep 1000');
      await until(async () => (await read('memory', '/said')).body.toString() === 'said\n');
      await ok(write('memory', '/asked', 'asked'));
      assert.equal(await says('exec', 'remembers', 'cat', '/v/asked'), 'asked');
      const { Kind, Size, LastWrite } = await overview('memory');
      assert.deepEqual([Kind, Size, LastWrite], ['tmpfs', null, null]);
      await says('rm', '-f', 'remembers');
      await until(async () => (await on('GET', 'memory', 'files')).status === 409);
      await says('volume', 'rm', 'memory');
    });

    test('a removed volume comes back from the bin with all that is in it, and its name is free meanwhile', async () => {
      const bin = () => api<Bin>(ground.socket, 'GET', '/slipway/bin');
      const since = Math.floor(Date.now() / 1000);
      const look = ['run', '--rm', '--network=none', '-v', 'back:/v', 'busybox:test', 'sh', '-c'];
      const put = 'umask 077; echo kept > /v/f; ln -s f /v/l; chown -R 33:34 /v; chmod 2750 /v';
      await says('run', '--rm', '--network=none', '-v', 'binned:/v', 'busybox:test', 'sh', '-c', put);
      const { Id, Name, Until } = JSON.parse(
        (await ok(on('POST', 'binned', 'discard'))).body.toString(),
      ) as VolumeDiscarded;
      assert.equal(Name, 'binned');
      assert.ok(Date.parse(Until) > Date.now());
      assert.equal((await ground.run('volume', 'inspect', 'binned')).code, 1);
      assert.ok(!(await says('volume', 'ls', '-q')).split('\n').includes('binned'));
      await refused(on('GET', 'binned', 'files'), 404, /^No such volume: binned$/);
      const counted = await until(async () => {
        const found = (await bin()).Volumes?.find((each) => each.Id === Id);
        return found?.Size === 6 && found;
      });
      assert.equal(counted.Name, 'binned');
      const disk = await api<DiskUsage>(ground.socket, 'GET', '/slipway/disk');
      assert.deepEqual([disk.Bin.Volumes, disk.Bin.Size], [1, 6]);
      await says('volume', 'create', 'binned');
      assert.deepEqual(await list('binned'), []);
      const restore = (query = '') => request(ground.socket, 'POST', `/slipway/bin/${Id.slice(0, 12)}/restore${query}`);
      await refused(restore(), 409, /the name "binned" is taken by another volume meanwhile/);
      await refused(restore('?name=..%2Fx'), 400, /invalid characters/);
      await ok(restore('?name=back'));
      const found = await says(...look, 'stat -c "%u %g %a" /v /v/f; cat /v/l');
      assert.equal(found, '33 34 2750\n33 34 600\nkept\n');

      await says('create', '--name', 'user', '--network', 'none', '-v', 'back:/v', 'busybox:test');
      const user = (await says('inspect', '-f', '{{.Id}}', 'user')).trim();
      await refused(on('POST', 'back', 'discard'), 409, new RegExp(`^remove back: volume is in use - \\[${user}\\]$`));
      await api(ground.socket, 'POST', `/slipway/containers/user/discard`);
      await refused(on('POST', 'back', 'discard'), 409, /kept for what is in the bin: user/);
      assert.deepEqual(
        (await overview('back')).Users.map(({ Name: name, Binned }) => [name, Binned]),
        [['user', true]],
      );
      await ok(request(ground.socket, 'DELETE', '/slipway/bin/user'));
      await until(async () => (await overview('back')).Users.length === 0);
      await ok(on('POST', 'back', 'discard'));
      await ok(on('POST', 'binned', 'discard'));
      await ok(request(ground.socket, 'DELETE', '/slipway/bin/back'));
      assert.deepEqual(
        (await bin()).Volumes?.map((each) => each.Name),
        ['binned'],
      );
      await ok(request(ground.socket, 'DELETE', '/slipway/bin'));
      assert.deepEqual(await readdir(path.join(ground.dataRoot, 'volume-bin')), []);
      await says('volume', 'create', 'gone');
      await says('volume', 'rm', 'gone');
      assert.deepEqual((await bin()).Volumes, []);
      const heard = await says('events', '--since', `${since}`, '--until', `${Math.floor(Date.now() / 1000) + 1}`, '--format', '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.change}} {{.Actor.Attributes.name}}'); // prettier-ignore
      const told = heard.split('\n').filter((line) => /^(volume|daemon) /.test(line) && / (binned|back)\b/.test(line));
      assert.deepEqual(
        told
          .map((line) =>
            line
              .replaceAll('<no value>', '')
              .replace(/ [0-9a-f]{64} /, ' ')
              .trim(),
          )
          .filter((line) => !/ u?n?mount /.test(line)),
        [
          'volume create binned',
          'daemon bin discarded binned',
          'volume destroy binned',
          'volume create binned',
          'daemon bin restored binned',
          'volume create back',
          'daemon bin discarded back',
          'volume destroy back',
          'daemon bin discarded binned',
          'volume destroy binned',
          'daemon bin deleted back',
          'daemon bin deleted binned',
        ],
      );
    });

    // What a person's engine sees of mounts is as it was when that began.
    const full = { skip: who !== 'root' && 'needs root' };
    test('a disk that is full leaves the file that was there, and nothing beside it', full, async () => {
      const small = path.join(ground.folder, 'engine/small');
      await mkdir(small);
      await run('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=777', 'small', small]);
      try {
        await says('volume', 'create', '--opt', 'type=none', '--opt', 'o=bind', '--opt', `device=${small}`, 'small');
        await ok(write('small', '/kept', 'as it was'));
        const large = 'x'.repeat(2 << 20);
        await refused(write('small', '/kept', large), 500, /No space left/);
        await refused(write('small', '/new', large), 500, /No space left/);
        const packed = await tar(`
import tarfile,io,sys
t=tarfile.open(fileobj=sys.stdout.buffer,mode='w|')
f=tarfile.TarInfo('large'); f.size=2<<20; t.addfile(f,io.BytesIO(b'x'*(2<<20))); t.close()`);
        await refused(on('PUT', 'small', 'archive', { path: '/' }, packed), 500, /No space left/);
        assert.deepEqual((await list('small')).map(({ Name, Size }) => [Name, Size]), [['kept', 9]]); // prettier-ignore
        await says('volume', 'rm', 'small');
      } finally {
        await run('umount', ['-l', small]);
      }
    });

    test('nothing of all that is left: no worker, no mount, no directory without a volume', async () => {
      await until(async () => (await workers()) === atRest);
      const mounts = await readFile('/proc/self/mountinfo', 'utf8');
      assert.ok(!mounts.includes(ground.folder), 'something is still mounted');
      const names = (await overviews()).Volumes.map(({ Name }) => Name);
      assert.deepEqual((await readdir(path.join(ground.dataRoot, 'volumes'))).sort(), names.sort());
      await until(async () => (await readdir(path.join(ground.dataRoot, 'trash'))).length === 0);
      for (const name of names) {
        const left = await run('find', [dataOf(name), '-name', '.slipway-*']);
        assert.equal(left.stdout, '');
      }
    });
  });

test(
  'an engine that is killed leaves a volume there or in the bin, and of an upload no part of a file',
  { skip: needsRoot, timeout: 600_000 },
  async () => {
    await using engine = await startEngine();
    const roll = dice();
    const at = (...rest: string[]) => path.join(engine.dataRoot, 'volumes', 'data', '_data', ...rest);
    await api(engine.socket, 'POST', '/volumes/create', { Name: 'data' });
    await writeFile(at('file'), 'kept');
    const names = async () => (await api<VolumeOverviews>(engine.socket, 'GET', '/slipway/volumes')).Volumes.map(({ Name }) => Name); // prettier-ignore
    const binned = async () => ((await api<Bin>(engine.socket, 'GET', '/slipway/bin')).Volumes ?? []).map(({ Name }) => Name); // prettier-ignore
    for (let round = 0; round < rounds(6, 300); round++) {
      const there = (await names()).length > 0;
      const act = there ? '/slipway/volumes/data/discard' : '/slipway/bin/data/restore';
      const asked = request(engine.socket, 'POST', act).catch(() => undefined);
      await sleep(roll() * 12);
      await engine.kill();
      const answer = await asked;
      await engine.restart();
      assert.deepEqual([...(await names()), ...(await binned())], ['data'], act);
      if (answer?.status === 200) assert.equal((await names()).length > 0, !there, `${act} was done`);
      if ((await names()).length > 0) assert.equal(await readFile(at('file'), 'utf8'), 'kept');
    }
    if ((await names()).length === 0) await api(engine.socket, 'POST', '/slipway/bin/data/restore');
    assert.equal(await readFile(at('file'), 'utf8'), 'kept');

    const head = Buffer.alloc(512);
    head.write('large');
    head.write('0000644\0', 100);
    head.write('0000000\0', 108);
    head.write('0000000\0', 116);
    head.write('00010000000\0', 124);
    head.write('00000000000\0', 136);
    head.write('        0', 148);
    head.write(
      `${head
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    );
    const upload = http.request({
      socketPath: engine.socket,
      method: 'PUT',
      path: '/slipway/volumes/data/archive?path=/',
      headers: { 'Content-Type': 'application/x-tar' },
    });
    const failed = new Promise((resolve) => upload.once('error', resolve));
    upload.write(Buffer.concat([head, Buffer.alloc(1 << 20, 'x')]));
    await until(async () => (await readdir(at())).includes('large'));
    await engine.kill();
    await failed;
    await until(async () => !(await readdir(at())).includes('large'));
    await engine.restart();
    assert.deepEqual(await readdir(at()), ['file']);
    await api(engine.socket, 'DELETE', '/volumes/data');
  },
);
