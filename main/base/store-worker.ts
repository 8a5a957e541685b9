/** The thread that owns the database: opens it, checks it, writes transactions. Its calls are synchronous, so they live here. */
import './scopes.js';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'libsql';
import { spareOf } from './spare.js';
import type { ErrorKind } from '../contract/error.js';

/** A put has a record; a removal has none. */
export type Operation = [table: string, key: string, record?: string];

export interface StoreRequest {
  file: string;
  tables: string[];
  /** Distinguishes the files of one quarantine from those of another. */
  stamp: string;
}

export type StoreReply =
  | { type: 'opened'; rows: Map<string, [key: string, record: string][]>; warnings: string[] }
  | { type: 'committed' }
  | { type: 'failed'; kind: ErrorKind; message: string };

export type StoreMessage =
  { type: 'commit'; operations: Operation[]; urgent: boolean; passing: boolean } | { type: 'close' };

/**
 * Whether a transaction waits for the disk. Without it the next one that does takes it along; until then only the machine's own end could take it
 * back, whole (https://www.sqlite.org/pragma.html#pragma_synchronous).
 */
const [FLUSHED, UNFLUSHED] = ['synchronous = FULL', 'synchronous = NORMAL'];

/** Raised by one with every migration; a database of a higher version belongs to a newer Slipway. */
const SCHEMA = 1;

class NewerSchema extends Error {}
class Corrupt extends Error {}

const SPARE_SIZE = 2 ** 20;
/** It is laid up where nobody misses it. */
const PLENTY = 16 * SPARE_SIZE;

/** See spare.ts. */
class Spare {
  readonly #place = spareOf(file);
  #kept = existsSync(this.#place);

  /** Lays it up, or up again, once there is room. */
  keep(): void {
    if (this.#kept) return;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#place));
      if (bavail * bsize < PLENTY) return;
      // Not zeros: there are file systems that keep those in no room at all.
      writeFileSync(this.#place, randomBytes(SPARE_SIZE), { mode: 0o600 });
      this.#kept = true;
    } catch {
      rmSync(this.#place, { force: true }); // less than the whole is of no use
    }
  }

  release(): boolean {
    if (!this.#kept) return false;
    this.#kept = false;
    rmSync(this.#place, { force: true });
    return true;
  }
}

const port = parentPort!;
const { file, tables, stamp } = workerData as StoreRequest;

try {
  const warnings: string[] = [];
  const database = openOrQuarantine(warnings);
  const rows = new Map(
    tables.map((table) => [
      table,
      database.prepare(`SELECT key, record FROM ${table}`).raw().all() as [string, string][],
    ]),
  );
  serve(database);
  reply({ type: 'opened', rows, warnings });
} catch (error) {
  reply(
    error instanceof NewerSchema
      ? { type: 'failed', kind: 'unavailable', message: error.message }
      : { type: 'failed', kind: 'system', message: `Opening the database ${file} failed: ${(error as Error).message}` },
  );
}

function openOrQuarantine(warnings: string[]): Database.Database {
  try {
    const database = open();
    const kept = readdirSync(dirname(file)).filter((name) => name.startsWith(`${basename(file)}.corrupt-`));
    for (const name of kept.filter((name) => !/-(wal|shm)$/.test(name)))
      warnings.push(
        `A damaged database is kept as ${join(dirname(file), name)}, and so is what only it knew: layers, containers, those that run. ` +
          `Delete that file to have them cleared away at the next start.`,
      );
    return database;
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    const aside = `${file}.corrupt-${stamp}`;
    for (const suffix of ['', '-wal', '-shm']) if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
    warnings.push(
      `The database ${file} was damaged (${(error as Error).message}). It was kept as ${aside}, and Slipway started with an empty one: ` +
        `images can be pulled again, containers that were known to it are not.`,
    );
    return open();
  }
}

function open(): Database.Database {
  // Environments of containers are in it; SQLite gives its other files the same mode.
  closeSync(openSync(file, 'a', 0o600));
  const database = new Database(file);
  try {
    database.pragma('journal_mode = WAL');
    database.pragma(FLUSHED);
    database.pragma('busy_timeout = 5000');
    const version = Number((database.prepare('PRAGMA user_version').raw().get() as [number])[0]);
    if (version > SCHEMA) {
      throw new NewerSchema(
        `The data in ${file} was written by a newer Slipway (schema ${version}, this one knows ${SCHEMA}). ` +
          'Start that version, or give this one another data directory (--data-root).',
      );
    }
    const verdict = (database.prepare('PRAGMA quick_check').raw().get() as [string])[0];
    if (verdict !== 'ok') throw new Corrupt(verdict);
    database.exec('BEGIN IMMEDIATE');
    for (const table of tables) {
      database.exec(`CREATE TABLE IF NOT EXISTS ${table} (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID`);
    }
    database.exec(`PRAGMA user_version = ${SCHEMA}`);
    database.exec('COMMIT');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function serve(database: Database.Database): void {
  const puts = new Map(
    tables.map((table) => [
      table,
      database.prepare(
        `INSERT INTO ${table} (key, record) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET record = excluded.record`,
      ),
    ]),
  );
  const removals = new Map(tables.map((table) => [table, database.prepare(`DELETE FROM ${table} WHERE key = ?`)]));
  let mode = FLUSHED;
  const write = (operations: Operation[], passing: boolean) => {
    const wanted = passing ? UNFLUSHED : FLUSHED;
    if (mode !== wanted) database.pragma((mode = wanted));
    database.exec('BEGIN IMMEDIATE');
    try {
      for (const [table, key, record] of operations) {
        const statement = (record === undefined ? removals : puts).get(table);
        if (!statement) throw new Error(`there is no table ${table}`);
        statement.run(...(record === undefined ? [key] : [key, record]));
      }
      database.exec('COMMIT');
    } catch (error) {
      // A full disk may have ended the transaction already.
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
  const spare = new Spare();
  spare.keep();
  port.on('message', (message: StoreMessage) => {
    if (message.type === 'close') {
      database.close();
      port.close();
      return;
    }
    try {
      try {
        write(message.operations, message.passing);
      } catch (error) {
        if (!isFull(error) || !message.urgent || !spare.release()) throw error;
        write(message.operations, message.passing);
      }
      reply({ type: 'committed' });
      spare.keep();
    } catch (error) {
      reply({
        type: 'failed',
        kind: 'system',
        message: isFull(error)
          ? `The disk that holds ${file} is full: free some space and try again.`
          : isRefused(error)
            ? `The disk that holds ${file} cannot be written (${(error as Error).message}): dmesg tells more. Once it works again, start Slipway anew.`
            : `Writing to the database ${file} failed: ${(error as Error).message}`,
      });
    }
  });
}

function reply(message: StoreReply): void {
  port.postMessage(message);
}

function isCorrupt(error: unknown): boolean {
  return (
    error instanceof Corrupt ||
    /SQLITE_(CORRUPT|NOTADB)/.test((error as { code?: string }).code ?? '') ||
    /malformed|not a database/i.test((error as Error).message)
  );
}

/** Read-only, or failing. */
function isRefused(error: unknown): boolean {
  return (
    /SQLITE_(IOERR|READONLY|CANTOPEN)/.test((error as { code?: string }).code ?? '') ||
    /disk I\/O error|readonly database|unable to open/i.test((error as Error).message)
  );
}

function isFull(error: unknown): boolean {
  return /SQLITE_FULL/.test((error as { code?: string }).code ?? '') || /disk is full/i.test((error as Error).message);
}
