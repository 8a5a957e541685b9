/** What kind of archive a file is, by its first bytes and the names in it. */
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import type { FolderFacts } from '../../contract/mounts.js';

const BLOCK = 512;
/** Entries that are looked at: an archive of images shows by then. */
const MOST_ENTRIES = 2000;
/** Bytes of a compressed one that are looked at. */
const MOST_UNPACKED = 1024 * 1024;
/** Unpacked by the helper only, which is not asked for a guess: the name has to do. */
const OTHER_PACKED = ['28b52ffd', 'fd377a58', '425a68'];
const TAR_NAME = /\.(?:t(?:zst|xz|bz2?|gz)|tar\.\w+)$/i;

/** What only an archive of images has, whoever wrote it. */
const OF_IMAGES = /^(?:\.\/)?(?:oci-layout$|repositories$|blobs\/sha256\/|[0-9a-f]{64}(?:\/|\.json$|\.tar$))/;

export async function archiveKind(path: string, signal: AbortSignal): Promise<FolderFacts['Archive']> {
  const file = await open(path);
  try {
    const first = await read(file, 0);
    const magic = first.toString('hex', 0, 4);
    if (magic.startsWith('1f8b')) return await packedKind(path, signal);
    if (OTHER_PACKED.some((other) => magic.startsWith(other))) return TAR_NAME.test(path) ? 'tar' : null;
    return await plainKind((at) => read(file, at), signal);
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, at: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK), 0, BLOCK, at);
  return buffer.subarray(0, bytesRead);
}

async function packedKind(path: string, signal: AbortSignal): Promise<FolderFacts['Archive']> {
  const chunks: Buffer[] = [];
  let size = 0;
  const source = createReadStream(path, { end: MOST_UNPACKED });
  const unpacked = source.pipe(createGunzip());
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= MOST_UNPACKED || signal.aborted) break;
    }
  } catch {
    // Cut off on purpose, or no gzip after all: what came so far tells.
  } finally {
    source.destroy();
    unpacked.destroy();
  }
  const bytes = Buffer.concat(chunks);
  return plainKind(async (at) => bytes.subarray(at, at + BLOCK), signal);
}

async function plainKind(block: (at: number) => Promise<Buffer>, signal: AbortSignal): Promise<FolderFacts['Archive']> {
  let kind: FolderFacts['Archive'] = null;
  let at = 0;
  for (let count = 0; count < MOST_ENTRIES && !signal.aborted; count++) {
    const header = await block(at);
    if (!isHeader(header)) break;
    kind = 'tar';
    const name = [text(header, 345, 155), text(header, 0, 100)].filter((part) => part !== '').join('/');
    if (OF_IMAGES.test(name)) return 'images';
    at += BLOCK + Math.ceil(sizeIn(header) / BLOCK) * BLOCK;
  }
  return kind;
}

/** Its sum is written in it, as if the sum itself were spaces. */
function isHeader(header: Buffer): boolean {
  if (header.length < BLOCK) return false;
  let sum = 0;
  header.forEach((byte, index) => (sum += index >= 148 && index < 156 ? 32 : byte));
  return sum > 8 * 32 && sum === parseInt(text(header, 148, 8), 8);
}

const text = (header: Buffer, from: number, length: number): string => {
  const part = header.toString('latin1', from, from + length);
  const end = part.indexOf('\0');
  return (end < 0 ? part : part.slice(0, end)).trim();
};

/** Octal; beyond 8 GiB a number in base 256. */
const sizeIn = (header: Buffer): number =>
  (header[124] ?? 0) & 0x80 ? Number(header.readBigUInt64BE(128)) : parseInt(text(header, 124, 12) || '0', 8);
