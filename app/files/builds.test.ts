import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';
import { extract } from 'tar-stream';
import type { Client } from '../../main/client/index.js';
import type { ByteStream } from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import { buildImage } from './builds.js';

const FILES = [
  ...['Dockerfile', 'index.js', 'a+b.txt', 'secret.env', 'docs/a.md', 'docs/keep/b.md', 'docs/keep/c.txt'],
  ...['node_modules/x/index.js', 'node_modules/mine/index.js', 'src/node_modules/y.js', 'src/a.test.js', 'src/a.js'],
  ...['README.md', 'docs/README.md', 'tmp/deep/down/kept.txt', 'tmp/deep/gone.txt', 'with space/水.txt', 'Up/File'],
];

async function shop(context: TestContext, ignores: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'app-builds-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  for (const file of FILES) {
    await mkdir(path.join(folder, path.dirname(file)), { recursive: true });
    await writeFile(path.join(folder, file), file);
  }
  for (const [name, text] of Object.entries(ignores)) await writeFile(path.join(folder, name), text);
  await symlink('/etc', path.join(folder, 'link'));
  return folder;
}

async function namesIn(tar: AsyncIterable<Uint8Array>, owners = new Set<string>()): Promise<string[]> {
  const names: string[] = [];
  const entries = extract();
  const read = pipeline(Readable.from(tar), entries as unknown as NodeJS.WritableStream);
  for await (const entry of entries) {
    names.push(entry.header.name.replace(/\/$/, ''));
    owners.add(`${entry.header.uid}:${entry.header.gid}`);
    entry.resume();
  }
  await read;
  return names.sort();
}

const how = { reference: 'shop:1', dockerfile: 'Dockerfile' };

/** An engine that reads the folder, and says these. */
function engine(lines: Progress[] = []) {
  const seen: { names: string[]; owners: Set<string>; how?: unknown } = { names: [], owners: new Set() };
  const client = {
    images: {
      async *build(tar: ByteStream, { signal: _, ...options }: { signal: AbortSignal }) {
        seen.names = await namesIn(tar, seen.owners);
        seen.how = options;
        yield* lines;
      },
    },
  } as unknown as Client;
  return { client, seen };
}

function watching() {
  const said: Progress[] = [];
  let told = 0;
  let total: number | undefined;
  const tell = (bytes: number, all?: number) => {
    told = bytes;
    total = all;
  };
  const watch = { signal: new AbortController().signal, tell, say: (line: Progress) => void said.push(line) };
  return { said, watch, passed: () => ({ told, total }) };
}

/** What the docker command sends of a folder. */
async function docker(folder: string): Promise<string[] | undefined> {
  let names: string[] | undefined;
  const at = path.join(await mkdtemp(path.join(tmpdir(), 'app-builds-')), 'docker.sock');
  const server = createServer((request, response) => {
    response.setHeader('Api-Version', '1.41');
    if (!request.url?.includes('/build')) return void response.end('OK');
    void namesIn(request).then((found) => {
      names = found;
      response.end('{"stream":"done\\n"}\n');
    });
  }).listen(at);
  const child = spawn('docker', ['build', '-q', folder], {
    env: {
      PATH: process.env['PATH'],
      DOCKER_HOST: `unix://${at}`,
      DOCKER_CONFIG: '/nonexistent',
      DOCKER_BUILDKIT: '0',
    },
    stdio: 'ignore',
  });
  const came = await once(child, 'exit').catch(() => undefined);
  server.close();
  await rm(path.dirname(at), { recursive: true });
  return came && names;
}

