/** Copies that break off: the client goes, the helper's worker, the engine, the container, the room on the disk. What is told, and that nothing stays. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pack } from 'tar-stream';
import { docker, end, loadBusybox, request, startEngine, type RunningEngine } from '../fixtures/engine.js';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

describe('a copy that breaks off', { skip: needsRoot, timeout: 300_000 }, () => {
  let engine: RunningEngine;
  before(async () => {
    engine = await startEngine();
    await loadBusybox(engine);
    await cli(
      'run',
      '-d',
      '--name',
      'web',
      '--network',
      'none',
      '--tmpfs',
      '/small:size=1m',
      'busybox:test',
      'sleep',
      '1000',
    );
    await cli('create', '--name', 'box', '--network', 'none', 'busybox:test', 'sleep', '1000');
  });
  after(() => engine?.[Symbol.asyncDispose]());

  const cli = async (...args: string[]) => {
    const ran = await docker(engine, args);
    assert.equal(ran.code, 0, `docker ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  const at = (method: string, container: string, to: string, body?: Buffer) =>
    request(engine.socket, method, `/containers/${container}/archive?path=${to}`, body, {
      'Content-Type': 'application/x-tar',
    });

  /** A file of 8 MiB in a tar, as far as its middle. */
  const half = async (): Promise<Buffer> => {
    const tar = pack();
    const entry = tar.entry({ name: 'half', size: 8 << 20 });
    const chunks: Buffer[] = [];
    entry.on('error', () => undefined);
    entry.write(Buffer.alloc(4 << 20, 'x'));
    for await (const chunk of tar) {
      chunks.push(chunk as Buffer);
      if (Buffer.concat(chunks).length > 4 << 20) break;
    }
    return Buffer.concat(chunks);
  };

  /** An upload that has come to its middle; `answer` is what the engine says in the end. */
  async function upload(container: string) {
    const outgoing = http.request({
      ...{ socketPath: engine.socket, method: 'PUT', path: `/containers/${container}/archive?path=/tmp` },
      headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/x-tar' },
    });
    const answer = new Promise<{ status: number; text: string } | undefined>((resolve) => {
      outgoing.once('error', () => resolve(undefined));
      outgoing.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('close', () => resolve({ status: response.statusCode ?? 0, text }));
      });
    });
    outgoing.write(await half());
    await until(async () => (await workers()).length === 1, 'a worker');
    await sleep(100);
    return { answer, outgoing };
  }

  /** The helper's children. */
  async function workers(): Promise<number[]> {
    const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const about = async (pid: string, name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
    const children: number[] = [];
    for (const pid of all) {
      const parent = / \((?:.*)\) \S (\d+)/s.exec(` ${(await about(pid, 'stat')).replace(/^\d+/, '')}`)?.[1] ?? '';
      if ((await about(parent, 'cmdline')).includes(`--run-dir\0${engine.runDir}`)) children.push(Number(pid));
    }
    return children;
  }

  async function until(ready: () => Promise<boolean>, what: string): Promise<void> {
    for (let tries = 0; !(await ready()); tries++) {
      assert.ok(tries < 2000, `waited in vain for ${what}`);
      await sleep(20);
    }
  }

  const nothingStays = async (container: string) => {
    await until(async () => (await workers()).length === 0, 'the end of the worker');
    assert.equal((await at('HEAD', container, '/tmp/half')).status, 404, 'half a file');
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    assert.ok(!mounts.includes(engine.dataRoot) && !mounts.includes(engine.runDir), mounts);
    if (container === 'box') await cli('start', 'box');
    if (container === 'box') await cli('stop', '-t', '0', 'box');
  };

  for (const container of ['web', 'box']) {
    test(`because the client goes (${container})`, async () => {
      const { answer, outgoing } = await upload(container);
      outgoing.destroy();
      await answer;
      await nothingStays(container);
    });

    test(`because the worker is killed (${container})`, async () => {
      const { answer, outgoing } = await upload(container);
      for (const pid of await workers()) end(pid);
      const { status, text } = (await answer) ?? { status: 0, text: '' };
      assert.equal(status, 503);
      assert.match(text, /killed or crashed in the middle of this: try again/);
      outgoing.destroy();
      await until(async () => (await workers()).length === 0, 'the end of the worker');
      assert.equal((await at('PUT', container, '/tmp', Buffer.alloc(1024))).status, 200);
      if (container === 'box') await cli('start', 'box');
      if (container === 'box') await cli('stop', '-t', '0', 'box');
      await cli('cp', '-q', '/etc/hostname', `${container}:/tmp/half`);
      await cli('cp', '-q', `${container}:/tmp/half`, '-');
    });

    test(`because the engine is killed (${container})`, async () => {
      const { answer } = await upload(container);
      await engine.kill();
      assert.equal(await answer, undefined);
      await until(async () => (await workers()).length === 0, 'the end of the worker');
      await engine.restart();
      assert.equal((await at('PUT', container, '/tmp', Buffer.alloc(1024))).status, 200);
    });
  }

  test('because the container stops', async () => {
    const { answer, outgoing } = await upload('web');
    await cli('kill', 'web');
    const { status, text } = (await answer) ?? { status: 0, text: '' };
    assert.equal(status, 409);
    assert.match(text, /stopped in the middle of this/);
    outgoing.destroy();
    await cli('start', 'web');
    await until(async () => (await workers()).length === 0, 'the end of the worker');
  });

  test('because there is no room', async () => {
    const tar = pack();
    tar.entry({ name: 'large' }, Buffer.alloc(4 << 20));
    tar.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of tar) chunks.push(chunk as Buffer);
    const { status, body } = await at('PUT', 'web', '/small', Buffer.concat(chunks));
    assert.equal(status, 500);
    assert.match(body.toString(), /write large: No space left on device/);
    assert.equal((await at('HEAD', 'web', '/small/large')).status, 404);
  });

  test('while it is read: the client goes, the worker is killed', async () => {
    await cli('exec', 'web', 'dd', 'if=/dev/urandom', 'of=/tmp/large', 'bs=1M', 'count=64');
    const reading = async () => {
      const outgoing = http.get({ socketPath: engine.socket, path: '/containers/web/archive?path=/tmp/large' });
      const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
      response.on('error', () => undefined);
      response.pause();
      await until(async () => (await workers()).length === 1, 'a worker');
      return response;
    };
    (await reading()).destroy();
    await until(async () => (await workers()).length === 0, 'the end of the worker');
    const cut = await reading();
    for (const pid of await workers()) end(pid);
    await new Promise((resolve) => cut.resume().once('close', resolve));
    assert.equal(cut.complete, false, 'half an archive was passed off as a whole one');
  });

  test('many at once are served, each alone in a container that does not run', async () => {
    const answers = await Promise.all(
      ['web', 'box'].flatMap((container) =>
        Array.from({ length: 8 }, (_, index) =>
          at('PUT', container, '/tmp', index % 2 ? Buffer.alloc(1024) : Buffer.alloc(0)),
        ),
      ),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    await Promise.all([cli('start', 'box'), at('GET', 'box', '/etc'), at('GET', 'box', '/etc'), cli('diff', 'box')]);
    await cli('rm', '-f', 'box');
  });
});
