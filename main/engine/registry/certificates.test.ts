import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { certificateFolders, filedTrust } from './certificates.js';

async function ground(t: TestContext, files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-certificates-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

test('what lies beside a registry’s name is trusted and shown, as dockerd has it', async (t) => {
  const folder = await ground(t, {
    'reg:5000/ca.crt': 'authority',
    'reg:5000/b.crt': 'another',
    'reg:5000/me.cert': 'certificate',
    'reg:5000/me.key': 'key',
    'reg:5000/notes.txt': 'nothing',
    'reg/ca.crt': 'of another port',
  });
  assert.deepEqual(await filedTrust([folder, join(folder, 'nosuch')], ['reg:5000']), {
    ca: ['another', 'authority'],
    client: { certificate: 'certificate', key: 'key' },
  });
  assert.deepEqual(await filedTrust([folder], ['other']), { ca: [] });
});

test('a certificate without its key is told, and so is what cannot be read', async (t) => {
  const folder = await ground(t, { 'reg/me.cert': 'certificate' });
  await mkdir(join(folder, 'odd/ca.crt'), { recursive: true });
  await assert.rejects(filedTrust([folder], ['reg']), {
    kind: 'invalid',
    message: `missing key me.key for client certificate me.cert in ${folder}/reg. Note that CA certificates must use the extension .crt`,
  });
  await assert.rejects(filedTrust([folder], ['odd']), /ca\.crt cannot be read \(EISDIR\)/);
});

test('the name of a host leads out of no folder', async (t) => {
  const folder = await ground(t, { 'ca.crt': 'outside', 'in/reg/ca.crt': 'inside' });
  for (const host of ['..', '.', '', '../x', 'reg/..'])
    assert.deepEqual(await filedTrust([join(folder, 'in')], [host]), { ca: [] }, host);
});

test('an ordinary user has a folder of their own before the machine’s', () => {
  assert.deepEqual(certificateFolders({ HOME: '/home/me' }, 1000), [
    '/home/me/.config/docker/certs.d',
    '/home/me/.config/containers/certs.d',
    '/etc/docker/certs.d',
    '/etc/containers/certs.d',
  ]);
  assert.equal(certificateFolders({ XDG_CONFIG_HOME: '/elsewhere' }, 1000)[0], '/elsewhere/docker/certs.d');
  assert.deepEqual(certificateFolders({ HOME: '/home/me' }, 0), ['/etc/docker/certs.d', '/etc/containers/certs.d']);
});
