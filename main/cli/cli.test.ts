import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { DetachKeys } from './detach-keys.js';
import { filtersOf } from './lists.js';
import { fullName } from './pull.js';
import { createBody, withRunFlags, type RunFlags } from './run-flags.js';
import { listing, table } from './table.js';
import { render } from './template.js';
import { humanDuration, humanSize, moment, parseMemory } from './units.js';

async function bodyOf(...args: string[]) {
  const command = withRunFlags(new Command('run'))
    .exitOverride()
    .passThroughOptions()
    .argument('<image>')
    .argument('[command...]');
  command.configureOutput({ writeErr: () => undefined });
  command.parse(args, { from: 'user' });
  const [image = '', rest = []] = command.processedArgs as [string, string[]];
  return createBody(image, rest, command.opts<RunFlags>());
}

test('flags end at the image: what follows is the command’s own', async () => {
  const body = await bodyOf('-it', '--rm', 'debian:12', 'ls', '-la', '--rm', '-e');
  assert.deepEqual(body.Cmd, ['ls', '-la', '--rm', '-e']);
  assert.deepEqual([body.Tty, body.OpenStdin, body.StdinOnce, body.HostConfig?.AutoRemove], [true, true, true, true]);
});

test('limits, variables and labels become what the API takes', async () => {
  process.env['SLIPWAY_TEST_VALUE'] = 'from here';
  const args = [
    '-m',
    '512m',
    '--cpus',
    '1.5',
    '--pids-limit',
    '100',
    '-e',
    'A=b=c',
    '-e',
    'SLIPWAY_TEST_VALUE',
    '-e',
    'NOT_SET_HERE',
  ];
  args.push('--userns', 'auto');
  const body = await bodyOf(...args, '-l', 'tier=front', '-l', 'plain', '--restart', 'on-failure:3', 'web');
  assert.deepEqual(body.Env, ['A=b=c', 'SLIPWAY_TEST_VALUE=from here']);
  assert.deepEqual(body.Labels, { tier: 'front', plain: '' });
  const { Memory, NanoCpus, PidsLimit, RestartPolicy } = body.HostConfig ?? {};
  assert.deepEqual({ Memory, NanoCpus, PidsLimit }, { Memory: 536870912, NanoCpus: 1.5e9, PidsLimit: 100 });
  assert.deepEqual(RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
  assert.equal(body.HostConfig?.UsernsMode, 'auto');
});

test('ports are published on an address, at a port, or wherever there is room', async () => {
  const body = await bodyOf('-p', '8080:80', '-p', '127.0.0.1:53:53/udp', '-p', '90', 'web');
  assert.deepEqual(body.HostConfig?.PortBindings, {
    '80/tcp': [{ HostIp: '', HostPort: '8080' }],
    '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
    '90/tcp': [{ HostIp: '', HostPort: '' }],
  });
  assert.deepEqual(Object.keys(body.ExposedPorts ?? {}), ['80/tcp', '53/udp', '90/tcp']);
  await assert.rejects(bodyOf('-p', 'eighty', 'web'), { message: 'invalid port specification: "eighty"' });
});

test('mounts are taken in docker’s words, with its complaints', async () => {
  const mounts = async (...texts: string[]) =>
    ((await bodyOf(...texts.flatMap((text) => ['--mount', text]), 'image')).HostConfig as { Mounts: unknown }).Mounts;
  assert.deepEqual(
    await mounts(
      'type=bind,src=./x,dst=/b,ro,bind-propagation=rslave,bind-recursive=writable',
      'source=data,target=/v,volume-subpath=a/b,volume-nocopy,volume-label=k=v,volume-opt=type=tmpfs,volume-opt=device=t',
      'type=image,source=tool:1,target=/i,image-subpath=bin',
      '"type=tmpfs","target=/with,comma",tmpfs-size=1m,tmpfs-mode=0700',
    ),
    [
      {
        ...{ Type: 'bind', Source: path.resolve('x'), Target: '/b', ReadOnly: true },
        BindOptions: { Propagation: 'rslave', ReadOnlyNonRecursive: true },
      },
      {
        ...{ Type: 'volume', Source: 'data', Target: '/v' },
        VolumeOptions: {
          ...{ Subpath: 'a/b', NoCopy: true, Labels: { k: 'v' } },
          DriverConfig: { Options: { type: 'tmpfs', device: 't' } },
        },
      },
      { Type: 'image', Source: 'tool:1', Target: '/i', ImageOptions: { Subpath: 'bin' } },
      { Type: 'tmpfs', Target: '/with,comma', TmpfsOptions: { SizeBytes: 2 ** 20, Mode: 0o700 } },
    ],
  );
  for (const [text, why] of [
    ['type=bind,src=/x', 'target is required'],
    ['target=/x,colour=red', "unexpected key 'colour' in 'colour=red'"],
    ['target=/x,source', "invalid field 'source' must be a key=value pair"],
    ['target=/x,ro=perhaps', 'invalid value for ro: perhaps'],
    ['type=bind,src=/x,target=/x,volume-nocopy', "cannot mix 'volume-*' options with mount type 'bind'"],
  ] as const)
    await assert.rejects(mounts(text), { message: `invalid argument "${text}" for "--mount" flag: ${why}` });
});

test('a source that begins with a dot is a directory of this machine', async () => {
  const flags = ['./x:/a:ro', '../y:/b', '.:/c', 'data:/d', '/z:/e'].flatMap((spec) => ['-v', spec]);
  const { HostConfig } = await bodyOf(...flags, '-v', '/own', 'image');
  const own = [`${path.resolve('x')}:/a:ro`, `${path.resolve('../y')}:/b`, `${path.resolve('.')}:/c`];
  assert.deepEqual((HostConfig as { Binds: unknown }).Binds, [...own, 'data:/d', '/z:/e']);
  for (const spec of ['/x:', ':/x', '/x:/y:'])
    await assert.rejects(bodyOf('-v', spec, 'image'), {
      message: `invalid spec: ${spec}: empty section between colons`,
    });
});

test('detached, nothing is attached', async () => {
  const body = await bodyOf('-d', '-i', 'web');
  assert.deepEqual([body.AttachStdin, body.AttachStdout, body.OpenStdin, body.StdinOnce], [false, false, true, false]);
});

test('a table is set as docker sets it', () => {
  const text = table([
    ['ID', 'NAME', 'END'],
    ['123456789012', 'a', 'x y'],
  ]);
  assert.equal(text, 'ID             NAME      END\n123456789012   a         x y\n');
});

test('a list is a table, ids, JSON lines or the person’s own format', () => {
  const list = {
    columns: { ID: 'CONTAINER ID', Name: 'NAMES' },
    rows: [{ ID: 'ab', Name: 'web', Size: '1MB' }],
    quietField: 'ID',
  };
  assert.equal(listing(list, { quiet: true }), 'ab\n');
  assert.equal(listing(list, { format: 'json' }), '{"ID":"ab","Name":"web","Size":"1MB"}\n');
  assert.equal(listing(list, { format: '{{.Name}}:{{.Size}}' }), 'web:1MB\n');
  assert.equal(listing(list, { format: 'table {{.Name}}\\t{{.Size}}' }), 'NAMES     SIZE\nweb       1MB\n');
});

test('templates print what Go would print', () => {
  const fields = { State: { Running: true }, Cmd: ['a', 'b'], Labels: { z: '1', a: '2' }, Nothing: null };
  assert.equal(render('{{.State.Running}} {{.Cmd}} {{.Labels}}', fields), 'true [a b] map[a:2 z:1]');
  assert.equal(render('{{json .Cmd}}\\t{{.Nothing}}', fields), '["a","b"]\t<no value>');
  assert.throws(() => render('{{range .Cmd}}x{{end}}', fields), /more than this command line understands/);
  assert.throws(() => render('{{.Nope}}', fields), /can't evaluate field Nope/);
});

test('sizes and times are docker’s', () => {
  assert.deepEqual(
    [0, 999, 4_264_000, 1_984_000_000].map((bytes) => humanSize(bytes)),
    ['0B', '999B', '4.26MB', '1.98GB'],
  );
  assert.deepEqual(
    [1024, 512 * 2 ** 20, 2 ** 29 * 3].map(String),
    ['1k', '512m', '1.5g'].map((text) => String(parseMemory(text))),
  );
  const durations = [500, 59_000, 61_000, 3_600_000, 86_400_000, 8 * 86_400_000, 40 * 86_400_000];
  assert.deepEqual(durations.map(humanDuration), [
    'Less than a second',
    '59 seconds',
    'About a minute',
    'About an hour',
    '24 hours',
    '8 days',
    '5 weeks',
  ]);
  assert.ok(Math.abs(Number(moment('1h30m')) - (Date.now() / 1000 - 5400)) < 2);
  assert.equal(moment('1795000000.5'), '1795000000.5');
  assert.equal(moment('2026-01-02T13:23:37Z'), '1767360217.000000000');
});

test('the detach keys leave; a sequence that breaks off was typing', () => {
  const keys = new DetachKeys();
  assert.deepEqual(keys.filter(Buffer.from('a\u0010')), { input: Uint8Array.of(97), detached: false });
  assert.deepEqual(keys.filter(Buffer.from('b')), { input: Uint8Array.of(16, 98), detached: false });
  assert.deepEqual(keys.filter(Buffer.from('\u0010\u0010')).detached, false);
  assert.deepEqual(keys.filter(Buffer.from('\u0011')), { input: Uint8Array.of(), detached: true });
  assert.equal(new DetachKeys('q').filter(Buffer.from('xq')).detached, true);
  assert.throws(() => new DetachKeys('ctrl-1'), /Unknown character/);
});

test('filters and names are taken as docker takes them', () => {
  assert.deepEqual(filtersOf(['label=a=b', 'label=c', 'status=running']), { label: ['a=b', 'c'], status: ['running'] });
  assert.throws(() => filtersOf(['running']), /bad format of filter/);
  assert.deepEqual(['debian', 'team/app:2', 'localhost:5000/app', 'host.io/a@sha256:00'].map(fullName), [
    'docker.io/library/debian:latest',
    'docker.io/team/app:2',
    'localhost:5000/app:latest',
    'host.io/a@sha256:00',
  ]);
});
