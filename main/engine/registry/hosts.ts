import { join } from 'node:path';
import { codeOf, diskError, invalid } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { PrivateFile } from '../../base/private-file.js';
import type { RegistryChange } from '../../contract/registries.js';
import { checkedAuthorities, checkedClient } from './certificates.js';
import { parseMirror } from './mirrors.js';
import type { Trust } from './request.js';

const log = createLog('registry');

/** What was set for one registry. */
export interface HostSettings {
  mirrors?: string[];
  insecure?: boolean;
  /** PEM. */
  ca?: string;
  client?: NonNullable<Trust['client']>;
}

/** What was set for registries, kept below the data root: keys are among it, so nobody else may read it. */
export class Hosts {
  readonly #file: PrivateFile;
  #settings = new Map<string, HostSettings>();

  static async open({ folder }: { folder: string }): Promise<Hosts> {
    const hosts = new Hosts(new PrivateFile(join(folder, 'settings.json')));
    await hosts.#load();
    return hosts;
  }

  private constructor(file: PrivateFile) {
    this.#file = file;
  }

  get(host: string): HostSettings {
    return this.#settings.get(host) ?? {};
  }

  names(): string[] {
    return [...this.#settings.keys()];
  }

  async set(host: string, change: RegistryChange): Promise<void> {
    const next = changed(this.get(host), change);
    await this.#write((settings) =>
      Object.keys(next).length > 0 ? void settings.set(host, next) : void settings.delete(host),
    );
  }

  async remove(host: string): Promise<void> {
    if (this.#settings.has(host)) await this.#write((settings) => void settings.delete(host));
  }

  async #write(change: (settings: Map<string, HostSettings>) => void): Promise<void> {
    const before = this.#settings;
    const next = new Map(before);
    change(next);
    this.#settings = next;
    await this.#file.write({ registries: Object.fromEntries(next) }).catch((error: unknown) => {
      if (this.#settings === next) this.#settings = before;
      throw diskError(error, this.#file.path);
    });
  }

  async #load(): Promise<void> {
    await this.#file.tidy();
    const document = (await this.#file.read().catch((error: unknown) => {
      log.error(
        `${this.#file.path} cannot be read, and what it says of registries is not used: ${codeOf(error) ?? 'it is damaged'}`,
      );
    })) as { registries?: Record<string, HostSettings> } | undefined;
    this.#settings = new Map(Object.entries(document?.registries ?? {}));
  }
}

function changed(before: HostSettings, change: RegistryChange): HostSettings {
  const next = { ...before };
  if (change.mirrors !== undefined) {
    const mirrors = [...new Set(change.mirrors.map((mirror) => parseMirror(mirror).text))];
    if (mirrors.length > 0) next.mirrors = mirrors;
    else delete next.mirrors;
  }
  if (change.insecure === true) next.insecure = true;
  if (change.insecure === false) delete next.insecure;
  if (change.ca === null || change.ca === '') delete next.ca;
  else if (change.ca !== undefined) next.ca = checkedAuthorities(change.ca);
  const { clientCertificate: certificate, clientKey: key } = change;
  if (!certificate && !key) {
    if (certificate !== undefined || key !== undefined) delete next.client;
  } else if (certificate && key) next.client = checkedClient(certificate, key);
  else throw invalid('a client certificate and its key are set together');
  return next;
}
