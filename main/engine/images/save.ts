import type { Content } from '../content/index.js';
import { digestOf } from '../content/index.js';
import { familiar, MEDIA_TYPES, type Reference } from '../registry/index.js';
import { manifestFor, ownManifests, type OwnManifest } from './manifest.js';
import type { Packing } from './packing.js';
import { contentOf, type Descriptor, type ImageRecord } from './record.js';

export interface SavedImage {
  image: ImageRecord;
  /** The names that it is saved under. */
  names: Reference[];
  /** All that it is called. */
  references: Reference[];
}

/** A file of the archive: a document, or a blob as it is here. */
interface Entry {
  name: string;
  size: number;
  bytes?: Buffer;
  digest?: string;
}

/**
 * An OCI image layout that also has `docker save`'s manifest.json, so that every engine reads it. What several images have is in it once. `onSize` hears
 * how large it is before the first byte.
 */
export async function* writeArchive(
  images: SavedImage[],
  { content, packing, onSize }: { content: Content; packing: Packing; onSize?: ((bytes: number) => void) | undefined },
): AsyncGenerator<Uint8Array> {
  using lease = content.lease();
  for (const { image } of images) contentOf(image).forEach((digest) => lease.pin(digest));
  // Before the first byte: what is not here makes no archive.
  const saved = [];
  for (const each of images) saved.push({ ...each, ...(await partsOf(each, { content, packing, pin: lease.pin })) });
  const entries = await entriesOf(saved, content);
  onSize?.(entries.reduce((sum, { size }) => sum + BLOCK + size + padding(size).length, 2 * BLOCK));
  for (const { name, size, bytes, digest } of entries) {
    yield header(name, size);
    let sent = 0;
    for await (const chunk of bytes ? [bytes] : content.chunks(digest as string)) {
      sent += chunk.length;
      yield chunk;
    }
    if (sent !== size) throw new Error(`${name} has ${sent} bytes where ${size} were expected`);
    yield padding(size);
  }
  yield Buffer.alloc(2 * BLOCK);
}

async function entriesOf(saved: (SavedImage & Parts)[], content: Content): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  const blob = async (digest: string) => {
    const name = blobName(digest);
    if (!entries.has(name)) entries.set(name, { name, size: (await content.size(digest)) ?? 0, digest });
  };
  const document = (name: string, bytes: Buffer) => {
    if (!entries.has(name)) entries.set(name, { name, size: bytes.length, bytes });
  };
  const index: (Descriptor & { annotations?: Record<string, string> })[] = [];
  for (const { image, names, manifest, layers } of saved) {
    for (const { digest } of layers) await blob(digest);
    await blob(image.id);
    const digest = digestOf(manifest.bytes);
    document(blobName(digest), manifest.bytes);
    const descriptor = { mediaType: manifest.mediaType, digest, size: manifest.bytes.length };
    if (names.length === 0) index.push(descriptor);
    for (const name of names) {
      const annotations = {
        'io.containerd.image.name': `${name.domain}/${name.path}:${name.tag}`,
        'org.opencontainers.image.ref.name': name.tag ?? '',
      };
      index.push({ ...descriptor, annotations });
    }
  }
  const docker = saved.map(({ image, names, layers }) => ({
    Config: blobName(image.id),
    RepoTags: names.length > 0 ? names.map(familiar) : null,
    Layers: layers.map(({ digest }) => blobName(digest)),
  }));
  document('index.json', json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index[0], manifests: index }));
  document('manifest.json', json(docker));
  document('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  return [...entries.values()];
}

interface Parts {
  manifest: { mediaType: string; bytes: Buffer };
  layers: Descriptor[];
}

/** The manifest that the image came with, where all of it is here; else one of the layers as they are. */
async function partsOf(
  { image, references }: SavedImage,
  { content, packing, pin }: { content: Content; packing: Packing; pin: (digest: string) => void },
): Promise<Parts> {
  for await (const own of ownManifests(image, references, content, { plain: true }))
    if (await isHere(own, content)) return { manifest: own, layers: own.layers };
  const layers: Descriptor[] = [];
  for (const at of image.diffIds.keys()) layers.push(await packing.stored(image, at, pin));
  const config = await packing.config(image);
  return { manifest: await manifestFor(image, config, layers, content, MEDIA_TYPES.manifest[0]), layers };
}

async function isHere({ config, layers }: OwnManifest, content: Content): Promise<boolean> {
  for (const { digest } of [config, ...layers]) if ((await content.size(digest)) === undefined) return false;
  return true;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

// ---- tar (POSIX ustar): names here are short, and the same image gives the same archive

const BLOCK = 512;
const LARGEST_OCTAL = 0o77777777777;

const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
  block.write(name, 0, 100, 'latin1');
  octal(0o644, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  if (size <= LARGEST_OCTAL) octal(size, 124, 11);
  else {
    // GNU's way for more than 8 GiB, which everybody reads.
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(0, 136, 11);
  block.write('0', 156, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
  return block;
}
