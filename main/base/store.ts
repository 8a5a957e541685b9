import './scopes.js';
import { randomBytes } from 'node:crypto';
import { access, open as openFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EngineError, messageOf, system } from './errors.js';
import type { Operation, StoreReply, StoreRequest } from './store-worker.js';

/** What one commit changes; everything in it becomes durable together, or nothing does. */
export interface Change {
  put(table: string, key: string, record: unknown): void;
  remove(table: string, key: string): void;
  /** Takes back what the caller changed in its memory ahead of the commit, should the commit fail. Newest first. */
  undo(revert: () => void): void;
  /** It ends something or takes something away: a full disk still has room for it, so that there is a way out of one. */
  urgent(): void;
  /** It is about what ends with the machine at the latest: it outlives every kill of the engine, and is not waited for to be on the disk. */
  passing(): void;
}

export interface StoreOptions {
  /** The worker's program; found beside the running bundle, or as source, when not given. */
  worker?: string;
}

interface Waiting {
  operations: Operation[];
  urgent: boolean;
  passing: boolean;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Documents by table and key in SQLite, owned by a worker thread. Rooms read their rows once, when they open, and keep their own memory
 * from there; what they change they commit. Commits that come while one is being written share the next durable transaction.
 */
export class Store implements AsyncDisposable {
  /** What went wrong with the data and was worked round, in sentences for a person. */
  readonly warnings: readonly string[];
  readonly #worker: Worker;
  readonly #rows: Map<string, [key: string, record: string][]>;
  #queue: Waiting[] = [];
  #writing: Waiting[] | undefined;
  #closed: Promise<void> | undefined;
  #broken: Error | undefined;
  #idle: (() => void) | undefined;

  static async open(file: string, tables: string[], options: StoreOptions = {}): Promise<Store> {
    for (const table of tables) {
      if (!/^[a-z][a-z0-9_]*$/.test(table)) throw system(`${table} cannot be the name of a table`);
    }
    // Environments are in it. SQLite would make it readable for everybody; its two companions take after it.
    await (await openFile(file, 'a', 0o600)).close();
    const request: StoreRequest = { file, tables, stamp: `${Date.now()}-${randomBytes(3).toString('hex')}` };
    const worker = await startWorker(options.worker, request);
    const opened = await new Promise<StoreReply>((resolve) => {
      const failed = (message: string) => resolve({ type: 'failed', kind: 'system', message });
      worker.once('message', resolve);
      worker.once('error', (cause) => failed(`The database thread did not start: ${messageOf(cause)}`));
      worker.once('exit', () => failed('The database thread ended before it had opened the database.'));
    });
    if (opened.type !== 'opened') {
      void worker.terminate();
      throw opened.type === 'failed' ? new EngineError(opened.kind, opened.message) : system('Unexpected reply.');
    }
    return new Store(worker, opened.rows, opened.warnings);
  }

  private constructor(worker: Worker, rows: Map<string, [string, string][]>, warnings: string[]) {
    this.#worker = worker;
    this.#rows = rows;
    this.warnings = warnings;
    worker.on('message', (reply: StoreReply) => this.#settle(reply));
    worker.on('error', (cause) => this.#break(system(`The database thread failed: ${messageOf(cause)}`, { cause })));
    worker.on('exit', () => this.#break(system('The database is closed.')));
    worker.unref();
  }

  /** A table as it was when the store opened. Asked for once, by the room that owns the table. */
  rows<T>(table: string): Map<string, T> {
    const rows = this.#rows.get(table);
    if (!rows) throw system(`The store was opened without a table ${table}, or its rows were taken before.`);
    this.#rows.delete(table);
    return new Map(rows.map(([key, record]) => [key, JSON.parse(record) as T]));
  }

  /** Resolves once what `build` put and removed is on disk. `build` runs at once, so what it checks still holds; a throw in it changes nothing. */
  async commit(build: (change: Change) => void): Promise<void> {
    const operations: Operation[] = [];
    const reverts: (() => void)[] = [];
    let urgent = false;
    let passing = false;
    try {
      build({
        put: (table, key, record) => operations.push([table, key, JSON.stringify(record)]),
        remove: (table, key) => operations.push([table, key]),
        undo: (revert) => reverts.unshift(revert),
        urgent: () => (urgent = true),
        passing: () => (passing = true),
      });
      if (operations.length > 0) await this.#queued({ operations, urgent, passing });
    } catch (error) {
      for (const revert of reverts) revert();
      throw error;
    }
  }

  /** Writes what was committed, then lets go of the file. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#broken) return;
    if (this.#writing) await new Promise<void>((resolve) => (this.#idle = resolve));
    if (this.#broken) return;
    this.#worker.ref();
    const gone = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.postMessage({ type: 'close' });
    await gone;
  }

  #queued(change: Pick<Waiting, 'operations' | 'urgent' | 'passing'>): Promise<void> {
    if (this.#broken) throw this.#broken;
    if (this.#closed) throw system('The database is closed.');
    return new Promise<void>((resolve, reject) => {
      this.#queue.push({ ...change, resolve, reject });
      this.#write();
    });
  }

  #write(): void {
    if (this.#writing || this.#queue.length === 0) return;
    this.#writing = this.#queue;
    this.#queue = [];
    // An idle store does not keep a process alive; one with a commit under way does.
    this.#worker.ref();
    this.#worker.postMessage({
      type: 'commit',
      operations: this.#writing.flatMap((waiting) => waiting.operations),
      urgent: this.#writing.some((waiting) => waiting.urgent),
      passing: this.#writing.every((waiting) => waiting.passing),
    });
  }

  #settle(reply: StoreReply): void {
    const written = this.#writing ?? [];
    this.#writing = undefined;
    this.#worker.unref();
    for (const waiting of written) {
      if (reply.type === 'committed') waiting.resolve();
      else waiting.reject(reply.type === 'failed' ? new EngineError(reply.kind, reply.message) : system('Unexpected.'));
    }
    this.#write();
    if (!this.#writing) this.#idle?.();
  }

  #break(error: Error): void {
    this.#broken ??= error;
    const lost = [...(this.#writing ?? []), ...this.#queue];
    this.#writing = undefined;
    this.#queue = [];
    for (const waiting of lost) waiting.reject(this.#broken);
    this.#idle?.();
  }
}

/** The bundle has its worker beside it (or one directory up); the source tree runs the worker's source under tsx. */
async function startWorker(program: string | undefined, workerData: StoreRequest): Promise<Worker> {
  if (program) return new Worker(program, { workerData });
  if (typeof __dirname !== 'string') {
    const source = JSON.stringify(new URL('./store-worker.ts', import.meta.url).href);
    // tsx does not reach into worker threads by itself.
    const boot = `import('tsx/esm/api').then(({ register }) => { register(); return import(${source}); })`;
    return new Worker(boot, { eval: true, workerData });
  }
  for (const directory of [__dirname, dirname(__dirname)]) {
    const candidate = join(directory, 'store-worker.cjs');
    const found = await access(candidate).then(
      () => true,
      () => false,
    );
    if (found) return new Worker(candidate, { workerData });
  }
  throw system(`store-worker.cjs is missing near ${__dirname}: build Slipway again (npm run build) or reinstall it.`);
}
