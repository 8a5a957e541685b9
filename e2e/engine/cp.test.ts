/** `docker cp` on our engine and on Debian's dockerd: every kind of source and destination, both ways; then all that a file can be. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { rounds } from '../fixtures/campaign.js';
import { docker, loadBusybox, request, run, startDockerd, startEngine, type Ran } from '../fixtures/engine.js';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

/** Where ours differs from dockerd 20.10, and why. A difference that is not here fails, and so does one that does not come out. */
const DIFFERENCES: Record<string, string> = {
  'GET /etc/passwd/': 'the message names the path in the container, not on the host, as Docker does since 23',
  'GET /etc/passwd/x': 'the same',
  'PUT into a file': '400, as Docker since 23, where 20.10 said 500',
  'PUT no tar': '400: the request is what is wrong',
  'PUT half a tar': '400: the request is what is wrong',
  'PUT out of the target': '400: the request is what is wrong',
  'PUT over what is mounted': '409: it is not the engine that failed',
  'PUT zstd': 'is read: Docker reads it since 23',
  'PUT a link that leads up': 'is kept as it is: nothing follows it out of the container',
  'HEAD /tmpfs/file': 'what is mounted is seen, tmpfs too',
};

interface Peer {
  readonly name: string;
  readonly socket: string;
  /** Of this machine: what is copied from, and a place for each case to copy to. */
  readonly folder: string;
  cli(...args: string[]): Promise<Ran>;
}

/** An entry of a tar in words: kind and mode, owner, size or what it is a link to. */
async function listing(tar: Buffer): Promise<string[]> {
  const listed = await run('python3', ['-c', LISTING], { input: tar });
  assert.equal(listed.code, 0, listed.stderr);
  return listed.stdout.split('\n').filter(Boolean);
}
const LISTING = `
import tarfile,sys,hashlib,io
t=tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()))
for m in t:
  x={k:v for k,v in m.pax_headers.items() if k.startswith('SCHILY.xattr.')}
  h=hashlib.sha256(t.extractfile(m).read()).hexdigest()[:12] if m.isreg() else m.linkname
  print(repr(m.name),m.type.decode(),oct(m.mode&0o7777),m.uid,m.gid,m.size,h,(m.devmajor,m.devminor) if m.type in b'34' else '',sorted(x.items()))
`;

/** What stands between the two engines' words. */
const plain = (text: string) =>
  text
    .replace(/^time=.*closed pipe"$/gm, '') // the command line's own
    .replace(/Error response from daemon: /g, '')
    .replace(/Error processing tar file\(exit status 1\): /g, '')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/\n\n?Run 'docker cp --help'.*/s, '')
    .trim();

