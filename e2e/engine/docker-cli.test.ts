/**
 * Docker's own command line against our socket and, command by command, against Debian's dockerd: the same output, the same exit codes.
 * What may differ is in the tables, each with its reason.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { api, docker, loadBusybox, request, run, startDockerd, startEngine, type Ran } from '../fixtures/engine.js';
import { DETACH, PROMPT, typed } from '../fixtures/terminal.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root for the dockerd to compare with' };

let ours: Awaited<ReturnType<typeof startEngine>>;
let theirs: Awaited<ReturnType<typeof startDockerd>>;
before(async () => {
  if (needs.skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startDockerd()]);
  await Promise.all([loadBusybox(ours), loadBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

/** What no two engines have in common: ids, moments, how long ago, invented names, addresses of this machine. */
const plain = (text: string) =>
  text
    .replace(/\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/\b[0-9a-f]{12}\b/g, '<short id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\b(about an? |less than an? |\d+ )(second|minute|hour)s?( ago)?/gi, '<long>')
    .replace(/(<long>) +/g, '$1 ')
    .replace(/ {2,}/g, '  ')
    .replace(/172\.\d+\.\d+\.\d+/g, '<address>')
    .replace(/\b[a-z]+_[a-z]+\b/g, '<name>')
    .trim();

const both = (args: string[], input?: string, program?: string): Promise<[Ran, Ran]> =>
  Promise.all([docker(ours, args, { input, program }), docker(theirs, args, { input, program })]);

interface SameOptions {
  input?: string;
  /** The sentence on stderr is each engine's own, though the code is the same, for this reason. */
  wording?: string;
  /** Another docker CLI than the one on PATH. */
  program?: string;
  /** Nobody promises an order of lines. */
  unordered?: boolean;
}

/** One command to both. */
async function same(args: string[], { input, wording, program, unordered }: SameOptions = {}): Promise<Ran> {
  const [mine, oracle] = await both(args, input, program);
  const said = `docker ${args.join(' ')}`;
  assert.equal(mine.code, oracle.code, `${said}: ${mine.stderr} (dockerd: ${oracle.stderr})`);
  const out = (ran: Ran) => (unordered ? plain(ran.stdout).split('\n').sort().join('\n') : plain(ran.stdout));
  assert.equal(out(mine), out(oracle), said);
  // What the CLI logs of itself (it is still sending when the answer comes) is chance.
  const err = (ran: Ran) => plain(ran.stderr.replace(/^time=.*\n/gm, ''));
  if (!wording) assert.equal(err(mine), err(oracle), said);
  else assert.equal(mine.stderr === '', oracle.stderr === '', said);
  return mine;
}

test('what a container prints, reads and ends with is the same', needs, async () => {
  const fresh = (...args: string[]) => ['run', '--rm', ...args];
  await same(fresh('busybox:test', 'sh', '-c', 'echo out; echo err >&2; exit 7'));
  await same(fresh('-i', 'busybox:test', 'cat'), { input: 'from a pipe\n' });
  await same(fresh('-i', 'busybox:test', 'wc', '-c'), { input: 'x'.repeat(3_000_000) });
  await same(fresh('busybox:test', 'sh', '-c', 'kill -9 $$'));
  await same(fresh('-t', 'busybox:test', 'sh', '-c', 'tty; echo one; echo two >&2'));
  await same(
    fresh(
      '-w',
      '/tmp',
      '-u',
      'app',
      '-e',
      'A=b',
      '--hostname',
      'here',
      'busybox:test',
      'sh',
      '-c',
      'pwd; id; hostname; env',
    ),
  );
  await same(fresh('-u', '1234:5678', 'busybox:test', 'id'));
  await same(fresh('--entrypoint', 'echo', 'busybox:test', 'a', 'b'));
  await same(fresh('--read-only', 'busybox:test', 'touch', '/x'));
  await same(fresh('--cap-drop', 'all', 'busybox:test', 'grep', 'Cap', '/proc/self/status'));
  await same(fresh('busybox:test', 'sh', '-c', 'grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status'));
  await same(fresh('--security-opt', 'no-new-privileges', 'busybox:test', 'grep', 'NoNew', '/proc/self/status'));
  await same(fresh('busybox:test', 'ps'));
  await same(fresh('busybox:test', 'cat', '/etc/hosts'));
});

test('a container that cannot start has the same exit code', needs, async () => {
  const wording = 'ours has no shim and no runc to name';
  for (const command of ['nosuch', '/etc', '/etc/passwd', '/nosuch/file'])
    assert.ok((await same(['run', '--rm', 'busybox:test', command], { wording })).code >= 126);
  assert.equal((await same(['run', '--rm', '-u', 'nobody-here', 'busybox:test', 'id'])).code, 125);
  assert.equal((await same(['run', '--rm', '-m', '4m', 'busybox:test', 'true'])).code, 125);
  assert.equal((await same(['run', '--rm', '--cpus', '99', 'busybox:test', 'true'])).code, 125);
  assert.equal((await same(['run', '--rm', '--network', 'nosuch', 'busybox:test', 'true'])).code, 125);
  await same(['run', '--rm', '--restart', 'always', 'busybox:test', 'true']);
});

test('a container’s life is the same', needs, async () => {
  const count = 'for i in 1 2 3 4 5; do echo line $i; echo error $i >&2; done; sleep 1000';
  await same(['run', '-d', '--name', 'web', '-l', 'tier=front', 'busybox:test', 'sh', '-c', count]);
  await same(['run', '-d', '--name', 'web', 'busybox:test', 'true']);
  await same(['ps']);
  await same([
    'ps',
    '-a',
    '--no-trunc',
    '--format',
    '{{.Names}}|{{.Image}}|{{.Command}}|{{.Status}}|{{.Ports}}|{{.Networks}}|{{.State}}|{{.Labels}}',
  ]);
  await same(['ps', '-q', '--filter', 'label=tier=front', '--filter', 'name=we']);
  await same(['exec', 'web', 'echo', 'hi']);
  await same(['exec', '-i', 'web', 'cat'], { input: 'through an exec' });
  await same(['exec', 'web', 'sh', '-c', 'echo to stderr >&2; exit 9']);
  await same(['exec', '-w', '/tmp', '-u', 'app', '-e', 'B=c', 'web', 'sh', '-c', 'pwd; id; echo $B']);
  await same(['exec', '-d', 'web', 'touch', '/tmp/made']);
  for (const engine of [ours, theirs])
    while ((await docker(engine, ['exec', 'web', 'test', '-e', '/tmp/made'])).code !== 0) await sleep(50);
  await same(['exec', 'web', 'ls', '/tmp']);
  await same(['logs', 'web']);
  await same([
    'inspect',
    '-f',
    '{{.State.Status}} {{.State.Running}} {{.Config.Cmd}} {{.Path}} {{.Args}} {{.Name}} {{.RestartCount}}',
    'web',
  ]);
  await same(['rm', 'web'], { wording: 'Docker has reworded it since' });
  await same(['pause', 'web']);
  await same(['ps', '--format', '{{.Status}}']);
  await same(['exec', 'web', 'true'], { wording: 'Docker has reworded it since' });
  await same(['unpause', 'web']);
  await same(['rename', 'web', 'shop']);
  await same(['restart', '-t', '0', 'shop']);
  await same(['stop', '-t', '1', 'shop']);
  await same(['stop', 'shop']);
  await same(['kill', 'shop']);
  await same(['wait', 'shop']);
  await same(['ps', '-a', '--format', '{{.Names}} {{.Status}}']);
  await same(['start', 'shop']);
  await same(['kill', '-s', 'KILL', 'shop']);
  await same(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}', 'shop']);
  await same(['rm', 'shop']);
  await same(['ps', '-aq']);
});

test('logs -f and wait see a container to its end', needs, async () => {
  await same([
    'create',
    '--name',
    'slow',
    'busybox:test',
    'sh',
    '-c',
    'for i in 1 2 3; do echo $i; sleep 0.2; done; exit 4',
  ]);
  await same(['start', 'slow']);
  const [followed, waited] = await Promise.all([same(['logs', '-f', 'slow']), same(['wait', 'slow'])]);
  assert.deepEqual([followed.stdout, waited.stdout], ['1\n2\n3\n', '4\n']);
  await same(['logs', '--tail', '2', 'slow']);
  await same(['logs', '-t', '--tail', '1', 'slow']);
  await same(['start', '-a', 'slow']);
  await same(['rm', 'slow']);
});

test('what is not there is said in the same words', needs, async () => {
  for (const verb of ['start', 'stop', 'kill', 'logs', 'rm', 'wait', 'pause', 'restart', 'top', 'attach', 'inspect'])
    assert.equal((await same([verb, 'nosuch'])).code, 1);
  await same(['exec', 'nosuch', 'true']);
  await same(['rmi', 'nosuch']);
  await same(['network', 'inspect', 'nosuch']);
  await same(['ps', '--filter', 'bogus=1']);
});

test('images are listed, named and removed the same', needs, async () => {
  await same(['images']);
  await same([
    'images',
    '--digests',
    '--no-trunc',
    '--format',
    '{{.Repository}} {{.Tag}} {{.Digest}} {{.ID}} {{.Size}}',
  ]);
  await same(['history', '--no-trunc', '--format', '{{.CreatedBy}} {{.Size}}', 'busybox:test']);
  await same(['tag', 'busybox:test', 'team/app:1']);
  await same(['images', 'team/app']);
  await same([
    'inspect',
    '-f',
    '{{.Id}} {{.RepoTags}} {{.Architecture}} {{.Os}} {{.Config.Cmd}} {{.RootFS.Layers}}',
    'team/app:1',
  ]);
  await same(['run', '--rm', 'team/app:1', 'true']);
  await same(['run', '-d', '--name', 'user', 'team/app:1', 'sleep', '1000']);
  await same(['rmi', 'team/app:1', 'busybox:test', 'busybox:latest'], { wording: 'which of its names may still go' });
  await same(['rm', '-f', 'user']);
  await same(['rmi', '-f', 'team/app:1'], { wording: 'it has gone' });
  await Promise.all([loadBusybox(ours), loadBusybox(theirs)]);
});

test('a terminal is the same: attached, left by its keys, joined again, resized, ended', needs, async () => {
  const answers = await Promise.all(
    [ours, theirs].map(async (engine) => {
      const ran = await typed(engine, 'docker run -it --name term busybox:test sh', [
        [PROMPT, 'stty size; tty; echo $((6*7))\n'],
        [/\n42\n/, DETACH],
      ]);
      assert.match(ran, /\/dev\/pts\/0\n42\n/);
      const joined = await typed(engine, 'docker exec -it term sh', [[PROMPT, 'tty; exit 3\n']]);
      const again = await typed(engine, 'docker attach term', [[PROMPT, 'echo back; exit 5\n']]);
      assert.match(again, /back\n/);
      await docker(engine, ['wait', 'term']);
      const { stdout } = await docker(engine, ['inspect', '-f', '{{.State.ExitCode}}', 'term']);
      await docker(engine, ['rm', 'term']);
      const codes = [ran, joined, again].map((text) => /code=(\d+)/.exec(text)?.[1]);
      return { codes, exit: stdout.trim() };
    }),
  );
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual(answers[0], { codes: ['0', '3', '5'], exit: '5' });
});

test('events tell the same story', needs, async () => {
  const story = async (engine: { socket: string }) => {
    const since = String(Date.now() / 1000);
    const one = (...args: string[]) => docker(engine, args);
    await one('run', '--name', 'told', '--network', 'none', 'busybox:test', 'true');
    await one('start', 'told');
    await one('wait', 'told');
    await one('rename', 'told', 'retold');
    await one('rm', 'retold');
    const filters = encodeURIComponent(JSON.stringify({ type: ['container'] }));
    await sleep(200);
    const url = `/events?since=${since}&until=${Date.now() / 1000}&filters=${filters}`;
    const { body } = await request(engine.socket, 'GET', url);
    const events = String(body)
      .trim()
      .split('\n')
      .map(
        (line) => JSON.parse(line) as { Action: string; Actor: { Attributes: Record<string, string> }; status: string },
      );
    return events.map(({ Action, status, Actor: { Attributes } }) =>
      [Action, status, Attributes['name'], Attributes['exitCode']].join(' '),
    );
  };
  const [mine, oracle] = await Promise.all([story(ours), story(theirs)]);
  assert.deepEqual(mine, oracle);
});

test('version and info say what they must', needs, async () => {
  const [mine, oracle] = await both(['version', '--format', '{{.Server.Os}}/{{.Server.Arch}}']);
  assert.equal(mine.stdout, oracle.stdout);
  const shape =
    '{{.OSType}} {{.Architecture}} {{.NCPU}} {{.MemTotal}} {{.CgroupVersion}} {{.KernelVersion}} {{.Swarm.LocalNodeState}}';
  await same(['info', '--format', shape]);
  assert.equal((await docker(ours, ['info'])).code, 0);
  const { Id } = await api<{ Id: string }>(ours.socket, 'GET', '/images/busybox:test/json');
  assert.match(Id, /^sha256:[0-9a-f]{64}$/);
});

/** A container's life in commands: each to both engines, by whichever docker CLI. */
async function life(same: (args: string[], options?: SameOptions) => Promise<Ran>) {
  const none = ['--network', 'none'];
  await same([
    'create',
    '--name',
    'life',
    '-i',
    '-m',
    '64m',
    '-e',
    'A=b',
    '-l',
    'tier=x',
    ...none,
    'busybox:test',
    'cat',
  ]);
  await same(['inspect', '-f', '{{.State.Status}} {{.Config.Env}} {{.HostConfig.Memory}} {{json .Mounts}}', 'life']);
  await same(['start', '-a', '-i', 'life'], { input: 'through start\n' });
  await same(['logs', 'life']);
  await same(['run', '-d', '--name', 'works', ...none, 'busybox:test', 'sh', '-c', 'echo begun; exec sleep 1000']);
  await same(['update', '--memory', '128m', '--memory-swap', '-1', '--restart', 'on-failure:2', 'works']);
  await same(['inspect', '-f', '{{.HostConfig.Memory}} {{json .HostConfig.RestartPolicy}}', 'works']);
  await same(['update', '--memory', '1m', 'works']);
  await same(['pause', 'works']);
  await same(['ps', '-a', '--filter', 'status=paused', '--format', '{{.Names}} {{.Status}}']);
  await same(['unpause', 'works']);
  await same(['exec', 'works', 'sh', '-c', 'echo one >/tmp/one; rm /etc/group; mkdir /var/new']);
  const changed = await same(['diff', 'works'], { unordered: true });
  assert.match(changed.stdout, /^A \/tmp\/one$/m);
  await same(['cp', 'works:/no/such', '-']);
  await same(['cp', '/etc/hostname', 'works:/tmp/there']);
  await same(['cp', '/etc/hostname', 'works:/no/such/place/']);
  await same(['exec', 'works', 'cat', '/tmp/there']);
  await same(['stop', '-t', '0', 'works']);
  await same(['container', 'prune', '-f', '--filter', 'label=nosuch']);
  await same(['rm', 'works', 'life', 'nosuch']);
  for (const what of ['network', 'builder', 'system']) await same([what, 'prune', '-f', '--filter', 'until=1h']);
}

async function furtherLife() {
  const none = ['--network', 'none'];
  await same(['create', '--name', 'life', '-l', 'tier=x', ...none, 'busybox:test', 'true']);
  await same(['run', '-d', '--name', 'works', ...none, 'busybox:test', 'sh', '-c', 'echo begun; exec sleep 1000']);
  await same(['exec', 'works', 'sh', '-c', 'echo one >/tmp/one']);
  await same(['commit', '-m', 'why', '-c', 'CMD ["echo", "from the commit"]', 'works', 'made:1']);
  await same(['run', '--rm', ...none, 'made:1']);
  await same(['run', '--rm', ...none, 'made:1', 'cat', '/tmp/one']);
  await same(['history', '--format', '{{.Comment}}', 'made:1']);
  await same(['port', 'works']);
  await same(['port', 'works', '80']);
  await same(['top', 'works', '-o', 'comm', '-o', 'ppid']);
  await same(['stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}}', 'works']);
  await same(['logs', '--details', '--since', '1h', '--until', '0s', 'works']);
  await same(['logs', '--tail', '0', 'works']);
  await same(['rename', 'works', 'worked']);
  await same(['kill', '-s', 'USR1', 'worked']);
  await same(['stop', '-t', '0', 'worked']);
  await same(['wait', 'worked']);
  await same(['ps', '-a', '--filter', 'exited=137', '--filter', 'label=tier', '--format', '{{.Names}}']);
  await same(['ps', '-a', '--filter', 'exited=137', '--format', '{{.Names}} {{.Image}} {{.Status}} {{.State}}']);
  await same(['ps', '-a', '--filter', 'ancestor=busybox:test', '--format', '{{.Names}}', '--last', '5']);
  await same(['ps', '-a', '--filter', 'since=life', '-q', '--no-trunc']);
  await same(['restart', '-t', '0', 'worked']);
  await same(['rm', '-f', 'worked', 'nosuch']);
  await same(['container', 'prune', '-f', '--filter', 'label=nosuch']);
  await same(['container', 'prune', '-f', '--filter', 'label=tier=x']);
  await same(['rmi', 'made:1'], { wording: 'layers have digests of their own' });
  await same(['run', '-d', '--name', 'both', ...none, 'busybox:test', 'true']);
  await same(['export', 'nosuch']);
  await same(['rm', 'both']);
}

test('a container’s whole life in commands, by the docker CLI on PATH', needs, async (t) => {
  t.diagnostic((await run('docker', ['--version'])).stdout.trim());
  await life(same);
  await furtherLife();
});

const DEBIANS = '/usr/bin/docker';
const debians = await run(DEBIANS, ['--version']).catch(() => undefined);
const isOther = debians !== undefined && debians.stdout !== (await run('docker', ['--version'])).stdout;

test(
  'and by Debian’s own, of API 1.41',
  { skip: needs.skip || (!isOther && `no other docker CLI at ${DEBIANS}`) },
  async (t) => {
    t.diagnostic(debians?.stdout.trim() ?? '');
    await life((args, options) => same(args, { ...options, program: DEBIANS }));
  },
);

test('an exported container has the same files, and stats have the same columns', needs, async () => {
  await same(['create', '--name', 'whole', '--network', 'none', 'busybox:test', 'true']);
  const [mine, oracle] = await Promise.all(
    [ours, theirs].map(async (engine) => {
      const list = await run(
        'sh',
        ['-c', 'docker export whole | tar -tf - | grep -E "^(bin|etc/passwd|home)" | sort'],
        {
          env: { DOCKER_HOST: `unix://${engine.socket}`, DOCKER_CONFIG: '/nonexistent' },
        },
      );
      return list.stdout;
    }),
  );
  assert.equal(mine, oracle);
  assert.match(String(mine), /^bin\/busybox$/m);
  await same(['rm', 'whole']);
  await same(['run', '-d', '--name', 'used', '-m', '64m', '--network', 'none', 'busybox:test', 'sleep', '1000']);
  const columns = await both(['stats', '--no-stream', 'used']);
  const [first, second] = columns.map(({ stdout }) => stdout.replace(/[0-9a-f]{12}|[\d.]+/g, '#').replace(/ +/g, ' '));
  assert.equal(first, second);
  await same(['rm', '-f', 'used']);
});
