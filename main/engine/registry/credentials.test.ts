import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseRegistryAuth } from './auth.js';
import { CredentialHelper } from './credential-helper.js';
import { Credentials } from './credentials.js';
import { Hosts } from './hosts.js';

async function ground(t: TestContext, config?: object) {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-credentials-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const docker = join(folder, 'docker');
  const programs = join(folder, 'bin');
  await mkdir(docker);
  await mkdir(programs);
  if (config) await writeFile(join(docker, 'config.json'), JSON.stringify(config));
  const env = { DOCKER_CONFIG: docker, PATH: `${programs}:/usr/bin:/bin`, HELPER_STORE: join(folder, 'kept') };
  await mkdir(env.HELPER_STORE);
  const open = () => Credentials.open({ folder: join(folder, 'registries'), env });
  const helper = async (name: string, script: string) => {
    const file = join(programs, `docker-credential-${name}`);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  };
  return { folder, docker, env, open, helper };
}

/** Docker's protocol for helpers, with a file for each server. */
const WORKING = `
name() { echo "$1" | tr / _; }
case $1 in
  get) read -r server; file="$HELPER_STORE/$(name "$server")"
    [ -f "$file" ] && exec cat "$file"; echo 'credentials not found in native keychain'; exit 1;;
  store) read -r document; server=$(echo "$document" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/'); echo "$document" > "$HELPER_STORE/$(name "$server")";;
  erase) read -r server; rm "$HELPER_STORE/$(name "$server")";;
  list) printf '{"https://index.docker.io/v1/":"hubby","kept.example.com":"<token>"}';;
esac
echo "$@" >> "$HELPER_STORE/argv"`;

const basic = (text: string) => ({ auth: Buffer.from(text).toString('base64') });

test('our own logins are in a file that nobody else reads, and are there again afterwards', async (t) => {
  const { folder, open } = await ground(t);
  const credentials = await open();
  const keeper = await credentials.keep('reg.example.com', { username: 'me', password: 's3cret' });
  assert.deepEqual(keeper, { kind: 'slipway' });
  const file = join(folder, 'registries/credentials.json');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, 'registries'))).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(join(folder, 'registries')), ['credentials.json']);
  // As a writer that was killed leaves it.
  await writeFile(join(folder, 'registries/.credentials.json-0123456789ab'), 'half');
  const again = await open();
  assert.deepEqual(await readdir(join(folder, 'registries')), ['credentials.json']);
  assert.deepEqual(await again.find('reg.example.com'), { username: 'me', password: 's3cret' });
  assert.deepEqual([...(await again.list())], [['reg.example.com', { kind: 'slipway', user: 'me' }]]);
  assert.equal(await again.forget('reg.example.com'), true);
  assert.equal(await again.forget('reg.example.com'), false);
  assert.equal(await (await open()).find('reg.example.com'), undefined);
  assert.ok(!(await readFile(file, 'utf8')).includes('s3cret'));
});

test('a damaged file of logins keeps no engine from starting, and is set aside, not written over', async (t) => {
  const { folder, open } = await ground(t);
  const registries = join(folder, 'registries');
  await mkdir(registries);
  for (const damaged of ['{"auths": {"a', '[]', '{"auths": {"a": "s3cret"}}']) {
    await writeFile(join(registries, 'credentials.json'), damaged);
    const credentials = await open();
    assert.equal(await credentials.find('a'), undefined);
    assert.match(
      credentials.warnings.join(),
      /credentials\.json could not be read \(it is damaged\)\. It is kept as \S+damaged-\S+, .* Log in again\.$/,
    );
    assert.ok(!credentials.warnings.join().includes('s3cret'));
    await credentials.keep('a.b', { username: 'me', password: 'x' });
    const again = await open();
    assert.ok(await again.find('a.b'));
    assert.deepEqual(again.warnings, []);
    const aside = (await readdir(registries)).filter((name) => name.includes('damaged'));
    assert.deepEqual(await Promise.all(aside.map((name) => readFile(join(registries, name), 'utf8'))), [damaged]);
    await rm(join(registries, aside[0]!));
  }
});

test('so are damaged settings of registries', async (t) => {
  const { folder } = await ground(t);
  await mkdir(join(folder, 'registries'));
  const file = join(folder, 'registries/settings.json');
  await writeFile(file, '{"registries": {"a.b": {"insecure": "yes"}}}');
  const hosts = await Hosts.open({ folder: join(folder, 'registries') });
  assert.deepEqual([hosts.get('a.b'), hosts.warnings.length], [{}, 1]);
  await hosts.set('a.b', { insecure: true });
  const again = await Hosts.open({ folder: join(folder, 'registries') });
  assert.deepEqual([again.get('a.b'), again.warnings], [{ insecure: true }, []]);
  assert.equal((await readdir(join(folder, 'registries'))).length, 2);
});

