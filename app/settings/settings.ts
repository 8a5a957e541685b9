/** What the app remembers about itself between starts: the theme and where the window stood. One small JSON file. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

const schema = z.object({
  theme: z.enum(['system', 'light', 'dark', 'contrast']).catch('system'),
  window: z
    .object({ x: z.number(), y: z.number(), width: z.number(), height: z.number(), maximized: z.boolean() })
    .optional()
    .catch(undefined),
  /** The person has been told that closing the window leaves Slipway running. */
  toldAboutClosing: z.boolean().catch(false),
});

export type SettingsRecord = z.infer<typeof schema>;

export class Settings {
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    private record: SettingsRecord,
  ) {}

  /** A file that is missing or damaged is as good as none: these are only habits. */
  static async open(file: string): Promise<Settings> {
    const text = await readFile(file, 'utf8').catch(() => '{}');
    return new Settings(file, schema.parse(jsonOrNothing(text)));
  }

  get current(): Readonly<SettingsRecord> {
    return this.record;
  }

  /** Changes take effect at once and are on disk when the promise is kept. */
  change(change: Partial<SettingsRecord>): Promise<void> {
    this.record = { ...this.record, ...change };
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 });
    await writeFile(`${this.file}.new`, JSON.stringify(this.record, null, 2));
    await rename(`${this.file}.new`, this.file);
  }
}

function jsonOrNothing(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
