/** What Node and a browser both have, and nothing else: the client may use this and the language itself. */
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(encoding?: string, options?: { fatal?: boolean });
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}
declare class URLSearchParams {
  constructor(init?: Record<string, string>);
  append(name: string, value: string): void;
  toString(): string;
}
interface AbortSignal {
  readonly aborted: boolean;
}
interface File {
  readonly name: string;
}
declare function btoa(bytes: string): string;
declare function atob(text: string): string;
