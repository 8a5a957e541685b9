/** Our own command line beside docker's, on the same engine: the same words give the same output and the same exit codes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { DiskUsage } from '../../main/contract/disk.js';
import {
  api,
  busyboxArchive,
  docker,
  loadBusybox,
  root,
  run,
  startDockerd,
  startEngine,
  type Ran,
} from '../fixtures/engine.js';
import { DETACH, PROMPT, typed } from '../fixtures/terminal.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root' };
const program = path.join(root, 'out/cli/slipway.cjs');

let engine: Awaited<ReturnType<typeof startEngine>>;
before(async () => {
  if (needs.skip) return;
  engine = await startEngine();
  await loadBusybox(engine);
});
after(() => engine?.[Symbol.asyncDispose]());

const slipway = (args: string[], { input = '', on = engine as { socket: string } } = {}): Promise<Ran> =>
  run(process.execPath, [program, ...args], { input, env: { DOCKER_HOST: `unix://${on.socket}` } });

const plain = (text: string) =>
  text
    .replace(/\b[0-9a-f]{12,64}\b/g, '<id>')
    .replace(/\b(about an? |less than an? |\d+ )(second|minute|hour)s?( ago)?/gi, '<long>')
    .replace(/ {2,}/g, '  ')
    .replace(/172\.\d+\.\d+\.\d+/g, '<address>')
    // Each names itself, and docker adds how to get help.
    .replace(/^(docker|slipway): /gm, '')
    .replace(/\n+Run 'docker run --help' for more information\n*/g, '\n')
    .trim();

/** The same arguments to both; each may be followed by what undoes it, so that the other can do it too. */
async function same(args: string[], { input, undo }: { input?: string; undo?: string[] } = {}): Promise<Ran> {
  const theirs = await docker(engine, args, { input });
  if (undo) await docker(engine, undo);
  const mine = await slipway(args, { input });
  if (undo) await docker(engine, undo);
  const said = `slipway ${args.join(' ')}`;
  assert.equal(mine.code, theirs.code, `${said}: ${mine.stderr} (docker: ${theirs.stderr})`);
  assert.equal(plain(mine.stdout), plain(theirs.stdout), said);
  assert.equal(plain(mine.stderr), plain(theirs.stderr), said);
  return mine;
}