test("docker's own logins are used, after ours, and are docker's to forget", async (t) => {
  const { open } = await ground(t, {
    auths: {
      'https://index.docker.io/v1/': basic('hub:pass:word'),
      'ghcr.io': basic('gh:p'),
      'https://old.example.com/v1/': basic('old:p'),
      'token.example.com': { identitytoken: 'lasting' },
      'empty.example.com': {},
    },
  });
  const credentials = await open();
  assert.deepEqual(await credentials.find('docker.io'), { username: 'hub', password: 'pass:word' });
  assert.deepEqual(await credentials.find('old.example.com'), { username: 'old', password: 'p' });
  assert.deepEqual(await credentials.find('token.example.com'), { identitytoken: 'lasting' });
  assert.equal(await credentials.find('empty.example.com'), undefined);
  await credentials.keep('ghcr.io', { username: 'me', password: 'mine' });
  assert.deepEqual(await credentials.find('ghcr.io'), { username: 'me', password: 'mine' });
  assert.equal(await credentials.forget('ghcr.io'), true);
  assert.deepEqual(await credentials.find('ghcr.io'), { username: 'gh', password: 'p' });
  await assert.rejects(credentials.forget('ghcr.io'), {
    kind: 'conflict',
    message: /"docker logout ghcr.io" forgets it/,
  });
  await assert.rejects(credentials.forget('docker.io'), /"docker logout" forgets it/);
});

test('helpers that docker knows are asked, told and listed; nothing secret is in their arguments', async (t) => {
  const { env, open, helper } = await ground(t, {
    credsStore: 'all',
    credHelpers: { 'own.example.com': 'own' },
    auths: { 'plain.example.com': basic('plain:p') },
  });
  await helper('all', WORKING);
  await helper(
    'own',
    `[ $1 = get ] && printf '{"Username":"<token>","Secret":"lasting"}' || printf '{"own.example.com":"me"}'`,
  );
  const credentials = await open();
  assert.deepEqual(await credentials.find('own.example.com'), { identitytoken: 'lasting' });
  assert.equal(await credentials.find('kept.example.com'), undefined);
  assert.deepEqual(await credentials.find('plain.example.com'), { username: 'plain', password: 'p' });
  assert.deepEqual(await credentials.keep('docker.io', { username: 'hubby', password: 's3cret' }), {
    kind: 'helper',
    helper: 'all',
  });
  assert.deepEqual(await credentials.find('docker.io'), { username: 'hubby', password: 's3cret' });
  assert.deepEqual(Object.fromEntries(await credentials.list()), {
    'docker.io': { kind: 'helper', helper: 'all', user: 'hubby' },
    'kept.example.com': { kind: 'helper', helper: 'all' },
    'own.example.com': { kind: 'helper', helper: 'own', user: 'me' },
    'plain.example.com': { kind: 'docker', user: 'plain' },
  });
  assert.equal(await credentials.forget('docker.io'), true);
  assert.equal(await credentials.find('docker.io'), undefined);
  assert.match(await readFile(join(env.HELPER_STORE, 'argv'), 'utf8'), /^(get|store|erase|list|\n)+$/);
});

test('a helper that fails, hangs or is not there keeps nobody from a public image', async (t) => {
  const { folder, env, open, helper } = await ground(t, { credsStore: 'bad', auths: { 'a.b': basic('me:p') } });
  let credentials = await open();
  // Not installed: as good as none.
  assert.deepEqual(await credentials.find('a.b'), { username: 'me', password: 'p' });
  assert.deepEqual(await credentials.keep('c.d', { username: 'me', password: 'x' }), { kind: 'slipway' });
  await helper('bad', 'echo s3cret; echo s3cret >&2; exit 3');
  credentials = await open();
  assert.deepEqual(await credentials.find('a.b'), { username: 'me', password: 'p' });
  await assert.rejects(credentials.keep('e.f', { username: 'me', password: 's3cret' }), (error: Error) => {
    assert.match(error.message, /docker-credential-bad failed \(store, exit code 3\)/);
    return !error.message.includes('s3cret');
  });
  await helper('bad', `echo $$ > ${folder}/pid; sleep 1000`);
  const hanging = new CredentialHelper('bad', env, 300);
  await assert.rejects(hanging.get('a.b'), /has not answered for 0.3 seconds/);
  // On a machine that is too busy it may not have come that far.
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''));
  if (pid) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('names in a configuration start no other program', async (t) => {
  const { folder, open } = await ground(t, {
    credsStore: `../../../bin/sh`,
    credHelpers: { 'a.b': 'x;touch y', 'c.d': '' },
  });
  const credentials = await open();
  assert.equal(await credentials.find('a.b'), undefined);
  assert.equal(await credentials.find('e.f'), undefined);
  assert.deepEqual(await credentials.keep('e.f', { username: 'me', password: 'x' }), { kind: 'slipway' });
  assert.ok(folder);
});

test(
  "another person's docker configuration is not read",
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async (t) => {
    const { docker, open } = await ground(t, { auths: { 'a.b': basic('me:p') } });
    assert.ok(await (await open()).find('a.b'));
    await chown(join(docker, 'config.json'), 1000, 1000);
    assert.equal(await (await open()).find('a.b'), undefined);
  },
);

test('a docker configuration that is no file, or no JSON, is passed over', async (t) => {
  const { docker, open } = await ground(t);
  await writeFile(join(docker, 'config.json'), 'not json');
  assert.equal(await (await open()).find('a.b'), undefined);
  await rm(join(docker, 'config.json'));
  await mkdir(join(docker, 'config.json'));
  assert.equal(await (await open()).find('a.b'), undefined);
});

test('a header that cannot be read is nobody’s, as none is', () => {
  for (const header of [undefined, '', 'e30=', 'undefined', 'bnVsbA==', 'IiI='])
    assert.equal(parseRegistryAuth(header), undefined, header);
  const document = JSON.stringify({ username: 'me', password: '§≠>?' });
  for (const encoding of ['base64', 'base64url'] as const)
    assert.equal(parseRegistryAuth(Buffer.from(document).toString(encoding))?.password, '§≠>?', encoding);
});
