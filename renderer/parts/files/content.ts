import type { ByteStream } from '../../../main/contract/bridge.js';

/** What a file's bytes are shown as. */
export type Content = { kind: 'text'; text: string } | { kind: 'hex'; bytes: Uint8Array };

/** So much of a file is read for the preview. */
export const PREVIEW = 1024 * 1024;
/** So much of what is no text is shown. */
export const HEX = 64 * 1024;

export async function collect(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Text where it is UTF-8 without a NUL. One that was cut may end in the middle of a character. */
export function contentOf(bytes: Uint8Array, cut: boolean): Content {
  if (!bytes.includes(0)) {
    for (let back = 0; back <= (cut ? 3 : 0); back++) {
      try {
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
          bytes.subarray(0, bytes.length - back),
        );
        return { kind: 'text', text };
      } catch {
        // Not to here, perhaps to there.
      }
    }
  }
  return { kind: 'hex', bytes: bytes.subarray(0, HEX) };
}

/** Sixteen bytes a line: where, what, and what of it can be read. */
export function hexOf(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const digits = part.map((byte) => byte.toString(16).padStart(2, '0'));
    const hex = `${digits.slice(0, 8).join(' ').padEnd(23)}  ${digits.slice(8).join(' ').padEnd(23)}`;
    const plain = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex}  ${plain}`);
  }
  return lines.join('\n');
}
