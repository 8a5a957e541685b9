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

/** An OCI image layout that also has `docker save`'s manifest.json, so that every engine reads it. What several images have is in it once. */
export async function* writeArchive(
  images: SavedImage[],
  { content, packing }: { content: Content; packing: Packing },
): AsyncGenerator<Uint8Array> {
  using lease = content.lease();
  for (const { image } of images) contentOf(image).forEach((digest) => lease.pin(digest));
  // Before the first byte: what is not here makes no archive.
  const saved = [];
  for (const each of images) saved.push({ ...each, ...(await partsOf(each, { content, packing, pin: lease.pin })) });

  const written = new Set<string>();
  const blob = async function* (digest: string): AsyncGenerator<Uint8Array> {
    if (written.has(digest)) return;
    written.add(digest);
    const size = (await content.size(digest)) ?? 0;
    yield header(blobName(digest), size);
    let sent = 0;
    for await (const chunk of content.chunks(digest)) {
      sent += chunk.length;
      yield chunk;
    }
    if (sent !== size) throw new Error(`${digest} has ${sent} bytes where ${size} were expected`);
    yield padding(size);
  };

  const index: (Descriptor & { annotations?: Record<string, string> })[] = [];
  for (const { image, names, manifest, layers } of saved) {
    for (const { digest } of layers) yield* blob(digest);
    yield* blob(image.id);
    const digest = digestOf(manifest.bytes);
    if (!written.has(digest)) yield file(blobName(digest), manifest.bytes);
    written.add(digest);
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
  yield file('index.json', json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index[0], manifests: index }));
  yield file('manifest.json', json(docker));
  yield file('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  yield Buffer.alloc(2 * BLOCK);
}

/** The manifest that the image came with, where all of it is here; else one of the layers as they are. */
async function partsOf(
  { image, references }: SavedImage,
  { content, packing, pin }: { content: Content; packing: Packing; pin: (digest: string) => void },
): Promise<{ manifest: { mediaType: string; bytes: Buffer }; layers: Descriptor[] }> {
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

function file(name: string, bytes: Buffer): Buffer {
  return Buffer.concat([header(name, bytes.length), bytes, padding(bytes.length)]);
}

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