test('run gives the same output and the same exit codes', needs, async () => {
  const once = ['run', '--rm'];
  await same([...once, 'busybox:test', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
  await same([...once, '-i', 'busybox:test', 'cat'], { input: 'from a pipe\n' });
  await same([...once, '-t', 'busybox:test', 'tty']);
  await same([
    ...once,
    '-e',
    'A=b',
    '-w',
    '/tmp',
    '-u',
    'app',
    '--entrypoint',
    'sh',
    'busybox:test',
    '-c',
    'pwd; id -un; echo $A',
  ]);
  await same([
    ...once,
    '--hostname',
    'here',
    '--read-only',
    '--tmpfs',
    '/run',
    'busybox:test',
    'sh',
    '-c',
    'hostname; touch /x; touch /run/x',
  ]);
  await same([
    ...once,
    '--cap-drop',
    'ALL',
    '--cap-add',
    'CHOWN',
    'busybox:test',
    'grep',
    'CapEff',
    '/proc/self/status',
  ]);
  await same([...once, '-m', '64m', '--cpus', '0.5', '--pids-limit', '50', 'busybox:test', 'echo', 'limited']);
  await same([...once, 'busybox:test', 'sh', '-c', 'kill -9 $$']);
  for (const command of ['nosuch', '/etc', '/etc/passwd'])
    assert.ok((await same([...once, 'busybox:test', command])).code >= 126);
  await same([...once, '-m', '4m', 'busybox:test', 'true']);
  await same([...once, '-u', 'nobody-here', 'busybox:test', 'true']);
  await same([...once, '-it', 'busybox:test', 'true']);
});

test('a container’s life is the same in both', needs, async () => {
  await same(
    ['run', '-d', '--name', 'web', '-l', 'tier=front', 'busybox:test', 'sh', '-c', 'echo one; exec sleep 1000'],
    { undo: ['rm', '-f', 'web'] },
  );
  await docker(engine, [
    'run',
    '-d',
    '--name',
    'web',
    '-l',
    'tier=front',
    'busybox:test',
    'sh',
    '-c',
    'echo one; exec sleep 1000',
  ]);
  await same(['run', '--name', 'web', 'busybox:test', 'true']);
  await same(['ps']);
  await same(['ps', '-q', '--no-trunc', '--filter', 'label=tier']);
  await same(['ps', '-a', '--format', 'table {{.Names}}\t{{.Command}}\t{{.Status}}\t{{.Labels}}\t{{.Networks}}']);
  await same(['logs', 'web']);
  await same(['exec', '-e', 'B=c', '-w', '/tmp', 'web', 'sh', '-c', 'pwd; echo $B; exit 3']);
  await same(['exec', '-i', 'web', 'cat'], { input: 'typed' });
  await same(['exec', 'web', 'nosuch']);
  await same(['inspect', 'web']);
  await same(['inspect', '-f', '{{.State.Status}} {{json .Config.Cmd}}', 'web']);
  await same(['top', 'web', '-o', 'pid,comm']);
  await same(['pause', 'web'], { undo: ['unpause', 'web'] });
  await same(['kill', '-s', 'KILL', 'web'], { undo: ['start', 'web'] });
  await same(['restart', '-t', '0', 'web']);
  await same(['stop', '-t', '0', 'web'], { undo: ['start', 'web'] });
  await same(['rm', 'web']);
  await same(['rm', '-f', 'web'], { undo: ['run', '-d', '--name', 'web', 'busybox:test', 'sleep', '1000'] });
  await docker(engine, ['rm', '-f', 'web']);
});

test('images are listed the same, by name, digest and format', needs, async () => {
  await same(['images']);
  await same(['images', '--digests', '--no-trunc']);
  await same(['images', '-q', 'busybox']);
  await same(['images', '--format', '{{.Repository}}:{{.Tag}} {{.Size}}']);
  await same(['inspect', '--type', 'image', 'busybox:test']);
  await same(['load', '-i', await busyboxArchive()]);
  await same(['rmi', 'busybox:latest'], { undo: ['tag', 'busybox:test', 'busybox:latest'] });
});

test('what is not there is said in the same words', needs, async () => {
  for (const verb of [
    'start',
    'stop',
    'kill',
    'logs',
    'rm',
    'wait',
    'pause',
    'unpause',
    'restart',
    'top',
    'attach',
    'inspect',
    'rmi',
  ])
    await same([verb, 'nosuch']);
  await same(['exec', 'nosuch', 'true']);
  await same(['ps', '--filter', 'bogus=1']);
});

test('a flag that does not exist is 125, a command that does not is 1', needs, async () => {
  assert.equal((await slipway(['run', '--no-such-flag', 'busybox:test'])).code, 125);
  assert.equal((await slipway(['no-such-command'])).code, 1);
  assert.equal((await slipway(['run'])).code, 1);
  const help = await slipway(['run', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--memory <bytes>/);
});

test('where no engine answers, one sentence says how to start one', needs, async () => {
  const { code, stdout, stderr } = await slipway(['ps'], { on: { socket: '/nonexistent/docker.sock' } });
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^no engine answers at unix:\/\/\/nonexistent\/docker\.sock\. Start one: [^\n]+\n$/);
});

test('at a terminal it runs, is left by its keys, joins again, and passes the size on', needs, async () => {
  const types = (command: string, ...keys: [RegExp, string][]) =>
    typed(engine, `stty rows 31 cols 99; ${process.execPath} ${program} ${command}`, keys);
  const question = 'stty size; echo $((6*7))\n';
  const first = await types('run -it --name term busybox:test sh', [PROMPT, question], [/\n42\n/, DETACH]);
  assert.match(first, /\n31 99\n42\n/);
  assert.match(first, /code=0/);
  assert.match(await types('exec -it term sh', [PROMPT, 'stty size; exit 3\n']), /\n31 99\n[^]*code=3/);
  const joined = await types('attach term', [PROMPT, 'echo back\n'], [/\nback\n/, DETACH]);
  assert.match(joined, /\nback\n[^]*read escape sequence\ncode=1/);
  assert.match(await types('attach term', [PROMPT, 'exit 5\n']), /code=5/);
  await docker(engine, ['rm', 'term']);
});

test('signals go to the container', needs, async () => {
  const script = 'trap "echo caught; exit 4" TERM; echo ready; while :; do sleep 0.05; done';
  const child = spawn(
    process.execPath,
    [program, 'run', '--rm', '--name', 'trap', 'busybox:test', 'sh', '-c', script],
    {
      env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'close');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said === 'ready\n') child.kill('SIGTERM');
  });
  assert.deepEqual(await ended, [4, null]);
  assert.equal(said, 'ready\ncaught\n');
});

test('it works on any engine: the same on dockerd', needs, async () => {
  await using dockerd = await startDockerd();
  await loadBusybox(dockerd);
  const ran = await slipway(['run', '-i', '--rm', '--network', 'none', 'busybox:test', 'sh', '-c', 'cat; exit 6'], {
    input: 'there',
    on: dockerd,
  });
  assert.deepEqual([ran.code, ran.stdout, ran.stderr], [6, 'there', '']);
  assert.equal((await slipway(['ps', '-aq'], { on: dockerd })).stdout, '');
  assert.match((await slipway(['version'], { on: dockerd })).stdout, /Server: Docker Engine/);
  assert.equal((await slipway(['info', '--format', '{{.OSType}}'], { on: dockerd })).stdout, 'linux\n');
});

