/** Containers whose user ids are their own: `--userns-remap` for all of an engine, `UsernsMode: "auto"` for one. */
import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { api, docker, loadBusybox, request, run, startEngine, type RunningEngine } from '../fixtures/engine.js';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
/** The default range, which is nobody's. */
const FIRST = 0x70000000;

interface Inspect {
  Id: string;
  State: { Pid: number };
  GraphDriver: { Data: { UpperDir: string } };
}

describe('an engine with --userns-remap=default', { skip: needsRoot, timeout: 600_000 }, () => {
  let engine: RunningEngine;
  let folder: string;
  before(async () => {
    engine = await startEngine({ flags: ['--userns-remap=default'] });
    await loadBusybox(engine);
    folder = await mkdtemp(path.join(tmpdir(), 'slipway-userns-'));
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const says = async (...args: string[]) => {
    const ran = await docker(engine, args);
    assert.equal(ran.code, 0, `docker ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout;
  };
  const fails = async (...args: string[]) => {
    const ran = await docker(engine, args);
    assert.notEqual(ran.code, 0, `docker ${args.join(' ')} went through`);
    return ran.stderr;
  };
  const started = async (...args: string[]): Promise<Inspect> => {
    const id = (await says('run', '-d', ...args)).trim();
    return api<Inspect>(engine.socket, 'GET', `/containers/${id}/json`);
  };
  /** The first line of a process's map: which id of this machine its root is. */
  const rootOf = async ({ State: { Pid } }: Inspect) =>
    Number((await readFile(`/proc/${Pid}/uid_map`, 'utf8')).trim().split(/\s+/)[1]);

  test('says so in its info', async () => {
    const { SecurityOptions } = await api<{ SecurityOptions: string[] }>(engine.socket, 'GET', '/info');
    assert.ok(SecurityOptions.includes('name=userns'), SecurityOptions.join());
  });

  test('runs containers as root inside and as nobody outside, while files keep plain ids', async () => {
    const container = await started('--name', 'plain', 'busybox:test', 'sleep', '1000');
    assert.equal(await rootOf(container), FIRST);
    assert.match(await readFile(`/proc/${container.State.Pid}/status`, 'utf8'), new RegExp(`^Uid:\t${FIRST}\t`, 'm'));
    assert.equal(
      await says(
        'exec',
        'plain',
        'sh',
        '-c',
        'id -u; stat -c %u /bin/busybox /etc/hosts; touch /made; chown app /made; echo "# more" >> /etc/hosts',
      ),
      '0\n0\n0\n',
    );
    const made = await lstat(path.join(container.GraphDriver.Data.UpperDir, 'made'));
    assert.equal(made.uid, 1000);
    assert.equal(await says('exec', '-u', 'app', 'plain', 'id', '-u'), '1000\n');
  });

  test('connects them to the bridge, and lets everybody ping', async () => {
    const out = await says(
      'run',
      '--rm',
      '-u',
      '1000',
      'busybox:test',
      'sh',
      '-c',
      'cat /proc/sys/net/ipv4/ping_group_range; ip -4 -o addr show eth0 | wc -l',
    );
    assert.equal(out, '0\t65535\n1\n');
    const gateway = (
      await says('run', '--rm', 'busybox:test', 'sh', '-c', 'ip route | sed -n "s/default via \\([0-9.]*\\).*/\\1/p"')
    ).trim();
    assert.match(await says('run', '--rm', 'busybox:test', 'ping', '-c', '1', gateway), /1 packets received/);
  });

  test('leaves the owners of the host’s directories alone, unless idmap is asked for', async () => {
    await mkdir(path.join(folder, 'host'), { recursive: true });
    await writeFile(path.join(folder, 'host/file'), 'content\n', { mode: 0o644 });
    assert.equal(
      await says(
        'run',
        '--rm',
        '-v',
        `${folder}/host:/data`,
        'busybox:test',
        'sh',
        '-c',
        'cat /data/file; stat -c %u /data; touch /data/x 2>/dev/null || echo refused',
      ),
      'content\n65534\nrefused\n',
    );
    assert.equal(
      await says(
        'run',
        '--rm',
        '-v',
        `${folder}/host:/data:idmap`,
        'busybox:test',
        'sh',
        '-c',
        'stat -c %u /data; touch /data/x',
      ),
      '0\n',
    );
    assert.equal((await stat(path.join(folder, 'host/x'))).uid, 0);
  });

  test('keeps plain ids in volumes, so that containers with other ids share them', async () => {
    const write = 'touch /data/$0; chown 33 /data/$0; stat -c %u /data/*';
    assert.equal(await says('run', '--rm', '-v', 'shared:/data', 'busybox:test', 'sh', '-c', write, 'a'), '33\n');
    assert.equal(
      await says('run', '--rm', '--userns=host', '-v', 'shared:/data', 'busybox:test', 'sh', '-c', write, 'b'),
      '33\n33\n',
    );
    await says('volume', 'rm', 'shared');
  });

  test('lets a container opt out, and refuses what a user namespace cannot have, in dockerd’s words', async () => {
    const container = await started('--userns=host', '--privileged', 'busybox:test', 'sleep', '1000');
    assert.equal(await rootOf(container), 0);
    assert.match(
      await fails('run', '--privileged', 'busybox:test', 'true'),
      /privileged mode is incompatible with user namespaces/,
    );
    assert.match(
      await fails('run', '--network=host', 'busybox:test', 'true'),
      /cannot share the host's network namespace/,
    );
    assert.match(await fails('run', '--pid=host', 'busybox:test', 'true'), /cannot share the host PID namespace/);
  });

  test('lets containers share namespaces by sharing the user namespace', async () => {
    await started('--name', 'first', '--ipc=shareable', 'busybox:test', 'sleep', '1000');
    assert.equal(
      await says(
        'run',
        '--rm',
        '--network=container:first',
        '--pid=container:first',
        '--ipc=container:first',
        'busybox:test',
        'sh',
        '-c',
        'ps -o args | grep -c "^[s]leep"; touch /x /dev/shm/x; stat -c %u /x; hostname -i >/dev/null; ip -o link show eth0 | wc -l',
      ),
      '1\n0\n1\n',
    );
    assert.equal(await says('exec', 'first', 'ls', '/dev/shm'), 'x\n');
  });

  test('gives a container ids of its own where UsernsMode is auto', async () => {
    const ids = await Promise.all(
      ['one', 'two'].map((name) =>
        api<{ Id: string }>(engine.socket, 'POST', `/containers/create?name=${name}`, {
          Image: 'busybox:test',
          Cmd: ['sleep', '1000'],
          HostConfig: { UsernsMode: 'auto' },
        }),
      ),
    );
    const roots = await Promise.all(
      ids.map(async ({ Id }) => {
        await api(engine.socket, 'POST', `/containers/${Id}/start`);
        return rootOf(await api<Inspect>(engine.socket, 'GET', `/containers/${Id}/json`));
      }),
    );
    assert.equal(new Set([FIRST, ...roots]).size, 3, roots.join());
    assert.equal(await says('exec', 'one', 'sh', '-c', 'touch /x; stat -c %u /x /bin/busybox'), '0\n0\n');
    const refused = await request(engine.socket, 'POST', '/containers/create', {
      Image: 'busybox:test',
      HostConfig: { UsernsMode: 'keep-id' },
    });
    assert.equal(refused.status, 400, refused.body.toString());
  });

  test('keeps a container’s ids over restarts of it and of the engine', async () => {
    await started('--name', 'lasting', 'busybox:test', 'sh', '-c', 'touch /before; sleep 1000');
    await says('restart', '-t', '0', 'lasting');
    await engine.kill();
    await engine.restart();
    const container = await api<Inspect>(engine.socket, 'GET', '/containers/lasting/json');
    assert.equal(await rootOf(container), FIRST);
    assert.equal(await says('exec', 'lasting', 'stat', '-c', '%u', '/before'), '0\n');
  });

  test('copies, compares and commits as if there were no user namespace', async () => {
    const container = await started('--name', 'copied', 'busybox:test', 'sleep', '1000');
    await writeFile(path.join(folder, 'note'), 'from outside\n');
    await says('cp', path.join(folder, 'note'), 'copied:/root/note');
    assert.equal(
      await says('exec', 'copied', 'sh', '-c', 'cat /root/note; stat -c %u:%g /root/note; chown 33:44 /root/note'),
      'from outside\n0:0\n',
    );
    const archive = await request(engine.socket, 'GET', '/containers/copied/archive?path=/root/note');
    assert.match((await run('tar', ['-tv', '--numeric-owner'], { input: archive.body })).stdout, / 33\/44 /);
    assert.equal((await lstat(path.join(container.GraphDriver.Data.UpperDir, 'root/note'))).uid, 33);
    assert.match(await says('diff', 'copied'), /^A \/root\/note$/m);
    await says('commit', 'copied', 'committed:test');
    assert.equal(
      await says('run', '--rm', '--userns=host', 'committed:test', 'stat', '-c', '%u:%g', '/root/note'),
      '33:44\n',
    );
  });
});
