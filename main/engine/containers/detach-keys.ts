import { invalid } from '../../base/errors.js';

/** ctrl-p ctrl-q. */
export const DEFAULT_DETACH_KEYS = Uint8Array.of(16, 17);

/** `ctrl-a,x` as the bytes a terminal sends. */
export function parseDetachKeys(keys: string | undefined, what: 'detach' | 'escape' = 'detach'): Uint8Array {
  if (!keys) return DEFAULT_DETACH_KEYS;
  return Uint8Array.from(
    keys.split(',').map((key) => {
      if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
      const [, control] = /^ctrl-([a-z@[\\\]^_])$/.exec(key) ?? [];
      if (control === undefined) throw invalid(`Invalid ${what} keys (${keys}) provided`);
      return control.charCodeAt(0) & 0x1f;
    }),
  );
}

/** Watches what a client types for the detach keys. A sequence that breaks off is input like any other. */
export class DetachKeys {
  #seen = 0;

  constructor(private readonly keys: Uint8Array) {}

  /** What goes on to the process; `detached` once the keys were complete. */
  filter(bytes: Uint8Array): { input: Uint8Array; detached: boolean } {
    if (this.#seen === 0 && !bytes.includes(this.keys[0] as number)) return { input: bytes, detached: false };
    const input: number[] = [];
    for (const byte of bytes) {
      if (byte === this.keys[this.#seen]) {
        if (++this.#seen === this.keys.length) return { input: Uint8Array.from(input), detached: true };
        continue;
      }
      input.push(...this.keys.subarray(0, this.#seen));
      this.#seen = byte === this.keys[0] ? 1 : 0;
      if (this.#seen === 0) input.push(byte);
      else if (this.keys.length === 1) return { input: Uint8Array.from(input), detached: true };
    }
    return { input: Uint8Array.from(input), detached: false };
  }
}
