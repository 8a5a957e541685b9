/** A tar of what a person dropped: plain headers, and a pax header where a name or a size does not fit one. */
export interface TarEntry {
  /** Relative; a directory's ends in a slash. */
  name: string;
  bytes?: Uint8Array;
  /** Milliseconds. */
  modified: number;
}

export interface Owner {
  uid: number;
  gid: number;
}

const BLOCK = 512;
const text = new TextEncoder();

export function tarOf(entries: TarEntry[], { uid, gid }: Owner): Uint8Array {
  const blocks: Uint8Array[] = [];
  const put = (name: string, type: string, bytes: Uint8Array, mode: number, modified: number) => {
    blocks.push(headerOf({ name, type, size: bytes.length, mode, uid, gid, modified }));
    if (bytes.length === 0) return;
    blocks.push(bytes, new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  };
  for (const { name, bytes = new Uint8Array(0), modified } of entries) {
    const directory = name.endsWith('/');
    // Longer names, and any that are not plain ASCII, are said by an entry before theirs.
    if (text.encode(name).length > 99 || /[^\x20-\x7e]/.test(name))
      put('pax', 'x', record('path', name), 0o644, modified);
    put(
      name.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '_'),
      directory ? '5' : '0',
      bytes,
      directory ? 0o755 : 0o644,
      modified,
    );
  }
  blocks.push(new Uint8Array(2 * BLOCK));
  const tar = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    tar.set(block, at);
    at += block.length;
  }
  return tar;
}

/** `LENGTH path=NAME\n`, whose length counts itself. */
function record(key: string, value: string): Uint8Array {
  const rest = text.encode(` ${key}=${value}\n`).length;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return text.encode(`${length} ${key}=${value}\n`);
}

interface Header extends Owner {
  name: string;
  type: string;
  size: number;
  mode: number;
  modified: number;
}

function headerOf({ name, type, size, mode, uid, gid, modified }: Header): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const field = (at: number, value: string) => block.set(text.encode(value), at);
  const octal = (value: number, digits: number) => Math.floor(value).toString(8).padStart(digits, '0');
  field(0, name);
  field(100, octal(mode, 7));
  field(108, octal(Math.min(uid, 0o7777777), 7));
  field(116, octal(Math.min(gid, 0o7777777), 7));
  field(124, octal(size, 11));
  field(136, octal(Math.max(0, modified / 1000), 11));
  field(148, ' '.repeat(8));
  field(156, type);
  field(257, 'ustar\u000000');
  field(
    148,
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\u0000 `,
  );
  return block;
}
