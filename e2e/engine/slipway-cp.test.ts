/** `slipway cp` beside `docker cp` on the same engine: each source to each target, both ways. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, readlink, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { rounds } from '../fixtures/campaign.js';
import { docker, loadBusybox, root, run, startEngine, type RunningEngine } from '../fixtures/engine.js';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
const program = path.join(root, 'out/cli/slipway.cjs');

describe('slipway cp', { skip: needsRoot, timeout: 600_000 }, () => {
  let engine: RunningEngine;
  let base: string;
  const SOURCES = ['file', 'dir', 'dir/', 'dir/.', 'tofile', 'todir', 'todir/', 'tonothing', 'missing'];
  const TARGETS = ['', 'dir', 'dir/', 'file', 'file/', 'todir', 'new', 'new/', 'no/new'];
  const CASES = [
    ...SOURCES.flatMap((from) => TARGETS.map((to) => ({ flags: [] as string[], from, to }))).filter(
      (_, index) => index % rounds(7, 1) === 0,
    ),
    ...['file', 'dir', 'tofile', 'todir', 'tonothing'].map((from) => ({ flags: ['-L'], from, to: 'new' })),
    { flags: ['-a'], from: 'dir', to: 'dir' },
  ];

  const kinds = [
    'mkdir -p dir/sub && echo one > file && echo two > dir/a && echo three > dir/sub/b && ln -s a dir/la && ln dir/a dir/hard',
    'ln -s file tofile && ln -s dir todir && ln -s nothing tonothing && chmod 751 dir/sub && chmod 4755 dir/sub/b && touch -d @1000000000 dir/a dir/sub',
    `for i in $(seq ${CASES.length}); do mkdir -p to/$i/dir && echo old > to/$i/file && ln -s dir to/$i/todir; done`,
  ].join(' && ');

  const clients = {
    docker: (...args: string[]) => docker(engine, args),
    slipway: (...args: string[]) =>
      run(process.execPath, [program, ...args], { env: { DOCKER_HOST: `unix://${engine.socket}` } }),
  };
  type Name = keyof typeof clients;
  const names: Name[] = ['docker', 'slipway'];

  before(async () => {
    base = await mkdtemp(path.join(tmpdir(), 'slipway-cp-'));
    engine = await startEngine();
    await loadBusybox(engine);
    for (const name of names) {
      await mkdir(path.join(base, name));
      await promisify(execFile)('sh', ['-c', `umask 022; ${kinds}`], { cwd: path.join(base, name) });
      const made = await docker(engine, ['create', '--name', name, '--network', 'none', 'busybox:test', 'true']);
      assert.equal(made.code, 0, made.stderr);
      const copied = await docker(engine, ['cp', '-q', path.join(base, name), `${name}:/w`]);
      assert.equal(copied.code, 0, copied.stderr);
    }
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  const plain = (text: string, name: Name) =>
    text
      .replace(/^time=.*closed pipe"$/gm, '')
      .replaceAll(path.join(base, name), '')
      .replaceAll(` ${name}`, ' it')
      .replace(/\n*Run 'docker cp --help'.*/s, '')
      .trim();

  /** Every file below a directory, with what it is. */
  async function tree(directory: string): Promise<string[]> {
    const lines: string[] = [];
    for (const name of ((await readdir(directory, { recursive: true })) as string[]).sort()) {
      const at = path.join(directory, name);
      const found = await lstat(at);
      const content = found.isFile() ? await readFile(at, 'utf8') : found.isSymbolicLink() ? await readlink(at) : '';
      const dated = found.mtimeMs === 1e12 ? 'dated' : '';
      lines.push(
        `${name} ${found.mode.toString(8)} ${found.uid} ${found.isFile() ? found.nlink : ''} ${dated} ${content}`,
      );
    }
    return lines;
  }

  test('copies into a container as docker cp does', async () => {
    const outcomes = [];
    for (const name of names) {
      const said: string[] = [];
      for (const [index, { flags, from, to }] of CASES.entries()) {
        const { code, stderr } = await clients[name](
          'cp',
          ...flags,
          `${base}/${name}/${from}`,
          `${name}:/w/to/${index + 1}/${to}`,
        );
        said.push(`${flags.join('')} ${from} to/${to}: ${code} ${plain(stderr, name)}`);
      }
      await docker(engine, ['cp', '-q', `${name}:/w/to`, `${base}/${name}-result`]);
      outcomes.push({ said, tree: await tree(`${base}/${name}-result`) });
    }
    assert.deepEqual(outcomes[1]?.said, outcomes[0]?.said);
    assert.deepEqual(outcomes[1]?.tree, outcomes[0]?.tree);
  });

  test('copies out of a container as docker cp does', async () => {
    const outcomes = [];
    for (const name of names) {
      const said: string[] = [];
      for (const [index, { flags, from, to }] of CASES.entries()) {
        const { code, stderr } = await clients[name](
          'cp',
          ...flags,
          `${name}:/w/${from}`,
          `${base}/${name}/to/${index + 1}/${to}`,
        );
        said.push(`${flags.join('')} ${from} to/${to}: ${code} ${plain(stderr, name)}`);
      }
      outcomes.push({ said, tree: await tree(`${base}/${name}/to`) });
    }
    assert.deepEqual(outcomes[1]?.said, outcomes[0]?.said);
    assert.deepEqual(outcomes[1]?.tree, outcomes[0]?.tree);
  });

  test('a tar goes to stdout and comes from stdin', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, 'cp', 'slipway:/w/dir', '-'], {
      encoding: 'buffer',
      env: { ...process.env, DOCKER_HOST: `unix://${engine.socket}` },
    });
    const listed = await run('tar', ['-tf', '-'], { input: stdout });
    assert.deepEqual(listed.stdout.trim().split('\n').sort(), [
      'dir/',
      'dir/a',
      'dir/hard',
      'dir/la',
      'dir/sub/',
      'dir/sub/b',
    ]);
    const put = await run(process.execPath, [program, 'cp', '-', 'slipway:/home'], {
      input: stdout,
      env: { DOCKER_HOST: `unix://${engine.socket}` },
    });
    assert.equal(put.code, 0, put.stderr);
    assert.equal((await clients.slipway('cp', 'slipway:/home/dir/a', `${base}/back`)).code, 0);
    assert.equal(await readFile(`${base}/back`, 'utf8'), 'two\n');
  });

  test('refuses what docker cp refuses, in its words', async () => {
    for (const args of [
      ['a', 'b'],
      ['docker:/a', 'slipway:/b'],
      ['', 'slipway:/b'],
      ['docker:/etc', ''],
      ['docker:/etc', '/no/such/place'],
      ['nobody:/x', base],
      [base, 'nobody:/x'],
      ['docker:/etc', '/dev/null'],
      ['-', 'docker:/etc/passwd'],
    ]) {
      const [theirs, ours] = [await clients.docker('cp', ...args), await clients.slipway('cp', ...args)];
      assert.deepEqual(
        [ours.code, plain(ours.stderr, 'docker')],
        [theirs.code, plain(theirs.stderr, 'docker')],
        args.join(' '),
      );
    }
  });

  test('copies into a volume and out of it, and takes a container called volume for one', async () => {
    const { slipway } = clients;
    const ok = async (...args: string[]) => {
      const { code, stdout, stderr } = await slipway(...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await ok('volume', 'create', 'data');
    await ok('cp', `${base}/slipway/dir`, 'volume:data:/');
    await ok('cp', `${base}/slipway/file`, 'volume:data:/dir/renamed');
    await ok('cp', 'volume:data:dir', `${base}/from-volume`);
    const copied = (await tree(`${base}/from-volume`)).filter((line) => !line.startsWith('renamed'));
    assert.deepEqual(copied, await tree(`${base}/slipway/dir`));
    assert.equal(await readFile(`${base}/from-volume/renamed`, 'utf8'), 'one\n');
    assert.match(await ok('cp', 'volume:data:/dir/a', '-'), /two/);
    for (const [args, words] of [
      [['volume:data:/none', base], /Could not find the file \/none in volume data/],
      [['volume:nothing:/x', base], /No such volume: nothing/],
      [[`${base}/slipway/dir`, 'volume:data:/dir/a'], /cannot copy directory/],
      [['volume:data:/dir', 'slipway:/w'], /copying between containers or volumes is not supported/],
      [['volume:data', base], /No such container: volume/],
    ] as const) {
      const { code, stderr } = await slipway('cp', ...args);
      assert.equal(code, 1, args.join(' '));
      assert.match(stderr, words);
    }
    await docker(engine, ['create', '--name', 'volume', '--network', 'none', 'busybox:test', 'true']);
    await ok('cp', `${base}/slipway/file`, 'volume:/data:x');
    assert.match(await ok('cp', 'volume:/data:x', '-'), /one/);
    await docker(engine, ['rm', 'volume']);
    await ok('volume', 'rm', 'data');
  });
});
