/** One small file of the kernel that is read again and again: it can stay open, which makes a look three times cheaper. */
import { close, open, read } from 'node:fs';

const SIZE = 16 * 1024;

/** Room for one read at a time. */
export const readBuffer = (): Buffer => Buffer.allocUnsafeSlow(SIZE);

export class KernelFile {
  #open: number | undefined;

  /** Without a path it is a file that is not there. */
  constructor(
    private readonly path: string | undefined,
    private readonly hold: boolean,
  ) {}

  /** Empty where it is not there. Nobody else may use the buffer meanwhile, nor read or close this file. */
  async text(buffer: Buffer): Promise<string> {
    if (this.path === undefined) return '';
    const file = this.#open ?? (await opened(this.path));
    if (file === undefined) return '';
    if (this.hold) this.#open = file;
    const length = await new Promise<number>((resolve) =>
      read(file, buffer, 0, SIZE, 0, (error, bytes) => resolve(error ? 0 : bytes)),
    );
    if (!this.hold) closed(file);
    return buffer.toString('latin1', 0, length);
  }

  close(): void {
    if (this.#open !== undefined) closed(this.#open);
    this.#open = undefined;
  }
}

const opened = (path: string): Promise<number | undefined> =>
  new Promise((resolve) => open(path, 'r', (error, file) => resolve(error ? undefined : file)));

const closed = (file: number): void => close(file, () => undefined);
