import type { Content } from '../content/index.js';
import type { Descriptor } from './record.js';

/** A compressed layer comes to at least twice its size, as a rule. */
const UNPACKED = 2;
/** Of an image's content one file in so many bytes is seldom too many. */
const FILE_BYTES = 64 * 1024;
const FILES_PER_LAYER = 4;

/**
 * Refuses with numbers what the disk cannot hold, before anything of it is moved. How large layers are once they are unpacked no manifest tells: the
 * least that they come to as a rule is asked for, and what is more than that fails when the disk is full.
 */
export async function requireRoomFor(content: Content, layers: Descriptor[], what: string): Promise<void> {
  if (layers.length === 0) return;
  const blobs = new Map(layers.map((layer) => [layer.digest, layer]));
  let bytes = 0;
  let unpacked = 0;
  for (const { digest, size } of blobs.values()) if ((await content.size(digest)) === undefined) bytes += size;
  for (const { mediaType, size } of layers) unpacked += size * (/gzip|zstd/.test(mediaType) ? UNPACKED : 1);
  const files = layers.length * FILES_PER_LAYER + Math.floor(unpacked / FILE_BYTES);
  await content.requireRoom({ bytes: bytes + unpacked, files }, what);
}

/** What is in an archive is kept as it came, and unpacked. Of one whose size nobody knows only what is always left alone is asked for. */
export const requireRoomForArchive = (content: Content, size: number): Promise<void> =>
  content.requireRoom({ bytes: 2 * size, files: FILES_PER_LAYER + Math.floor(size / FILE_BYTES) }, 'the archive');
