/**
 * The same layers, with every corner that a layer can have, unpacked by our engine, Debian's dockerd, podman and umoci: every file, mode, owner,
 * attribute and time of what comes out is compared. Where a peer differs, it is written here with its reason.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import tar from 'tar-stream';
import { api, root, run, startDockerd, startEngine } from '../fixtures/engine.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root for the peers to compare with', timeout: 600_000 };
/** What Docker and podman take; and with a layer more that has names twice, which they do not. */
const SINGLE = 'corners:1';
const TWICE = 'corners:2';

type Seen = Record<string, unknown>;
type Tree = Map<string, Seen>;
interface Known {
  path: RegExp;
  field: RegExp;
  why: string;
}

let folder: string;
const archives = new Map<string, string>();
const ours = new Map<string, Tree>();

before(async () => {
  if (needs.skip) return;
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-corners-'));
  await says('python3', path.join(root, 'e2e/fixtures/corner-layers.py'), folder, '/bin/busybox');
  await using engine = await startEngine();
  for (const [name, layers] of [
    [SINGLE, ['1', '2', '3', '4']],
    [TWICE, ['1', '2', '3', '4', '5']],
  ] as const) {
    archives.set(name, await dockerArchive(name, layers));
    await load(engine.socket, name);
    ours.set(name, await overlaid(engine.socket, name));
  }
});
after(() => folder && rm(folder, { recursive: true, force: true }));

test('what comes out of the layers is what is in them', needs, () => {
  const tree = ours.get(TWICE) as Tree;
  const field = (name: string, key: string) => (tree.get(name) ?? {})[key];
  assert.ok(tree.size > 100, `${tree.size} files`);
  for (const gone of ['gone/old', 'gone/deep', 'many/a', 'opaque/old', 'opaque/deep/old', 'many/.wh.b', '.wh..wh.plnk'])
    assert.equal(tree.has(gone), false, gone);
  for (const there of [
    'gone/new',
    'opaque/before',
    'opaque/after',
    'opaque/deep/new',
    'many/b',
    'many/c',
    'changes/directory-stays/old',
  ])
    assert.equal(field(there, 'kind'), 'file', there);
  assert.deepEqual(
    ['setuid', 'setgid', 'nothing'].map((name) => field(`kinds/${name}`, 'mode')),
    ['0o4755', '0o2755', '0o0'],
  );
  assert.deepEqual(field('kinds/overlay', 'attributes'), { 'user.kept': '31' });
  assert.deepEqual(field('kinds/overlaid', 'attributes'), {});
  assert.ok((field('kinds/capability', 'attributes') as object)['security.capability' as never]);
  assert.equal(field('times/exact', 'time'), '1234567890250000000');
  assert.equal(field('owned', 'mode'), '0o755');
  assert.equal(field('owned', 'time'), '1500000000000000000');
  assert.equal(field('real/sparse', 'sparse'), true);
  assert.equal(field('many/back\\slash', 'kind'), 'file');
  assert.equal(field('changes/twice', 'mode'), '0o640');
  assert.equal(field('changes/twice-kinds', 'kind'), 'link');
  assert.equal(field('changes/twice-other', 'content'), `3 ${createHash('sha256').update('one').digest('hex')}`);
});

test('dockerd makes the same of them', needs, async () => {
  await using dockerd = await startDockerd();
  await load(dockerd.socket, SINGLE);
  compare(SINGLE, await overlaid(dockerd.socket, SINGLE), ENGINES);
});

test('podman makes the same of them', needs, async () => {
  const place = [
    '--root',
    path.join(folder, 'podman'),
    '--runroot',
    path.join(folder, 'podman-run'),
    '--storage-driver',
    'overlay',
  ];
  try {
    await says('podman', ...place, 'load', '--quiet', '--input', archives.get(SINGLE) as string);
    const script =
      'at=$(podman "$@" image mount localhost/corners:1 2>/dev/null || podman "$@" image mount docker.io/library/corners:1) && exec python3 "$TREE" "$at"';
    compare(SINGLE, await tree(['sh', '-c', script, 'sh', ...place]), PODMAN);
  } finally {
    await run('podman', [...place, 'rmi', '--all', '--force']);
  }
});

test('umoci makes the same of them', needs, async () => {
  await says('skopeo', 'copy', '--quiet', `docker-archive:${archives.get(TWICE)}`, `oci:${folder}/layout:1`);
  await says('umoci', 'unpack', '--image', `${folder}/layout:1`, `${folder}/bundle`);
  compare(TWICE, await tree(['python3', treeProgram, `${folder}/bundle/rootfs`]), ALL);
});

