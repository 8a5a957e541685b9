/** A shell for images that have none, and what an attacker makes of it, for every kind of engine. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerShells, DebugCreate } from '../../main/contract/files.js';
import { api, hijack, request } from '../fixtures/engine.js';
import { loadScratch } from '../fixtures/scratch.js';
import { compile, everybody, fingerprint, needsRoot, open, TRUSTED, type Ground } from './security/ground.js';

for (const who of everybody)
  describe(`a debug shell in containers of ${who}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    before(async () => {
      ground = await open(who);
      await loadScratch(ground, 'scratch:test');
      await ground.says('run', '-d', '--name', 'bare', 'scratch:test');
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const create = (container: string, wish: DebugCreate) =>
      request(ground.socket, 'POST', `/slipway/containers/${container}/debug`, wish);
    /** What it writes, to its end. */
    async function debug(container: string, wish: DebugCreate, input = ''): Promise<{ output: string; code: number }> {
      const made = await create(container, wish);
      assert.equal(made.status, 201, made.body.toString());
      const { Id } = JSON.parse(made.body.toString()) as { Id: string };
      const { socket, head } = await hijack(ground.socket, `/exec/${Id}/start`, { Tty: wish.Tty ?? false });
      const chunks = [head];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.resume();
      socket.end(input);
      await new Promise((resolve) => socket.once('end', resolve));
      const bytes = Buffer.concat(chunks);
      const output = wish.Tty ? bytes.toString() : unframed(bytes);
      const { ExitCode } = await api<{ ExitCode: number }>(ground.socket, 'GET', `/exec/${Id}/json`);
      return { output, code: ExitCode };
    }
    const script = async (container: string, text: string, more: DebugCreate = {}) => {
      const { output, code } = await debug(container, { ...more, Cmd: ['sh', '-c', text] });
      return `${output}${code === 0 ? '' : `[${code}]`}`;
    };

    test('an image without a shell is said to have none, and that there is a debug shell', async () => {
      const shells = await api<ContainerShells>(ground.socket, 'GET', '/slipway/containers/bare/shells');
      assert.deepEqual(shells, { Shells: [], Default: null, Toolbox: true });
      const { can } = await api<{ can: string[] }>(ground.socket, 'GET', '/slipway/features');
      assert.ok(can.includes('files') && can.includes('debug-shell'), String(can));
      assert.notEqual((await ground.run('exec', 'bare', 'sh', '-c', 'true')).code, 0);
    });

    test('its programs are there by name in an image that has none of them', async () => {
      assert.equal(await script('bare', 'ls / | grep -vE "^(dev|proc|sys|etc)$"'), 'app\n');
      assert.equal(
        await script('bare', 'echo hello > /tmp.txt; cat /tmp.txt | wc -c | xargs echo; rm /tmp.txt'),
        '6\n',
      );
      assert.match(await script('bare', 'ps | head -2'), /PID.*\n\s+1 .*\/app/);
      assert.match(await script('bare', 'wget -q -O - http://127.0.0.1:1/'), /can't connect to remote host.*\n\[1\]/);
      assert.match(await script('bare', 'vi --help 2>&1; find /app; env | sort | head -1'), /Usage: vi .*\n\/app\n/s);
      assert.equal((await debug('bare', { Cmd: ['cat'] }, 'through its input')).output, 'through its input');
      assert.equal((await debug('bare', { Cmd: ['false'] })).code, 1);
    });

    test('with a terminal it is a shell to type in', async () => {
      const typed = 'echo $((6*7)); stty size; tty; exit 5\n';
      const { output, code } = await debug('bare', { Tty: true, ConsoleSize: [33, 111] }, typed);
      assert.match(output, /\r\n42\r\n33 111\r\n\/dev\/pts\/\d+\r\n/);
      assert.match(output, /\w+ \/ \(debug\) # /);
      assert.equal(code, 5);
    });

    test('it runs as whoever is asked for, with what an exec may do and no more', async () => {
      assert.equal(await script('bare', 'id -u; id -g', { User: '1000:2000' }), '1000\n2000\n');
      assert.equal(await script('bare', 'ls /proc/self/exe > /dev/null && ls / | wc -l', { User: '1000' }), '5\n');
      const status = 'grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status';
      await ground.says(
        'run',
        '-d',
        '--name',
        'shell',
        '--security-opt',
        'no-new-privileges',
        'busybox:test',
        'sleep',
        '1000',
      );
      for (const user of ['', '1000'])
        assert.equal(
          await script('shell', status, { User: user }),
          await ground.says('exec', ...(user ? ['-u', user] : []), 'shell', 'sh', '-c', status),
        );
      const group = 'cat /proc/self/cgroup; for ns in pid mnt net user; do readlink /proc/self/ns/$ns; done';
      assert.equal(await script('shell', group), await ground.says('exec', 'shell', 'sh', '-c', group));
    });

    test('it leaves no file in the container', async () => {
      await script('bare', 'ls');
      assert.equal((await ground.says('diff', 'bare')).trim(), '');
      assert.equal(
        await script('bare', 'ls -A /dev/shm /run 2>/dev/null | grep -v :; mount | grep -ci busybox'),
        '0\n[1]',
      );
    });

    test('it has no descriptor but its streams (CVE-2016-9962, CVE-2024-21626)', async () => {
      const own = 'ls /proc/$$/fd; true';
      assert.equal(await script('bare', own), '0\n1\n2\n');
      const inherited = 'cd /proc/self/fd; for fd in *; do [ -e $fd ] && echo $fd; done; true';
      assert.equal(await script('bare', inherited), '0\n1\n2\n');
      for (let fd = 3; fd < 20; fd++) {
        const { output, code } = await debug('bare', { WorkingDir: `/proc/self/fd/${fd}`, Cmd: ['pwd'] });
        assert.ok(code !== 0, output);
      }
    });

    test('nobody in the container can write to its program, nor to that of another (CVE-2019-5736)', async () => {
      const before = await fingerprint(ground);
      const busybox = await readFile('/bin/busybox');
      await ground.says('run', '-d', '--name', 'evil', ...TRUSTED, 'busybox:test', 'sleep', '1000');
      const waiting = debug('evil', {
        Cmd: [
          'sh',
          '-c',
          'echo $$; until [ -e /tried ]; do sleep 1; done; ls /proc/self/exe > /dev/null && echo still',
        ],
      });
      const attack = [
        'for pid in /proc/[0-9]*; do case "$(readlink $pid/exe)" in *memfd*|*deleted*)',
        'echo found; echo x 2>/dev/null >> $pid/exe && echo wrote; : 2>/dev/null > $pid/exe && echo truncated;',
        'truncate -s 0 $pid/exe 2>/dev/null && echo cut; dd if=/dev/zero of=$pid/exe count=1 conv=notrunc 2>/dev/null && echo poked;',
        'chmod 0 $pid/exe;; esac; done',
      ].join('\n');
      let said = '';
      for (let tries = 0; tries < 500 && !said.includes('found'); tries++) {
        said = (await ground.run('exec', 'evil', 'sh', '-c', attack)).stdout;
        if (!said.includes('found')) await sleep(50);
      }
      assert.match(said, /^(found\n)+$/, said);
      await ground.says('exec', 'evil', 'touch', '/tried');
      await waiting; // what becomes of one whose mode was taken away is its own container's doing
      assert.equal(await script('bare', 'ls / > /dev/null && echo well'), 'well\n');
      assert.equal(await script('evil', 'ls / > /dev/null && echo well'), 'well\n');
      assert.ok((await readFile('/bin/busybox')).equals(busybox));
      assert.equal(await fingerprint(ground), before);
    });

    test('while one enters, a container that may trace everybody finds no way out', async () => {
      await compile(ground, 'steal');
      const secret = path.join(ground.folder, 'outside/secret');
      await writeFile(secret, 'of the host\n');
      const tools = ['-v', `${ground.folder}/tools:/t:ro`];
      await ground.says('run', '-d', '--name', 'thief', ...TRUSTED, ...tools, 'busybox:test', '/t/steal', secret);
      for (let round = 0; round < 12; round++) await script('thief', 'true');
      assert.equal(await ground.says('logs', 'thief'), '');
    });

    test('a container that does not run, or runs with nobody, is refused one in a sentence', async () => {
      await ground.says('create', '--name', 'made', 'scratch:test');
      const refused = await create('made', {});
      assert.equal(refused.status, 409);
      assert.match(refused.body.toString(), /is not running/);
      assert.equal((await create('nobody', {})).status, 404);
      const { output, code } = await debug('bare', { User: 'nobody', Cmd: ['id'] });
      assert.match(output, /unable to find user nobody/);
      assert.notEqual(code, 0);
    });
  });

/** Docker's frames, both streams together. */
function unframed(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= bytes.length; at += 8 + bytes.readUInt32BE(at + 4))
    text += bytes.toString('utf8', at + 8, at + 8 + bytes.readUInt32BE(at + 4));
  return text;
}