describe('docker cp beside dockerd', { skip: needsRoot, timeout: 900_000 }, () => {
  const peers: Peer[] = [];
  const engines: AsyncDisposable[] = [];
  let base: string;

  before(async () => {
    base = await mkdtemp(path.join(tmpdir(), 'slipway-cp-'));
    for (const [name, start] of [
      ['ours', startEngine],
      ['theirs', startDockerd],
    ] as const) {
      const engine = await start();
      engines.push(engine);
      const folder = path.join(base, name);
      await mkdir(folder);
      await loadBusybox(engine);
      peers.push({ name, folder, socket: engine.socket, cli: (...args) => docker(engine, args) });
    }
    await both(prepare);
  });
  after(async () => {
    for (const engine of engines) await engine[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  const both = async <Result>(act: (peer: Peer) => Promise<Result>): Promise<[ours: Result, theirs: Result]> => {
    const [ours, theirs] = peers as [Peer, Peer];
    return Promise.all([act(ours), act(theirs)]);
  };
  /** The same on both, but for what DIFFERENCES says. */
  const same = async (what: string, act: (peer: Peer) => Promise<unknown>): Promise<void> => {
    const [ours, theirs] = await both(act);
    if (what in DIFFERENCES) assert.notDeepEqual(ours, theirs, `${what}: no difference any more`);
    else assert.deepEqual(ours, theirs, what);
  };
  const done = (ran: Ran) => assert.equal(ran.code, 0, ran.stderr);
  const at = ({ socket }: Peer, method: string, container: string, to: string, body?: Buffer, query = '') =>
    request(socket, method, `/containers/${container}/archive?path=${encodeURIComponent(to)}${query}`, body, {
      'Content-Type': 'application/x-tar',
    });

  /** Sources of every kind, and a fresh set of destinations for each case, in the containers and beside them. */
  const kinds = 'mkdir -p dir/sub && echo one > file && echo two > dir/a && echo three > dir/sub/b && ln -s a dir/la';
  const links = 'ln -s file tofile && ln -s dir todir && ln -s nothing tonothing';
  const places = (count: number) =>
    `for i in $(seq ${count}); do mkdir -p to/$i/dir && echo old > to/$i/file && ln -s dir to/$i/todir; done`;

  async function prepare(peer: Peer): Promise<void> {
    const script = `umask 022; ${kinds} && ${links} && ${places(CASES.length)}`;
    await promisify(execFile)('sh', ['-c', script], { cwd: peer.folder });
    const inside = `mkdir /w; cd /w; ${script}; echo y > /tmpfs/file; chmod 751 /w/dir/sub; exec sleep 1000`;
    const bind = path.join(peer.folder, 'bound');
    await mkdir(bind);
    await writeFile(path.join(bind, 'inside'), 'bound\n');
    const mounts = [
      '-v',
      `${bind}:/bound`,
      '-v',
      'named:/named',
      '-v',
      '/etc/anonymous',
      '-v',
      `${bind}:/fixed:ro`,
      '--tmpfs',
      '/tmpfs',
    ];
    done(
      await peer.cli('run', '-d', '--name', 'web', '--network', 'none', ...mounts, 'busybox:test', 'sh', '-c', inside),
    );
    done(await peer.cli('create', '--name', 'box', '--network', 'none', ...mounts, 'busybox:test', 'true'));
    done(
      await peer.cli(
        'run',
        '-d',
        '--name',
        'fixed',
        '--read-only',
        '--network',
        'none',
        ...mounts,
        'busybox:test',
        'sleep',
        '1000',
      ),
    );
    for (let tries = 0; (await peer.cli('exec', 'web', 'test', '-e', '/tmpfs/file')).code !== 0; tries++)
      assert.ok(tries < 1000);
  }

  const SOURCES = ['file', 'dir', 'dir/', 'dir/.', 'tofile', 'todir', 'todir/', 'tonothing', 'missing', 'file/'];
  const TARGETS = ['', 'dir', 'dir/', 'file', 'file/', 'todir', 'new', 'new/', 'no/new'];
  const CASES: { flags: string[]; from: string; to: string }[] = [
    ...SOURCES.flatMap((from) => TARGETS.map((to) => ({ flags: [] as string[], from, to }))).filter(
      (_, index) => index % rounds(4, 1) === 0,
    ),
    ...['file', 'dir', 'tofile', 'todir', 'tonothing'].map((from) => ({ flags: ['-L'], from, to: 'new' })),
    ...['file', 'dir', 'tofile'].map((from) => ({ flags: ['-a'], from, to: 'dir' })),
  ];

  test('into a container: each source to each target', async () => {
    const outcomes = await both(async (peer) => {
      const said: string[] = [];
      for (const [index, { flags, from, to }] of CASES.entries()) {
        const { code, stderr } = await peer.cli(
          'cp',
          '-q',
          ...flags,
          `${peer.folder}/${from}`,
          `web:/w/to/${index + 1}/${to}`,
        );
        said.push(`cp ${flags.join(' ')} ${from} to/${to}: ${code} ${plain(stderr).replaceAll(peer.folder, '')}`);
      }
      const tree = await listing((await at(peer, 'GET', 'web', '/w/to')).body);
      return { said, tree };
    });
    assert.deepEqual(outcomes[0].said, outcomes[1].said);
    assert.deepEqual(outcomes[0].tree, outcomes[1].tree);
  });

  test('out of a container: each source to each target', async () => {
    const outcomes = await both(async (peer) => {
      const said: string[] = [];
      for (const [index, { flags, from, to }] of CASES.entries()) {
        const { code, stderr } = await peer.cli(
          'cp',
          '-q',
          ...flags,
          `web:/w/${from}`,
          `${peer.folder}/to/${index + 1}/${to}`,
        );
        const where = plain(stderr)
          .replaceAll(peer.folder, '')
          .replace(/lstat \S*?\/w\//, 'lstat /w/')
          .replace(/Not a/, 'not a');
        said.push(`cp ${flags.join(' ')} ${from} to/${to}: ${code} ${where}`);
      }
      const tar = await promisify(execFile)('tar', ['-C', peer.folder, '--sort=name', '-cf', '-', 'to'], {
        encoding: 'buffer',
        maxBuffer: 1 << 26,
      });
      return { said, tree: await listing(tar.stdout) };
    });
    assert.deepEqual(outcomes[0].said, outcomes[1].said);
    assert.deepEqual(outcomes[0].tree, outcomes[1].tree);
  });

  test('what a path names', async () => {
    const stat = async (peer: Peer, container: string, to: string) => {
      const { status, headers } = await at(peer, 'HEAD', container, to);
      const text = Buffer.from(String(headers['x-docker-container-path-stat'] ?? ''), 'base64').toString();
      const { mtime, size, ...rest } = (text ? JSON.parse(text) : {}) as {
        mtime?: string;
        size?: number;
        mode?: number;
      };
      const directory = (rest.mode ?? 0) >= 2 ** 31;
      // A path that cannot be is the client's mistake; dockerd says 500.
      return {
        status: status === 500 ? 400 : status,
        ...rest,
        ...(!directory && { size }),
        dated: mtime !== undefined,
      };
    };
    const paths = [
      '/',
      '/.',
      '.',
      '/w',
      '/w/',
      '/w/.',
      '/w/file',
      '/w/file/',
      '/w/file/.',
      '/w/file/x',
      '/w/file/x/y',
      '/w/tofile',
      '/w/tofile/',
    ];
    paths.push(
      '/w/todir',
      '/w/todir/',
      '/w/todir/.',
      '/w/todir/a',
      '/w/todir/la',
      '/w/tonothing',
      '/w/tonothing/',
      '/w/no',
      '/w/no/',
      '/w/no/no',
    );
    paths.push(
      'w/../w/./file',
      '/../../w/file',
      '/w/todir/../file',
      '/bin/sh',
      '/bound',
      '/bound/inside',
      '/etc/passwd',
      '/tmpfs/file',
    );
    for (const to of paths) await same(`HEAD ${to}`, (peer) => stat(peer, 'web', to));
    for (const to of ['/', '/etc', '/bound/inside', '/fixed', '/tmp', '/no'])
      await same(`box ${to}`, (peer) => stat(peer, 'box', to));
    for (const to of ['/w/no', '/etc/passwd/', '/etc/passwd/x'])
      await same(`GET ${to}`, async (peer) => {
        const { status, body } = await at(peer, 'GET', 'web', to);
        return [status, body.toString()];
      });
    for (const method of ['HEAD', 'GET', 'PUT'])
      await same(`${method} without a path`, async (peer) => (await at(peer, method, 'web', '')).status);
  });

  test('names in a tar are those of the path that was asked for', async () => {
    const names = async (peer: Peer, to: string) =>
      (await listing((await at(peer, 'GET', 'web', to)).body)).filter((line) => !/mtab|dockerenv/.test(line));
    for (const to of [
      '/w/dir',
      '/w/dir/',
      '/w/dir/.',
      '/w/todir',
      '/w/todir/',
      '/w/file',
      '/w/tofile',
      '/bound',
      '/bin/sh',
    ])
      await same(`GET ${to} as a tar`, (peer) => names(peer, to));
    const [ours, theirs] = await both((peer) => names(peer, '/'));
    const interesting = (lines: string[]) => lines.filter((line) => /^'\/(w|bin|etc\/g|home|root|bound)/.test(line));
    assert.deepEqual(interesting(ours), interesting(theirs));
    assert.ok(!ours.some((line) => /^'\/(proc|sys|dev)\/./.test(line)), 'the kernel is not copied');
  });

  test('a tar to a path', async () => {
    const tar = async (...args: string[]) =>
      (
        await promisify(execFile)('tar', ['-C', peers[0]!.folder, '-cf', '-', ...args], {
          encoding: 'buffer',
          maxBuffer: 1 << 26,
        })
      ).stdout;
    const put =
      (container: string, to: string, body: Buffer, query = '') =>
      async (peer: Peer) => {
        const answer = await at(peer, 'PUT', container, to, body, query);
        return [answer.status, plain(answer.body.toString())];
      };
    const file = await tar('file');
    await same('PUT', put('web', '/w/to', file));
    await same('PUT over a link', put('web', '/w/todir', file));
    await same('PUT into a file', put('web', '/w/file', file));
    await same('PUT nowhere', put('web', '/w/no', file));
    await same('PUT no tar', put('web', '/w', Buffer.from('this is no tar'.repeat(100))));
    await same('PUT half a tar', put('web', '/w', (await tar('dir')).subarray(0, 1400)));
    await same('PUT nothing', put('web', '/w', Buffer.alloc(0)));
    await same(
      'PUT out of the target',
      put('web', '/w/dir', await tar('-P', '--transform', 's,file,../../out,', 'file')),
    );
    await same(
      'PUT a link that leads up',
      put('web', '/w/dir', await tar('--transform', 's,nothing,../../../up,S', 'tonothing')),
    );
    const overDirectory = await tar('--transform', 's,file,dir,', 'file');
    const refusals = await both(put('web', '/w', overDirectory, '&noOverwriteDirNonDir=1'));
    assert.deepEqual(
      refusals.map(([status, text]) => [status, text]),
      [
        [400, '{"message":"cannot overwrite directory \\"/w/dir\\" with non-directory \\"/w\\""}'],
        [500, '{"message":"cannot overwrite directory \\"/w/dir\\" with non-directory \\"/w\\""}'],
      ],
    );
    for (const name of ['gzip', 'bzip2', 'xz', 'zstd']) {
      const packed =
        name === 'gzip'
          ? gzipSync(file)
          : (
              await promisify(execFile)('sh', ['-c', `${name} -c < file.tar`], {
                cwd: await kept(file),
                encoding: 'buffer',
              })
            ).stdout;
      await same(`PUT ${name}`, put('web', '/w/to', packed));
    }
    await same('PUT to a volume', put('web', '/bound', file));
    for (const [container, to] of [
      ['web', '/named'],
      ['box', '/named'],
      ['box', '/etc/anonymous'],
    ] as const) {
      await same(`PUT to ${to} of ${container}`, put(container, to, file));
      await same(`GET ${to} of ${container}`, async (peer) => listing((await at(peer, 'GET', container, to)).body));
    }
    await same('the volume has it', async (peer) => (await run('cat', [path.join(peer.folder, 'bound/file')])).stdout);
    await same('PUT to a stopped one', put('box', '/home', file));
    await same('PUT to its volume', put('box', '/bound', await tar('dir')));
    await same('and it is there', async (peer) =>
      (await listing((await at(peer, 'GET', 'box', '/home')).body)).join('\n'),
    );
    const busy = await tar('--transform', 's,file,hosts,', 'file');
    await same('PUT over what is mounted', put('web', '/etc', busy));
  });
  const kept = async (tar: Buffer) => {
    await writeFile(path.join(base, 'file.tar'), tar);
    return base;
  };

  test('a read-only container takes nothing but in its volumes and tmpfs', async () => {
    const answers = await both(async (peer) => {
      const empty = Buffer.alloc(1024);
      const said = [];
      for (const to of ['/tmp', '/bound', '/fixed', '/tmpfs']) {
        const { status, body } = await at(peer, 'PUT', 'fixed', to, empty);
        said.push([to, status, body.toString().trim()]);
      }
      return said;
    });
    const [rootfs, volume] = ['container rootfs', 'mounted volume'].map(
      (what) => `{"message":"${what} is marked read-only"}`,
    );
    // Docker answers 400 since 23, and refuses a tmpfs to this day.
    assert.deepEqual(answers[0], [
      ['/tmp', 400, rootfs],
      ['/bound', 200, ''],
      ['/fixed', 400, volume],
      ['/tmpfs', 200, ''],
    ]);
    assert.deepEqual(answers[1], [
      ['/tmp', 500, rootfs],
      ['/bound', 200, ''],
      ['/fixed', 500, volume],
      ['/tmpfs', 500, rootfs],
    ]);
  });

  test('all that a file can be goes in and comes out as it was', async () => {
    const script = [
      'set -e; mkdir all; cd all; echo x > plain; ln plain twice; ln -s plain link; mkfifo -m 620 pipe; mknod -m 640 null c 1 3; mknod disk b 7 200',
      'truncate -s 3M hole; echo end >> hole; chown 1000:2000 plain; chown -h 3:4 link; cp /bin/true suid; chmod 6755 suid; mkdir -m 1777 sticky',
      `mkdir ${'d'.repeat(100)}; touch ${'d'.repeat(100)}/${'n'.repeat(200)} $(printf 'caf\\303\\251') $(printf 'raw\\377')`,
      `touch -h -d @1000000000 link plain sticky; python3 -c 'import os; os.setxattr("plain", "user.note", b"kept")'`,
      'setcap cap_net_raw+ep suid; touch empty',
    ].join('; ');
    await promisify(execFile)('sh', ['-c', script], { cwd: base });
    const local = await promisify(execFile)(
      'tar',
      ['-C', base, '--sort=name', '--xattrs', '--format=pax', '-cf', '-', 'all'],
      { encoding: 'buffer', maxBuffer: 1 << 26 },
    );
    const seen = await both(async (peer) => {
      done(await peer.cli('cp', '-q', path.join(base, 'all'), 'web:/w'));
      const tar = (await at(peer, 'GET', 'web', '/w/all')).body;
      done(await peer.cli('cp', '-q', 'web:/w/all', peer.folder));
      const back = await promisify(execFile)('tar', ['-C', peer.folder, '--sort=name', '-cf', '-', 'all'], {
        encoding: 'buffer',
        maxBuffer: 1 << 26,
      });
      return { tar: await listing(tar), back: await listing(back.stdout) };
    });
    // The oracle forgets attributes of users, which Docker keeps since 25.
    const timeless = (lines: string[]) => lines.map((line) => line.replace(/\[.*user\.note.*\]$/, '[]')).sort();
    assert.deepEqual(timeless(seen[0].tar), timeless(seen[1].tar));
    assert.deepEqual(timeless(seen[0].back), timeless(seen[1].back));
    const note = Buffer.from('kept').toString();
    const upload = await at(peers[0]!, 'PUT', 'web', '/w/sticky-is-not-here', local.stdout);
    assert.equal(upload.status, 404);
    assert.equal((await at(peers[0]!, 'PUT', 'web', '/w/to', local.stdout)).status, 200);
    const again = await listing((await at(peers[0]!, 'GET', 'web', '/w/to/all')).body);
    assert.ok(
      again.some((line) => line.includes(`'SCHILY.xattr.user.note', '${note}'`)),
      again.join('\n'),
    );
  });

  test('a tar from stdin and to stdout', async () => {
    const tar = (await at(peers[0]!, 'GET', 'web', '/w/dir')).body;
    for (const flags of [[], ['-a']]) {
      const [ours, theirs] = await both(async (peer) => {
        done(await peer.cli('exec', 'web', 'mkdir', '-p', `/w/in${flags.length}`));
        done(await docker(peer, ['cp', '-q', ...flags, '-', `web:/w/in${flags.length}`], { input: tar }));
        const out = await peer.cli('cp', '-q', `web:/w/in${flags.length}/dir`, '-');
        return {
          code: out.code,
          err: out.stderr,
          size: out.stdout.length > 0,
          tree: await listing((await at(peer, 'GET', 'web', '/w/in0')).body),
        };
      });
      assert.deepEqual(ours, theirs);
    }
  });

  test('-a gives it to the user of the container', async () => {
    for (const peer of peers)
      done(await peer.cli('create', '--name', 'owned', '-u', '1000:2000', '--network', 'none', 'busybox:test', 'true'));
    const [ours] = peers as [Peer, Peer];
    done(await ours.cli('cp', '-q', '-a', path.join(ours.folder, 'file'), 'owned:/home'));
    const [line] = await listing((await at(ours, 'GET', 'owned', '/home/file')).body);
    assert.match(line ?? '', /^'file' 0 0o644 1000 2000 /);
  });

  test('a paused container is no hindrance', async () => {
    await same('cp of a paused container', async (peer) => {
      done(await peer.cli('pause', 'web'));
      const put = await peer.cli('cp', '-q', path.join(peer.folder, 'file'), 'web:/w/paused');
      const got = await at(peer, 'GET', 'web', '/w/paused');
      done(await peer.cli('unpause', 'web'));
      return [put.code, put.stderr, await listing(got.body)];
    });
  });

  test('events tell of it', async () => {
    const [ours, theirs] = await both(async (peer) => {
      const since = Math.floor(Date.now() / 1000);
      await at(peer, 'HEAD', 'box', '/');
      await at(peer, 'GET', 'box', '/home');
      await at(peer, 'PUT', 'box', '/home', Buffer.alloc(1024));
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const events = await peer.cli(
        'events',
        '--since',
        String(since),
        '--until',
        String(Math.floor(Date.now() / 1000)),
        '-f',
        'container=box',
        '--format',
        '{{.Action}} {{.Actor.Attributes.name}}',
      );
      return events.stdout;
    });
    assert.equal(ours, theirs);
  });
});
