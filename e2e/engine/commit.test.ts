/** What a container has changed, as a list, as a tar and as an image: ours beside dockerd's. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  api,
  docker,
  loadBusybox,
  request,
  run,
  startDockerd,
  startEngine,
  type Ran,
  type RunningEngine,
} from '../fixtures/engine.js';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

interface Peer {
  readonly socket: string;
  readonly folder: string;
  cli(...args: string[]): Promise<Ran>;
}

interface Change {
  Path: string;
  Kind: number;
}

interface Image {
  Id: string;
  Parent: string;
  Comment: string;
  Author: string;
  Architecture: string;
  Os: string;
  Config: Record<string, unknown>;
  RootFS: { Layers: string[] };
  RepoTags: string[];
}

/** Everything that a container may do to its image. */
const WORK = [
  'echo changed > /etc/passwd; mkdir -p /new/sub; echo x > /new/sub/f; ln /new/sub/f /new/hard; mkfifo /new/fifo; mknod /new/null c 1 3',
  'rm /bin/vi; rm -rf /home; mkdir /home; echo 1 > /home/z; chmod 700 /var; ln -s /etc/passwd /lnk; ln -s ../../nowhere /root/dangling',
  'echo t > /tmp/t; rm /tmp/t; touch /bound/x /tmpfs/y; mv /bin/awk /bin/gawk; chown 3:4 /usr; rm /bin/bc; mkdir /bin/bc; echo > /bin/bc/in',
  'chmod 4755 /bin/busybox; touch /new/$(printf "\\303\\251"); echo done; sleep 1000',
].join('; ');

