/** Notices the keys that leave a container running: what has been typed goes on, the keys themselves do not. */
export class DetachKeys {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(text = 'ctrl-p,ctrl-q') {
    this.#keys = Uint8Array.from(text.split(',').map(codeOf));
  }

  /** The bytes to pass on, and whether the person wants to leave. */
  filter(bytes: Uint8Array): { input: Uint8Array; detached: boolean } {
    const input: number[] = [];
    for (const byte of bytes) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { input: Uint8Array.from(input), detached: true };
        continue;
      }
      // A sequence that broke off was ordinary typing.
      input.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) input.push(byte);
    }
    return { input: Uint8Array.from(input), detached: false };
  }
}

function codeOf(key: string): number {
  const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key);
  if (control) return (control[1] as string).toUpperCase().charCodeAt(0) - 64;
  if (key.length === 1) return key.charCodeAt(0);
  throw new Error(`Unknown character: '${key}'`);
}
