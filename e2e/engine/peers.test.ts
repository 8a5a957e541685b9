/** The peers that other tests compare with and use are there, and are what they are taken for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, loadBusybox, run } from '../fixtures/engine.js';
import { dockerCli, peer, startDockerd } from '../fixtures/peers.js';

const needs = { skip: process.getuid?.() !== 0 && 'dockerd needs root' };

test('today’s Docker answers, runs and builds, with today’s command line, buildx and compose', needs, async (t) => {
  await using dockerd = await startDockerd();
  const version = await api<{ ApiVersion: string; MinAPIVersion: string; Version: string }>(
    dockerd.socket,
    'GET',
    '/version',
  );
  t.diagnostic(`dockerd ${version.Version}, API ${version.MinAPIVersion} to ${version.ApiVersion}`);
  const [, minor] = version.ApiVersion.split('.');
  assert.ok(Number(minor) >= 51, version.ApiVersion);
  await loadBusybox(dockerd);
  const said = async (...args: string[]) => {
    const ran = await dockerCli(dockerd, args);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };
  assert.equal(await said('run', '--rm', 'busybox:test', 'echo', 'hello'), 'hello\n');
  for (const plugin of ['buildx', 'compose']) assert.match(await said(plugin, 'version'), /\d+\.\d+/);
  const built = await dockerCli(dockerd, ['buildx', 'build', '-q', '-'], {
    input: 'FROM busybox:test\nRUN echo made > /made\n',
  });
  assert.match(built.stdout, /^sha256:/, built.stderr);
  assert.equal(await said('run', '--rm', built.stdout.trim(), 'cat', '/made'), 'made\n');
});

test('other programs of the same suite run as root', needs, async () => {
  for (const program of ['podman', 'skopeo', 'buildah', 'crun', 'runc']) {
    const [command, args] = peer(program, '--version');
    const ran = await run(command, args);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /\d+\.\d+/);
  }
});
