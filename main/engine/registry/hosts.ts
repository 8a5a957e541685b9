import { join } from 'node:path';
import { z } from 'zod';
import { diskError, invalid } from '../../base/errors.js';
import { PrivateFile } from '../../base/private-file.js';
import type { RegistryChange } from '../../contract/registries.js';
import { checkedAuthorities, checkedClient } from './certificates.js';
import { parseMirror } from './mirrors.js';
import type { Trust } from './request.js';

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
  /** What went wrong with the file and was worked round, in sentences for a person. */
  readonly warnings: string[] = [];

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
    const { value, warning } = await this.#file.readOrSetAside((document) => kept.parse(document));
    this.#settings = new Map(Object.entries(value?.registries ?? {}));
    if (warning) this.warnings.push(`Mirrors and trust: ${warning} Set them again.`);
  }
}

const kept = z.object({
  registries: z.record(
    z.string(),
    z.object({
      mirrors: z.array(z.string()).optional(),
      insecure: z.boolean().optional(),
      ca: z.string().optional(),
      client: z.object({ certificate: z.string(), key: z.string() }).optional(),
    }),
  ),
}) as z.ZodType<{ registries: Record<string, HostSettings> }>;

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
