import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { codeOf, invalid, messageOf } from '../../base/errors.js';
import type { Trust } from './request.js';

/** What the files of this machine say about a registry. */
export type FiledTrust = Pick<Trust, 'ca' | 'client'>;

/** Where certificates for registries lie, as for dockerd: `HOST:PORT/*.crt` to trust, `*.cert` with `*.key` to show. */
export function certificateFolders(env: Record<string, string | undefined>, uid: number): string[] {
  const usual = ['/etc/docker/certs.d', '/etc/containers/certs.d'];
  if (uid === 0) return usual;
  const config = env['XDG_CONFIG_HOME'];
  const own = config && isAbsolute(config) ? config : join(env['HOME'] || homedir(), '.config');
  return [...['docker', 'containers'].map((name) => join(own, name, 'certs.d')), ...usual];
}

/** What lies there for one registry. A file that cannot be read, or a certificate without its key, is told rather than passed over. */
export async function filedTrust(folders: readonly string[], hosts: readonly string[]): Promise<FiledTrust> {
  const ca: string[] = [];
  let client: Trust['client'];
  // A redirect names hosts, too: none of them leads out of the folder.
  const names = hosts.filter((host) => !/^\.*$|\//.test(host));
  for (const folder of folders.flatMap((each) => names.map((host) => join(each, host)))) {
    const files = await readdir(folder).catch((error: unknown) => {
      if (/^(ENOENT|ENOTDIR)$/.test(codeOf(error) ?? '')) return [] as string[];
      throw unreadable(folder, error);
    });
    const read = (name: string) =>
      readFile(join(folder, name), 'utf8').catch((error: unknown) => {
        throw unreadable(join(folder, name), error);
      });
    for (const name of files.sort()) {
      if (name.endsWith('.crt')) ca.push(await read(name));
      if (name.endsWith('.cert') && !client) {
        const key = `${name.slice(0, -'.cert'.length)}.key`;
        if (!files.includes(key))
          throw invalid(
            `missing key ${key} for client certificate ${name} in ${folder}. Note that CA certificates must use the extension .crt`,
          );
        client = { certificate: await read(name), key: await read(key) };
      }
    }
  }
  return { ca, ...(client && { client }) };
}

const unreadable = (path: string, error: unknown) =>
  invalid(
    `${path} cannot be read (${codeOf(error) ?? messageOf(error)}): give this user the right to, or take it away`,
  );

/** Certificates to trust, in PEM; refused with a reason where they are none. */
export function checkedAuthorities(pem: string): string {
  const all = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (all.length === 0) throw invalid('the CA certificate is not in PEM: it begins with -----BEGIN CERTIFICATE-----');
  for (const each of all) parsed(each, 'the CA certificate');
  return `${all.join('\n')}\n`;
}

/** A certificate to show and its key; refused where they do not belong together. */
export function checkedClient(certificate: string, key: string): NonNullable<Trust['client']> {
  const own = parsed(certificate, 'the client certificate');
  let secret;
  try {
    secret = createPrivateKey(key);
  } catch {
    // What the library says may quote the key.
    throw invalid('the client key cannot be read: it must be in PEM, without a passphrase');
  }
  if (!own.checkPrivateKey(secret)) throw invalid('the client key does not belong to the client certificate');
  return { certificate, key };
}

function parsed(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw invalid(`${what} cannot be read: ${messageOf(error)}`);
  }
}
