import { newId } from '../../base/ids.js';
import { disposable } from '../../base/scopes.js';
import type { Content, ContentLease, Ingest } from '../content/index.js';
import { Refusal, unknownUpload } from './answers.js';

/** Uploads that are begun and not ended. */
const MOST = 64;
/** How long one may rest, and how long a blob waits for the manifest that names it after anything was brought to its repository. */
const PATIENCE_MS = 15 * 60_000;

interface Upload {
  name: string;
  ingest: Ingest;
  /** One request at a time writes to it. */
  busy: boolean;
  touched: number;
}

interface Waiting {
  lease: ContentLease;
  until: number;
  /** A manifest has named it: what else is brought to its repository does not concern it. */
  named: boolean;
}

/** What others are bringing: uploads under way, and blobs that no manifest has named yet. */
export class Uploads {
  readonly #content: Content;
  readonly #drop: (digests: string[]) => Promise<void>;
  readonly #uploads = new Map<string, Upload>();
  /** `name digest` */
  readonly #waiting = new Map<string, Waiting>();
  /** Of a repository how many are bringing something at this moment. */
  readonly #bringing = new Map<string, number>();
  readonly #sweeper: NodeJS.Timeout;

  /** `drop`: called with blobs that nobody has named in time. */
  constructor(content: Content, drop: (digests: string[]) => Promise<void>) {
    this.#content = content;
    this.#drop = drop;
    this.#sweeper = setInterval(() => void this.#sweep().catch(() => undefined), PATIENCE_MS / 4).unref();
  }

  async begin(name: string): Promise<string> {
    if (this.#uploads.size >= MOST)
      throw new Refusal(429, 'TOOMANYREQUESTS', `${MOST} uploads are under way: try again later`, {
        'Retry-After': '5',
      });
    const ingest = await this.#content.ingest();
    const id = newId().slice(0, 32);
    this.#uploads.set(id, { name, ingest, busy: false, touched: Date.now() });
    this.#renew(name);
    return id;
  }

  /** While something is being brought to a repository, and for a while after, what has come there waits on for its manifest. */
  bringing(name: string): Disposable {
    const count = (by: 1 | -1) => {
      const left = (this.#bringing.get(name) ?? 0) + by;
      if (left > 0) this.#bringing.set(name, left);
      else this.#bringing.delete(name);
      this.#renew(name);
    };
    count(1);
    return disposable(() => count(-1));
  }

  /** How much of it is here. */
  size(name: string, id: string): number {
    return this.#find(name, id).ingest.size;
  }

  /** Goes on with an upload; `at`: where the client says that it goes on. */
  async append(name: string, id: string, body: AsyncIterable<Uint8Array>, at?: number): Promise<number> {
    const upload = this.#find(name, id);
    if (upload.busy) throw new Refusal(409, 'BLOB_UPLOAD_INVALID', 'another request writes to this upload');
    if (at !== undefined && at !== upload.ingest.size)
      throw new Refusal(416, 'RANGE_INVALID', `the upload goes on at byte ${upload.ingest.size}`, {
        Range: rangeOf(upload.ingest.size),
      });
    upload.busy = true;
    using _ = this.bringing(name);
    try {
      await upload.ingest.append(body);
    } finally {
      upload.busy = false;
      upload.touched = Date.now();
    }
    return upload.ingest.size;
  }

  async finish(name: string, id: string, digest: string): Promise<void> {
    const upload = this.#find(name, id);
    this.#uploads.delete(id);
    const lease = this.#content.lease();
    lease.pin(digest);
    try {
      await upload.ingest.commit(digest);
    } catch (error) {
      lease[Symbol.dispose]();
      throw error;
    }
    this.#keep(name, digest, lease);
  }

  /** A blob that is here already is as good as uploaded. */
  mount(name: string, digest: string): void {
    const lease = this.#content.lease();
    lease.pin(digest);
    this.#keep(name, digest, lease);
  }

  /** What a manifest has named has waited for it. It stays a while longer: a next one may name it, too. */
  named(name: string, digests: string[]): void {
    for (const digest of digests) {
      const waiting = this.#waiting.get(`${name} ${digest}`);
      if (waiting) Object.assign(waiting, { named: true, until: Date.now() + PATIENCE_MS });
    }
  }

  has(name: string, digest: string): boolean {
    return this.#waiting.has(`${name} ${digest}`);
  }

  async cancel(name: string, id: string): Promise<void> {
    const upload = this.#find(name, id);
    this.#uploads.delete(id);
    await upload.ingest[Symbol.asyncDispose]();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    const uploads = [...this.#uploads.values()];
    this.#uploads.clear();
    for (const { ingest } of uploads) await ingest[Symbol.asyncDispose]();
    await this.#release(() => true);
  }

  #find(name: string, id: string): Upload {
    const upload = this.#uploads.get(id);
    if (!upload || upload.name !== name) throw unknownUpload();
    return upload;
  }

  #keep(name: string, digest: string, lease: ContentLease): void {
    const key = `${name} ${digest}`;
    this.#waiting.get(key)?.lease[Symbol.dispose]();
    this.#waiting.set(key, { lease, until: 0, named: false });
    this.#renew(name);
  }

  #renew(name: string): void {
    for (const [key, waiting] of this.#waiting)
      if (!waiting.named && key.startsWith(`${name} `)) waiting.until = Date.now() + PATIENCE_MS;
  }

  async #sweep(): Promise<void> {
    const now = Date.now();
    for (const name of this.#bringing.keys()) this.#renew(name);
    for (const [id, { busy, touched, ingest }] of this.#uploads) {
      if (busy || now - touched < PATIENCE_MS) continue;
      this.#uploads.delete(id);
      await ingest[Symbol.asyncDispose]();
    }
    await this.#release(({ until }) => until <= now);
  }

  async #release(over: (waiting: Waiting) => boolean): Promise<void> {
    const dropped: string[] = [];
    for (const [key, waiting] of this.#waiting) {
      if (!over(waiting)) continue;
      this.#waiting.delete(key);
      waiting.lease[Symbol.dispose]();
      dropped.push(key.slice(key.indexOf(' ') + 1));
    }
    if (dropped.length > 0) await this.#drop(dropped);
  }
}

/** As registries tell how much they have; of nothing and of one byte it is the same. */
export const rangeOf = (size: number): string => `0-${Math.max(0, size - 1)}`;