test('volumes are made, listed, inspected, removed and pruned in the same words', needs, async () => {
  const create = ['volume', 'create', '--label', 'a=b'];
  await same([...create, 'data10'], { undo: ['volume', 'rm', 'data10'] });
  await same([...create, 'no name'], {});
  await same(['volume', 'create', '-d', 'other', 'x']);
  await same(['volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', 'device=/tmp', 'f'], {
    undo: ['volume', 'rm', 'f'],
  });
  await same(['volume', 'create'], { undo: ['volume', 'prune', '-f'] });
  for (const name of ['data10', 'data2', 'Data', 'data']) await docker(engine, [...create, name]);
  await docker(engine, ['create', '--name', 'user', '-v', 'data:/d', 'busybox:test']);
  for (const flags of [
    [],
    ['-q'],
    ['-f', 'name=data1'],
    ['--filter', 'dangling=true'],
    ['--filter', 'label=a=b', '--format', '{{.Name}} {{.Labels}} {{.Mountpoint}}'],
    ['--format', 'json'],
    ['--format', 'table {{.Name}}\t{{.Driver}}'],
  ])
    await same(['volume', 'ls', ...flags]);
  await same(['volume', 'list', '-q']);
  await same(['volume', 'inspect', 'data', 'nothing', 'data2']);
  await same(['volume', 'inspect', '-f', '{{.Name}} {{json .Labels}}', 'data']);
  await same(['inspect', '--type', 'volume', 'data2', 'nothing']);
  await same(['inspect', 'data10']);
  await same(['volume', 'rm', 'data', 'nothing']);
  await same(['volume', 'rm', '-f', 'nothing']);
  await same(['volume', 'rm', 'data2'], { undo: ['volume', 'create', 'data2'] });
  await same(['volume', 'prune'], { input: 'n\n' });
  await docker(engine, ['volume', 'create']);
  await same(['volume', 'prune'], { input: 'y\n', undo: ['volume', 'create'] });
  await docker(engine, ['volume', 'prune', '-a', '-f']);
  await docker(engine, ['volume', 'create', 'Data']);
  await same(['volume', 'prune', '-a', '-f'], { undo: ['volume', 'create', 'Data'] });
  await same(['volume', 'prune', '-a', '--filter', 'all=1', '-f']);
  await docker(engine, ['rm', 'user']);
});

test('system df is docker’s, and disk has a line for all that takes room', needs, async () => {
  await docker(engine, ['run', '--name', 'counted', '--network', 'none', '-v', 'counted:/v', 'busybox:test', 'sh', '-c', 'head -c 12345 /dev/zero | tee /own > /v/x']); // prettier-ignore
  await slipway(['disk']); // has all of it counted
  await same(['system', 'df']);
  await same(['system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Size}} {{.Reclaimable}}']);
  const { stdout } = await slipway(['disk']);
  assert.match(stdout, /^WHAT +SIZE +RECLAIMABLE\nImages, unpacked +[\d.]+MB +0B\n/);
  for (const what of ['Containers', 'Volumes']) assert.match(stdout, new RegExp(`^${what} +12\\.\\dkB`, 'm'));
  assert.match(stdout, /^Database +\d/m);
  assert.match(stdout, /are free on the disk that holds \//);
  const { Images } = JSON.parse((await slipway(['disk', '--format', 'json'])).stdout) as { Images: unknown[] };
  assert.equal(Images.length, 1);
  await docker(engine, ['rm', '-v', 'counted']);
  await docker(engine, ['volume', 'rm', 'counted']);
});

test('serve begins, is shown and ends; doctor says what is not as it should be', needs, async () => {
  const begun = await slipway(['serve', '127.0.0.1:0', '--token']);
  assert.equal(begun.code, 0, begun.stderr);
  const [, address = ''] = /served at (127\.0\.0\.1:\d+)\n/.exec(begun.stdout) ?? [];
  const [, token = ''] = /^Token: (\S{30,})$/m.exec(begun.stdout) ?? [];
  assert.equal((await fetch(`http://${address}/v2/`)).status, 401);
  assert.equal((await fetch(`http://${address}/v2/`, { headers: { Authorization: `Bearer ${token}` } })).status, 200);
  assert.equal((await slipway(['serve', '--show'])).stdout, `The images are served at ${address}\n`);
  assert.equal((await slipway(['serve', '--stop'])).code, 0);
  const shown = await slipway(['serve', '--show']);
  assert.deepEqual([shown.code, shown.stderr], [1, 'The images are not served.\n']);

  const fine = await slipway(['doctor']);
  assert.equal(fine.code, 0, fine.stderr);
  assert.match(
    fine.stdout,
    /^Slipway .*root’s engine[^]*Looked at 2 blobs and 1 layers in [\d.]+ s: everything is as it should be\.\n$/,
  );
  const { Images } = await api<DiskUsage>(engine.socket, 'GET', '/slipway/disk');
  await truncate(path.join(engine.dataRoot, 'blobs/sha256', Images[0]!.Id.slice(7)), 3);
  const ill = await slipway(['doctor']);
  assert.equal(ill.code, 1);
  assert.match(ill.stdout, /^! blob sha256:\S+ of busybox:latest: its content is not what its digest says; /m);
  assert.match((await slipway(['doctor', '--quick'])).stdout, /^Slipway .*\n[^]+$/);
  const { code, stderr } = await slipway(['doctor'], { on: { socket: '/nowhere' } });
  assert.equal(code, 1);
  assert.match(stderr, /no engine answers/);
});