describe('a container compared with its image, beside dockerd', { skip: needsRoot, timeout: 900_000 }, () => {
  const peers: Peer[] = [];
  const engines: AsyncDisposable[] = [];
  let ours: RunningEngine;
  let base: string;
  const done = (ran: Ran) => (assert.equal(ran.code, 0, ran.stderr + ran.stdout), ran.stdout);

  before(async () => {
    base = await mkdtemp(path.join(tmpdir(), 'slipway-commit-'));
    const add = async (name: string, engine: AsyncDisposable & { socket: string }) => {
      engines.push(engine);
      const folder = path.join(base, name);
      await mkdir(path.join(folder, 'bound'), { recursive: true });
      await loadBusybox(engine);
      peers.push({ folder, socket: engine.socket, cli: (...args) => docker(engine, args) });
    };
    ours = await startEngine();
    await add('ours', ours);
    await add('theirs', await startDockerd());
    await both(async ({ cli, folder }) => {
      const mounts = ['-v', `${folder}/bound:/bound`, '--tmpfs', '/tmpfs', '-w', '/work/dir'];
      done(await cli('run', '-d', '--name', 'busy', '--network', 'none', ...mounts, 'busybox:test', 'sh', '-c', WORK));
      for (let tries = 0; !done(await cli('logs', 'busy')).includes('done'); tries++) assert.ok(tries < 2000);
      done(await cli('run', '--name', 'quiet', 'busybox:test', 'true'));
      done(await cli('create', '--name', 'fresh', 'busybox:test', 'true'));
    });
  });
  after(async () => {
    for (const engine of engines) await engine[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  const both = <Result>(act: (peer: Peer) => Promise<Result>) =>
    Promise.all([act(peers[0] as Peer), act(peers[1] as Peer)]);
  const listing = async (tar: Buffer): Promise<string[]> => {
    const listed = await run('tar', ['--numeric-owner', '-tvf', '-'], { input: tar });
    // Times of what the containers made differ.
    return done(listed)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d /, ' '));
  };
  /** Made by the engines themselves, each in its way. */
  const own = /\.dockerenv|etc\/(hosts|hostname|resolv\.conf|mtab)| dev\/./;

  test('diff lists what was added, changed and deleted', async () => {
    const changes = async (peer: Peer) => api<Change[] | null>(peer.socket, 'GET', '/containers/busy/changes');
    const [mine, theirs] = await both(changes);
    const byPath = (list: Change[] | null) => (list ?? []).map(({ Path, Kind }) => `${Kind} ${Path}`).sort();
    assert.deepEqual(byPath(mine), byPath(theirs));
    // A directory stands before what is in it.
    const seen = new Set<string>(['/']);
    for (const { Path } of mine ?? []) {
      assert.ok(seen.has(path.dirname(Path)), `${Path} came before its directory`);
      seen.add(Path);
    }
    const said = await both(async ({ cli }) =>
      done(await cli('diff', 'busy'))
        .split('\n')
        .sort(),
    );
    assert.deepEqual(said[0], said[1]);
  });

  test('a container that has done nothing has changed nothing, whatever was mounted in it', async () => {
    for (const name of ['quiet', 'fresh']) {
      const answers = await both(({ socket }) => request(socket, 'GET', `/containers/${name}/changes`));
      assert.deepEqual(
        answers.map(({ body }) => body.toString()),
        ['null\n', 'null\n'],
      );
    }
  });

  test('export is the whole tree, and nothing of what is mounted in it', async () => {
    const [mine, theirs] = await both(async ({ socket }) => {
      const { status, headers, body } = await request(socket, 'GET', '/containers/busy/export');
      const tree = (await listing(body)).filter((line) => !own.test(line));
      return { status, type: headers['content-type'], tree };
    });
    assert.deepEqual(mine, theirs);
    assert.ok(!mine.tree.some((line) => / (bound|tmpfs|proc|sys)\/./.test(line)));
  });

  const commit = async ({ cli, socket }: Peer, args: string[], name: string): Promise<Image> => {
    done(await cli('commit', ...args, name));
    return api<Image>(socket, 'GET', `/v1.41/images/${name}/json`);
  };
  /** The newest layer of an image. */
  const topLayer = async ({ cli, folder }: Peer, name: string): Promise<string[]> => {
    const to = path.join(folder, 'saved');
    await rm(to, { recursive: true, force: true });
    await mkdir(to);
    done(await cli('save', '-o', path.join(to, 'all.tar'), name));
    await run('tar', ['-C', to, '-xf', path.join(to, 'all.tar')]);
    const [{ Layers }] = JSON.parse(await readFile(path.join(to, 'manifest.json'), 'utf8')) as [{ Layers: string[] }];
    return listing(await readFile(path.join(to, Layers.at(-1) as string)));
  };

  test('commit makes an image with the changes as its newest layer', async () => {
    const [mine, theirs] = await both(async (peer) => {
      const image = await commit(peer, ['-a', 'Me <me@here>', '-m', 'as it is', 'busy'], 'made:one');
      const { Comment, Author, Architecture, Os, RepoTags, Parent, RootFS } = image;
      const layer = (await topLayer(peer, 'made:one')).map((line) => line.replace(/^\S+( .*\.wh\.\.wh\.\.opq)$/, '$1'));
      const [newest, ...older] = done(
        await peer.cli('history', '--format', '{{.CreatedBy}} {{.Comment}}', '--no-trunc', 'made:one'),
      )
        .trim()
        .split('\n');
      const parent = await api<Image>(peer.socket, 'GET', '/images/busybox:test/json');
      return {
        Comment,
        Author,
        Architecture,
        Os,
        RepoTags,
        layers: RootFS.Layers.length,
        isChild: Parent === parent.Id,
        layer,
        newest,
        older,
      };
    });
    assert.deepEqual(mine.layer, theirs.layer);
    assert.deepEqual(mine, theirs);
    assert.ok(!mine.layer.some((line) => own.test(line)));
  });

  test('what was committed runs, is saved, loaded and removed like any image', async () => {
    const [mine] = peers as [Peer];
    await commit(mine, ['busy'], 'made:two');
    const look =
      'cat /etc/passwd /new/hard /home/z; ls /bin/vi /bound/x /tmp/t 2>&1; stat -c "%a %u:%g" /var /usr /bin/busybox; ls /bin/bc';
    const said = done(await mine.cli('run', '--rm', '--network', 'none', 'made:two', 'sh', '-c', `${look}; true`));
    assert.match(
      said,
      /^changed\nx\n1\nls: \/bin\/vi.*\nls: \/bound\/x.*\nls: \/tmp\/t.*\n700 0:0\n755 3:4\n4755 0:0\nin\n$/,
    );
    const file = path.join(base, 'two.tar');
    done(await mine.cli('save', '-o', file, 'made:two'));
    const { Id } = await api<Image>(mine.socket, 'GET', '/images/made:two/json');
    done(await mine.cli('rmi', 'made:two'));
    done(await mine.cli('load', '-q', '-i', file));
    assert.equal((await api<Image>(mine.socket, 'GET', '/images/made:two/json')).Id, Id);
    assert.equal(done(await mine.cli('run', '--rm', '--network', 'none', 'made:two', 'cat', '/new/hard')), 'x\n');
  });

  test('a container that has changed nothing makes an image without a layer of its own', async () => {
    const [mine, theirs] = await both(async (peer) => {
      const { RootFS } = await commit(peer, ['quiet'], 'made:same');
      return RootFS.Layers;
    });
    assert.deepEqual(mine, theirs);
    assert.equal(mine.length, 1);
  });

  test('--change does what the instruction does in a Dockerfile', async () => {
    const changes = [
      'ENV A=b C="d e" PATH=$PATH:/more',
      'ENV OLD form of it',
      'CMD ["x", "y"]',
      'ENTRYPOINT ep arg',
      'LABEL k=v "two words"="and more"',
      'EXPOSE 80 90/udp 7000-7002',
      'WORKDIR sub',
      'WORKDIR ../other',
      'USER app:web',
      'VOLUME /v /w',
      'VOLUME ["/x y"]',
      'ONBUILD RUN x',
      'HEALTHCHECK --interval=1m30s --timeout=3s --retries=2 CMD test -e /x',
    ];
    const fields = [
      'Env',
      'Cmd',
      'Entrypoint',
      'Labels',
      'ExposedPorts',
      'WorkingDir',
      'User',
      'Volumes',
      'OnBuild',
      'Healthcheck',
    ];
    const outcomes = await both(async (peer) => {
      const { Config } = await commit(peer, [...changes.flatMap((line) => ['-c', line]), 'busy'], 'made:changed');
      return Object.fromEntries(fields.map((field) => [field, Config[field]]));
    });
    assert.deepEqual(outcomes[0], outcomes[1]);
    for (const line of [
      'ENTRYPOINT ["only"]',
      'CMD',
      'cmd echo $A',
      'HEALTHCHECK NONE',
      'LABEL old form',
      'USER $HOME',
    ]) {
      const configs = await both(async (peer) => {
        const { Config } = await commit(peer, ['-c', line, 'busy'], 'made:line');
        return Object.fromEntries(fields.map((field) => [field, Config[field]]));
      });
      assert.deepEqual(configs[0], configs[1], line);
    }
    // Docker refuses these two here; there is no reason to.
    const [mine] = peers as [Peer];
    const { Config } = await commit(
      mine,
      ['-c', 'STOPSIGNAL SIGINT', '-c', 'SHELL ["ash"]', '-c', 'CMD', 'busy'],
      'made:more',
    );
    assert.deepEqual([Config['StopSignal'], Config['Shell']], ['SIGINT', ['ash']]);
  });

  test('what cannot be committed is refused in the same words', async () => {
    const lines = [
      'RUN x',
      'FOO bar',
      'ENV',
      'ENV a',
      'LABEL',
      'EXPOSE x',
      'EXPOSE',
      'USER',
      'VOLUME',
      'VOLUME [""]',
      'WORKDIR',
      'ONBUILD',
      'ONBUILD FROM x',
      'ONBUILD ONBUILD x',
      'HEALTHCHECK',
      'HEALTHCHECK RUN x',
      'HEALTHCHECK CMD',
      'HEALTHCHECK NONE x',
    ];
    for (const line of lines) {
      const [mine, theirs] = await both(async ({ cli }) => (await cli('commit', '-c', line, 'busy')).stderr);
      assert.equal(mine, theirs, line);
    }
    for (const args of [
      ['busy', 'UPPER:tag'],
      ['busy', 'a:b:c'],
      ['nobody', 'x'],
      ['busy', `x@sha256:${'0'.repeat(64)}`],
    ]) {
      const [mine, theirs] = await both(async ({ cli }) => (await cli('commit', ...args)).stderr);
      assert.equal(mine, theirs, args.join(' '));
    }
  });

  test('its processes stand still while it is committed, and go on; events tell of all of it', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1100)); // events are found by whole seconds
    const [mine, theirs] = await both(async ({ cli, socket }) => {
      const since = Math.floor(Date.now() / 1000);
      done(await cli('commit', '-m', 'told', 'busy', 'made:told'));
      done(await cli('commit', '--pause=false', 'busy'));
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const until = String(Math.floor(Date.now() / 1000));
      const said = done(
        await cli(
          'events',
          '--since',
          String(since),
          '--until',
          until,
          '--format',
          '{{.Type}} {{.Action}} {{.Actor.Attributes.comment}} {{.Actor.Attributes.imageRef}}',
        ),
      );
      const { State } = await api<{ State: { Status: string } }>(socket, 'GET', '/containers/busy/json');
      return {
        State: State.Status,
        said: said
          .split('\n')
          .filter((line) => !line.startsWith('network'))
          .sort(),
      };
    });
    assert.deepEqual(mine, theirs);
  });

  test('an engine that was killed in the middle of a commit has no half image, and makes it again', async () => {
    const [mine] = peers as [Peer];
    const many = path.join(base, 'many');
    await mkdir(many);
    for (let i = 0; i < 400; i++) await writeFile(path.join(many, String(i)), randomBytes(2 ** 16));
    done(await mine.cli('cp', '-q', many, 'busy:/'));
    const before = done(await mine.cli('images', '-aq', '--no-trunc'));
    for (const delay of [20, 120, 300]) {
      const going = mine.cli('commit', 'busy', 'made:killed');
      await new Promise((resolve) => setTimeout(resolve, delay));
      await ours.kill();
      await going;
      await ours.restart();
      const after = done(await mine.cli('images', '-aq', '--no-trunc'));
      if (after !== before) done(await mine.cli('rmi', 'made:killed'));
      const { State } = await api<{ State: { Status: string } }>(mine.socket, 'GET', '/containers/busy/json');
      if (State.Status === 'paused') done(await mine.cli('unpause', 'busy'));
    }
    done(await mine.cli('commit', 'busy', 'made:killed'));
    assert.equal(
      done(await mine.cli('run', '--rm', '--network', 'none', 'made:killed', 'sh', '-c', 'ls /many | wc -l')),
      '400\n',
    );
  });
});
