/** How images come in, beside dockerd: what pull says, import from a file, a pipe and an address, archives of every age. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import {
  api,
  busyboxArchive,
  docker,
  request,
  root,
  run,
  startDockerd,
  startEngine,
  type RunningEngine,
} from '../fixtures/engine.js';
import { openRegistry } from '../fixtures/registry.js';

const needs = { skip: process.getuid?.() !== 0 && 'needs root for the dockerd to compare with', timeout: 300_000 };

let engine: RunningEngine;
let dockerd: Awaited<ReturnType<typeof startDockerd>>;
let folder: string;
/** The busybox image's file system. */
let layer: string;

before(async () => {
  if (needs.skip) return;
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-in-'));
  [engine, dockerd] = await Promise.all([startEngine(), startDockerd()]);
  await works('tar', '-C', folder, '-xf', await busyboxArchive(), 'layer.tar');
  layer = path.join(folder, 'layer.tar');
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await dockerd?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function works(program: string, ...args: string[]): Promise<string> {
  const ran = await run(program, args);
  assert.equal(ran.code, 0, `${program} ${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}

const slipway = (args: string[], input?: Buffer) =>
  run(process.execPath, [path.join(root, 'out/cli/slipway.cjs'), ...args], {
    env: { DOCKER_HOST: `unix://${engine.socket}` },
    ...(input && { input }),
  });

interface Line {
  id?: string;
  status?: string;
  error?: string;
  progressDetail?: { total?: number };
}

/** What a pull says, without what depends on speed: lines of the whole, and for each layer the stages it goes through. */
async function story(socket: string, query: string) {
  const { status, body } = await request(socket, 'POST', `/images/create?${query}`);
  const lines = body
    .toString()
    .trim()
    .split('\r\n')
    .map((line) => JSON.parse(line) as Line);
  // dockerd 20.10 compares `latest` with the platform, whichever tag was asked for, and so mostly nothing.
  const whole = lines.filter(
    ({ id, status: said = '' }) => (!id && !said.startsWith('WARNING')) || /^Pulling from/.test(said),
  );
  const layers: Record<string, string[]> = {};
  for (const { id, status: said = '' } of lines) {
    if (!id || /^(Pulling from|Waiting|Extracting|Retrying)/.test(said)) continue;
    const stages = (layers[id] ??= []);
    if (stages.at(-1) !== said) stages.push(said);
  }
  // A small layer may be there before anybody has said how far it is, and of stages that follow one another quickly dockerd tells the last alone.
  const passing = ['Downloading', 'Verifying Checksum', 'Download complete'];
  for (const [id, stages] of Object.entries(layers))
    layers[id] = stages.filter((stage, at) => !passing.includes(stage) || at === stages.length - 1);
  return { status, whole, layers };
}

test('a pull says what dockerd says, of one tag, a digest and all tags, new and known', needs, async () => {
  await using registry = await openRegistry();
  await works('skopeo', 'copy', '--quiet', '--src-tls-verify=false', '--dest-tls-verify=false', `docker://${registry.host}/debian:12`, `docker://${registry.host}/debian:bookworm`); // prettier-ignore
  const name = encodeURIComponent(`${registry.host}/debian`);
  const { RepoDigests } = await (async () => {
    await request(dockerd.socket, 'POST', `/images/create?fromImage=${name}&tag=12`);
    const image = await api<{ RepoDigests: string[] }>(
      dockerd.socket,
      'GET',
      `/images/${registry.host}/debian:12/json`,
    );
    await request(dockerd.socket, 'DELETE', `/images/${registry.host}/debian:12`);
    return image;
  })();
  const digest = encodeURIComponent(RepoDigests[0]!.split('@')[1]!);
  const arm = encodeURIComponent('linux/arm64');
  for (const query of [
    ...[`fromImage=${name}&tag=12`, `fromImage=${name}&tag=12`, `fromImage=${name}`, `fromImage=${name}&tag=${digest}`],
    ...[`fromImage=${name}&tag=nosuch`, `fromImage=${encodeURIComponent(`${registry.host}/nosuch`)}&tag=1`],
    ...[`fromImage=${name}&tag=12&platform=${arm}`, `fromImage=${name}:12`],
  ]) {
    const [ours, theirs] = await Promise.all([engine, dockerd].map(({ socket }) => story(socket, query)));
    assert.deepEqual(ours, theirs, query);
  }
  const all = `${registry.host}/debian`;
  const [ours, theirs] = [await slipway(['pull', '-a', all]), await docker(engine, ['pull', '-a', all])];
  assert.deepEqual([ours.code, ours.stdout, ours.stderr], [theirs.code, theirs.stdout, theirs.stderr]);
  const tags = async (socket: string) =>
    (await api<{ RepoTags: string[] | null }[]>(socket, 'GET', '/images/json'))
      .flatMap(({ RepoTags }) => RepoTags ?? [])
      .sort();
  assert.deepEqual(await tags(engine.socket), await tags(dockerd.socket));
});

test(
  'a file system is imported from a file, a pipe and an address, whatever it is compressed with',
  needs,
  async () => {
    const server = http.createServer((asked, answer) => {
      if (asked.url === '/layer.tar') createReadStream(layer).pipe(answer);
      else answer.writeHead(404).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const ids = new Set<string>();
      const imported = async (ran: Awaited<ReturnType<typeof run>>, name: string) => {
        assert.equal(ran.code, 0, ran.stderr);
        const { Id, RootFS } = await api<{ Id: string; RootFS: { Layers: string[] } }>(
          engine.socket,
          'GET',
          `/images/${name}/json`,
        );
        assert.ok(ran.stdout.trim().endsWith(Id), ran.stdout);
        ids.add(RootFS.Layers.join());
      };
      for (const tool of ['gzip', 'zstd', 'xz', 'bzip2']) {
        await works(tool, '-k', '-q', layer);
        const file = `${layer}.${{ gzip: 'gz', zstd: 'zst', xz: 'xz', bzip2: 'bz2' }[tool]}`;
        await imported(await docker(engine, ['import', file, `in:${tool}`]), `in:${tool}`);
      }
      const bytes = await readFile(layer);
      await imported(await docker(engine, ['import', '-c', 'CMD ["echo", "imported"]', '-c', 'ENV A=b', '-m', 'why', '-', 'in:pipe'], { input: bytes }), 'in:pipe'); // prettier-ignore
      await imported(await docker(engine, ['import', `${address}/layer.tar`, 'in:address']), 'in:address');
      await imported(
        await slipway(['import', '--change', 'CMD ["echo", "ours"]', '-', 'in:slipway'], bytes),
        'in:slipway',
      );
      await imported(
        await slipway(['import', '-m', 'why', `${address}/layer.tar`, 'in:slipway-address']),
        'in:slipway-address',
      );
      const secret = address.replace('//', '//me:hush@');
      await imported(await docker(engine, ['import', `${secret}/layer.tar`, 'in:secret']), 'in:secret');
      assert.equal(ids.size, 1, 'all are the same layer');
      const told = JSON.stringify(await api(engine.socket, 'GET', '/images/in:secret/json'));
      assert.ok(told.includes('Imported from') && !told.includes('hush'), told);

      assert.equal((await docker(engine, ['run', '--rm', '--network', 'none', 'in:pipe'])).stdout, 'imported\n');
      assert.equal((await docker(engine, ['run', '--rm', '--network', 'none', 'in:slipway'])).stdout, 'ours\n');
      await imported(await docker(engine, ['import', '--platform', 'linux/s390x', layer, 'in:foreign']), 'in:foreign');
      const made = (...flags: string[]) =>
        docker(engine, ['create', '--network', 'none', ...flags, 'in:foreign', 'true']);
      assert.match((await made()).stderr, /platform \(linux\/s390x\) does not match the detected host platform/);
      assert.equal((await made('--platform', 'linux/s390x')).stderr, '');
      const { Comment, Config } = await api<{ Comment: string; Config: { Env: string[] } }>(
        engine.socket,
        'GET',
        '/images/in:pipe/json',
      );
      assert.deepEqual([Comment, Config.Env], ['why', ['A=b']]);
      assert.match(
        (await docker(engine, ['import', `${address}/nothing`])).stderr,
        /failed to GET .*\/nothing with status 404/,
      );
      assert.match(
        (await docker(engine, ['import', 'http://127.0.0.1:1/layer.tar'])).stderr,
        /: 127\.0\.0\.1:1 refuses the connection: nothing listens there/,
      );
      assert.match(
        (await docker(engine, ['import', '-'], { input: bytes.subarray(0, 100_000) })).stderr,
        /layer|archive/,
      );
      const cut = (await readFile(`${layer}.gz`)).subarray(0, 100_000);
      assert.match((await docker(engine, ['import', '-', 'in:cut'], { input: cut })).stderr, /cannot be decompressed/);
      assert.equal((await request(engine.socket, 'GET', '/images/in:cut/json')).status, 404);
    } finally {
      server.close();
    }
  },
);

test('an archive from before there was a manifest becomes the image that dockerd makes of it', needs, async () => {
  const old = path.join(folder, 'old');
  const ids = ['a', 'b'].map((letter) => letter.repeat(64));
  const second = path.join(folder, 'second');
  await mkdir(second);
  await writeFile(path.join(second, 'new'), 'second layer');
  for (const [at, id] of ids.entries()) {
    await mkdir(path.join(old, id), { recursive: true });
    await writeFile(path.join(old, id, 'VERSION'), '1.0');
    const own = {
      id,
      ...(at > 0 && { parent: ids[at - 1] }),
      created: `2015-0${at + 1}-01T00:00:00Z`,
      author: 'a <b@c>',
    };
    const command = { Cmd: ['/bin/sh', '-c', `#(nop) layer ${at} & more`] };
    await writeFile(
      path.join(old, id, 'json'),
      JSON.stringify({
        ...{ ...own, comment: 'old', container: 'c', container_config: command, docker_version: '1.9.1', Size: 5 },
        ...{ config: { Cmd: ['sh'], Env: ['B=<&>'], Labels: null }, architecture: 'amd64', os: 'linux' },
      }),
    );
  }
  await works('cp', layer, path.join(old, ids[0]!, 'layer.tar'));
  await works('tar', '-C', second, '--mtime=@0', '-cf', path.join(old, ids[1]!, 'layer.tar'), 'new');
  await writeFile(path.join(old, 'repositories'), JSON.stringify({ 'old/app': { '1': ids[1], latest: ids[1] } }));
  const archive = path.join(folder, 'old.tar');
  await works('tar', '-C', old, '-cf', archive, '.');
  const seen = [];
  for (const each of [engine, dockerd]) {
    const ran = await docker(each, ['load', '-i', archive]);
    assert.equal(ran.code, 0, ran.stderr);
    const image = await api<{ Id: string; Config: object; RootFS: object }>(
      each.socket,
      'GET',
      '/images/old/app:1/json',
    );
    const history = await api<{ Created: number; CreatedBy: string; Comment: string }[]>(
      each.socket,
      'GET',
      '/images/old/app:latest/history',
    );
    seen.push({
      id: image.Id,
      rootfs: image.RootFS,
      history: history.map(({ Created, CreatedBy, Comment }) => [Created, CreatedBy, Comment]),
    });
  }
  assert.deepEqual(seen[0], seen[1]);
  assert.equal(
    (await docker(engine, ['run', '--rm', '--network', 'none', 'old/app:1', 'cat', '/new'])).stdout,
    'second layer',
  );
});

test(
  'archives with linked layers, of several images, and compressed ones are loaded as dockerd loads them',
  needs,
  async () => {
    const made = path.join(folder, 'linked');
    await mkdir(path.join(made, 'one'), { recursive: true });
    await mkdir(path.join(made, 'two'), { recursive: true });
    await works('cp', layer, path.join(made, 'one/layer.tar'));
    await works('ln', '-s', '../one/layer.tar', path.join(made, 'two/layer.tar'));
    const diffId = `sha256:${createHash('sha256')
      .update(await readFile(layer))
      .digest('hex')}`;
    const images = [];
    for (const name of ['one', 'two']) {
      const config = {
        architecture: 'amd64',
        os: 'linux',
        config: { Cmd: ['echo', name] },
        rootfs: { type: 'layers', diff_ids: [diffId] },
      };
      await writeFile(path.join(made, `${name}.json`), JSON.stringify(config));
      images.push({
        Config: `${name}.json`,
        RepoTags: [`linked/${name}:1`, `linked/${name}:2`],
        Layers: [`${name}/layer.tar`],
      });
    }
    await writeFile(path.join(made, 'manifest.json'), JSON.stringify(images));
    await works('tar', '-C', made, '-cf', `${made}.tar`, 'manifest.json', 'one.json', 'two.json', 'two', 'one');
    await works('xz', '-k', '-0', `${made}.tar`);
    for (const file of [`${made}.tar`, `${made}.tar.xz`]) {
      const [ours, theirs] = await Promise.all(
        [engine, dockerd].map((each) => docker(each, ['load', '-q', '-i', file])),
      );
      assert.deepEqual(ours!.stdout.split('\n').sort(), theirs!.stdout.split('\n').sort());
      assert.equal(ours!.code, 0, ours!.stderr);
    }
    assert.equal((await docker(engine, ['run', '--rm', '--network', 'none', 'linked/two:2'])).stdout, 'two\n');
  },
);