/** In what all of them differ from us. */
const ALL: Known[] = [
  {
    path: /^(new(\/implied)?|(directory-d+\/?){1,5})$/,
    field: /^time$/,
    why: 'a directory that no layer names has the time at which it was made: nobody says another',
  },
  {
    path: /^$/,
    field: /^time$/,
    why: 'the topmost directory, of the first layer alone: ours has what that says of it',
  },
  { path: /^kinds\/attributes$/, field: /^attributes$/, why: 'Go’s tar reader leaves out attributes without a value' },
  {
    path: /^kinds\/overlay$/,
    field: /^attributes$/,
    why: 'an image has overlay’s own attributes set (user.overlay.*)',
  },
  { path: /^real\/(hole|sparse)$/, field: /^sparse$/, why: 'holes are filled with zeros' },
  { path: /^\.wh\.\.wh\.plnk/, field: /^there$/, why: 'what aufs left in old images is kept' },
];
const ENGINES: Known[] = [
  ...ALL,
  { path: /^owned$/, field: /^time$/, why: 'a directory that only a lower layer names: ours stays as that says' },
];
const PODMAN: Known[] = [
  ...ENGINES,
  { path: /^$/, field: /^mode$/, why: 'podman gives the topmost directory a mode of its own' },
];

const treeProgram = path.join(root, 'e2e/fixtures/tree.py');

/** Every difference is known, and every known one still there. */
function compare(image: string, theirs: Tree, known: Known[]): void {
  const own = ours.get(image) as Tree;
  const found: { path: string; field: string; ours: unknown; theirs: unknown }[] = [];
  for (const name of new Set([...own.keys(), ...theirs.keys()])) {
    const [a, b] = [own.get(name), theirs.get(name)];
    if (!a || !b) found.push({ path: name, field: 'there', ours: !!a, theirs: !!b });
    else
      for (const field of new Set([...Object.keys(a), ...Object.keys(b)]))
        if (JSON.stringify(a[field]) !== JSON.stringify(b[field]))
          found.push({ path: name, field, ours: a[field], theirs: b[field] });
  }
  const fits = (each: Known, { path: at, field }: { path: string; field: string }) =>
    each.path.test(at) && each.field.test(field);
  assert.deepEqual(
    found.filter((each) => !known.some((one) => fits(one, each))),
    [],
  );
  assert.deepEqual(
    known.filter((one) => !found.some((each) => fits(one, each))),
    [],
    'these are no longer differences',
  );
}

async function says(program: string, ...args: string[]): Promise<string> {
  const ran = await run(program, args);
  assert.equal(ran.code, 0, `${program} ${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}

/** What a command prints in a mount namespace of its own, in which what it mounts stays. */
async function tree(command: string[]): Promise<Tree> {
  const ran = await run('unshare', ['--mount', '--propagation', 'private', ...command], { env: { TREE: treeProgram } });
  assert.equal(ran.code, 0, ran.stderr);
  const lines = ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Seen);
  return new Map(lines.map(({ path: name, ...seen }) => [name as string, seen]));
}

async function overlaid(socket: string, name: string): Promise<Tree> {
  const { GraphDriver } = await api<{ GraphDriver: { Data: { LowerDir: string; UpperDir: string } } }>(
    socket,
    'GET',
    `/images/${name}/json`,
  );
  const { LowerDir, UpperDir } = GraphDriver.Data;
  const at = await mkdtemp(path.join(folder, 'seen-'));
  const script = 'mount -t overlay overlay -o "ro,lowerdir=$1" "$2" && exec python3 "$TREE" "$2"';
  return tree(['sh', '-c', script, 'sh', `${UpperDir}:${LowerDir}`, at]);
}

function load(socket: string, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ socketPath: socket, method: 'POST', path: '/images/load?quiet=1' }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () => (/"error"/.test(text) ? reject(new Error(text)) : resolve()));
    });
    outgoing.on('error', reject);
    createReadStream(archives.get(name) as string).pipe(outgoing);
  });
}

/** As `docker save` writes it. */
async function dockerArchive(name: string, numbers: readonly string[]): Promise<string> {
  const layers = await Promise.all(numbers.map((number) => readFile(path.join(folder, `${number}.tar`))));
  const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');
  const config = JSON.stringify({
    ...{ architecture: 'amd64', os: 'linux', config: { Cmd: ['sh'] } },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
    history: layers.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'corners' })),
  });
  const pack = tar.pack();
  for (const layer of layers) pack.entry({ name: `${sha256(layer)}/layer.tar` }, layer);
  pack.entry({ name: `${sha256(config)}.json` }, config);
  const Layers = layers.map((layer) => `${sha256(layer)}/layer.tar`);
  pack.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: `${sha256(config)}.json`, RepoTags: [name], Layers }]),
  );
  pack.finalize();
  await mkdir(path.join(folder, 'out'), { recursive: true });
  const file = path.join(folder, 'out', `${name.replace(':', '-')}.tar`);
  await pipeline(pack, createWriteStream(file));
  return file;
}
