import './scopes.js';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, messageOf } from './errors.js';
import { newId } from './ids.js';
import { Locks } from './locks.js';

/** A JSON document that is nobody else's business (mode 0600), always whole: what is there is replaced at once or not at all. */
export class PrivateFile {
  readonly #locks = new Locks();

  constructor(readonly path: string) {}

  /** Undefined: there is none. */
  async read(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.path, 'utf8')) as unknown;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * What `understood` makes of it. A file that cannot be read gets another name, so that nothing is written over it, and the `warning` says so; never
   * what is in it.
   */
  async readOrSetAside<T>(
    understood: (document: unknown) => T,
  ): Promise<{ value: T | undefined; warning?: string | undefined }> {
    let why = 'it is damaged';
    try {
      const document = await this.read();
      return { value: document === undefined ? undefined : understood(document) };
    } catch (error) {
      why = codeOf(error) ?? why;
    }
    const aside = `${this.path}.damaged-${newId().slice(0, 8)}`;
    const warning = await rename(this.path, aside).then(
      () => `${this.path} could not be read (${why}). It is kept as ${aside}, and what it says is not used.`,
      (error: unknown) =>
        `${this.path} could not be read (${why}), nor set aside (${messageOf(error)}): what it says is not used.`,
    );
    return { value: undefined, warning };
  }

  async write(value: unknown): Promise<void> {
    using _ = await this.#locks.take('write');
    const folder = dirname(this.path);
    const made = join(folder, `.${basename(this.path)}-${newId().slice(0, 12)}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const file = await open(made, 'wx', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(made, this.path);
    } catch (error) {
      await rm(made, { force: true });
      throw error;
    }
    const directory = await open(folder);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  /** Takes away what a writer that was killed has left. */
  async tidy(): Promise<void> {
    const folder = dirname(this.path);
    for (const name of await readdir(folder).catch(() => []))
      if (name.startsWith(`.${basename(this.path)}-`)) await rm(join(folder, name), { force: true });
  }
}