test('of a folder goes along what its .dockerignore leaves, as with docker; owned by root, and the list itself too', async (context) => {
  const lists = {
    'names, wildcards and comments': '# not these\nnode_modules\n**/*.test.js\n*.env\n/docs/*.md\n\n',
    exceptions: 'docs\n!docs/keep\ntmp\n!tmp/deep/down/kept.txt\nREADME.md\n**/README.md\n!docs/README.md',
    'all but': '*\n!src\n!Up\nsrc/node_modules',
    'the Dockerfile and the list': '*\n!docs/*.md\nDockerfile\n.dockerignore',
    'the case of letters': 'up\nSRC\n',
  };
  let compared = 0;
  for (const [what, list] of Object.entries(lists)) {
    const folder = await shop(context, { '.dockerignore': list });
    const { client, seen } = engine();
    const { watch, passed } = watching();
    await buildImage(client, folder, how, watch);
    assert.deepEqual(seen.how, how);
    assert.deepEqual([...seen.owners], ['0:0']);
    assert.ok(seen.names.includes('Dockerfile') && seen.names.includes('.dockerignore'), what);
    const { told, total = 0 } = passed();
    assert.ok(total <= told && total > told * 0.8, `${what}: ${told} bytes of ${total}`);
    const expected = await docker(folder);
    if (!expected) continue;
    compared += 1;
    assert.deepEqual(seen.names, expected, what);
  }
  context.diagnostic(`${compared} of ${Object.keys(lists).length} were compared with the docker command`);
});

test('a Dockerfile’s own list comes first; an exception holds however deep it is; a list that cannot be read is named', async (context) => {
  const folder = await shop(context, { '.dockerignore': '*', 'Dockerfile.dockerignore': '*\n!src/a.js' });
  const { client, seen } = engine();
  await buildImage(client, folder, how, watching().watch);
  assert.deepEqual(seen.names, ['.dockerignore', 'Dockerfile', 'src/a.js']);
  // BuildKit's way: the older builder does not go into a folder that is left out for `**`.
  const deep = await shop(context, { '.dockerignore': '*\n!docs/**/*.md' });
  await buildImage(client, deep, how, watching().watch);
  assert.deepEqual(seen.names.slice(2), ['docs/README.md', 'docs/a.md', 'docs/keep/b.md']);
  const bad = await shop(context, { '.dockerignore': 'a(b' });
  await assert.rejects(buildImage(client, bad, how, watching().watch), {
    kind: 'invalid',
    message: /^\.dockerignore has/,
  });
});

test('a name that every object has is left out like any other', async (context) => {
  const folder = await shop(context, { '.dockerignore': '*' });
  for (const name of ['constructor', 'toString', '__proto__']) await writeFile(path.join(folder, name), name);
  const { client, seen } = engine();
  await buildImage(client, folder, how, watching().watch);
  assert.deepEqual(seen.names, ['.dockerignore', 'Dockerfile']);
});

test('what may not be read, or is gone, is said by its path', async (context) => {
  const folder = await shop(context, {});
  const { client } = engine();
  await assert.rejects(buildImage(client, `${folder}/gone`, how, watching().watch), {
    kind: 'not-found',
    message: `${folder}/gone is not there any more`,
  });
  if (process.getuid?.() === 0) return;
  await chmod(path.join(folder, 'index.js'), 0);
  await assert.rejects(buildImage(client, folder, how, watching().watch), { kind: 'forbidden', message: /index\.js/ });
});

test('output that comes in pieces is passed on in few, in order with what else is said', async (context) => {
  const folder = await shop(context, {});
  const pieces = Array.from({ length: 1000 }, (_, at): Progress => ({ stream: `${at}\n` }));
  const { client } = engine([...pieces, { status: 'Pulling', id: 'a' }, { stream: 'end\n' }]);
  const { watch, said } = watching();
  await buildImage(client, folder, how, watch);
  assert.ok(said.length < 100, `${said.length} words`);
  assert.equal(said.at(-1)?.stream, 'end\n');
  assert.equal(said.at(-2)?.status, 'Pulling');
  assert.equal(said.map(({ stream = '' }) => stream).join(''), pieces.map(({ stream }) => stream).join('') + 'end\n');
});
