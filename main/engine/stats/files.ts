/** Reading the kernel's small files: what is not there counts as nothing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One group's files, by name. */
export class GroupFiles {
  constructor(private readonly directory: string | undefined) {}

  async text(name: string): Promise<string> {
    if (this.directory === undefined) return '';
    return readFile(join(this.directory, name), 'utf8').catch(() => '');
  }

  /** `max`, and a file that is not there, are undefined. */
  async number(name: string): Promise<number | undefined> {
    const text = (await this.text(name)).trim();
    return /^\d+$/.test(text) ? Number(text) : undefined;
  }

  /** Lines of a name and a number. */
  async table(name: string): Promise<Record<string, number>> {
    const lines = (await this.text(name)).split('\n');
    return Object.fromEntries(
      lines.flatMap((line) => {
        const [, key, value] = /^(\w+) (\d+)$/.exec(line) ?? [];
        return key === undefined ? [] : [[key, Number(value)]];
      }),
    );
  }
}
