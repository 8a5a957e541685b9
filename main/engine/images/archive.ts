import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { posix } from 'node:path';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { EngineError, invalid, messageOf, notImplemented } from '../../base/errors.js';
import { checkedDigest, type Content, type ContentLease } from '../content/index.js';
import { checked, parseManifest, type Descriptor } from './record.js';

/** An image found in an archive; all of its content is in the store by now. */
export interface ArchivedImage {
  config: string;
  layers: Descriptor[];
  manifest: Descriptor | null;
  /** References as the archive spells them. */
  names: string[];
}

export interface Archive {
  images: ArchivedImage[];
}

const dockerManifest = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullish() }),
);
const ociIndex = z.object({
  manifests: z.array(
    z.object({
      digest: z.string(),
      mediaType: z.string().optional(),
      annotations: z.record(z.string(), z.string()).nullish(),
      platform: z.looseObject({ os: z.string().optional() }).optional(),
    }),
  ),
});

const DOCUMENT_LIMIT = 8 * 1024 * 1024;
/** A layer's tar as it is. */
export const LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar';

/** Reads what `docker save`, `podman save` or `skopeo copy oci-archive:` wrote. Files may come in any order, so each is stored as it passes;
 * `stored` then names them all, needed or not, also where this fails. */
export async function readArchive(
  body: AsyncIterable<Uint8Array>,
  content: Content,
  { lease, stored }: { lease: ContentLease; stored: string[] },
  signal?: AbortSignal,
): Promise<Archive> {
  const files = new Map<string, { digest: string; size: number }>();
  const links = new Map<string, string>();
  const documents = new Map<string, Buffer>();
  try {
    for await (const entry of await openTar(body)) {
      signal?.throwIfAborted();
      const { type, linkname } = entry.header;
      const name = cleaned(entry.header.name);
      if (type === 'symlink' && linkname) links.set(name, cleaned(posix.join(posix.dirname(name), linkname)));
      else if (type === 'link' && linkname) links.set(name, cleaned(linkname));
      if (type !== 'file' || /(^|\/)(VERSION|json|repositories|oci-layout)$/.test(name)) {
        entry.resume();
      } else if (name === 'manifest.json' || name === 'index.json') {
        documents.set(name, await document(entry, name));
      } else {
        const received = await content.receive(entry as AsyncIterable<Uint8Array>);
        lease.pin(received.digest);
        stored.push(received.digest);
        files.set(name, received);
      }
    }
  } catch (error) {
    throw error instanceof EngineError || signal?.aborted
      ? error
      : invalid(`the archive cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const find = (path: string): { digest: string; size: number } => {
    let name = cleaned(path);
    for (let hops = 0; links.has(name) && hops < 10; hops++) name = links.get(name) as string;
    const file = files.get(name);
    if (!file) throw invalid(`the archive lacks ${path}, which its manifest names`);
    return file;
  };
  const index = documents.get('index.json');
  const manifest = documents.get('manifest.json');
  if (manifest) return { images: dockerImages(manifest, find) };
  if (index) return { images: await ociImages(index, find, content) };
  throw invalid(
    'the archive has neither a manifest.json nor an index.json: it was not made by docker save or as an OCI archive',
  );
}

type Find = (path: string) => { digest: string; size: number };

function dockerImages(bytes: Buffer, find: Find): ArchivedImage[] {
  const images = checked(dockerManifest, JSON.parse(bytes.toString('utf8')), 'manifest.json');
  return images.map(({ Config, RepoTags, Layers }) => ({
    config: find(Config).digest,
    layers: (Layers ?? []).map((path) => ({ mediaType: LAYER_TYPE, ...find(path) })),
    manifest: null,
    names: RepoTags ?? [],
  }));
}

async function ociImages(bytes: Buffer, find: Find, content: Content): Promise<ArchivedImage[]> {
  const blob = (digest: string) => find(`blobs/sha256/${checkedDigest(digest).slice('sha256:'.length)}`);
  const verified = (digest: string) => {
    const file = blob(digest);
    if (file.digest !== digest) throw invalid(`the archive's blob ${digest} has other content and was refused`);
    return file;
  };
  const images: ArchivedImage[] = [];
  const visit = async (digest: string, mediaType: string, names: string[]): Promise<void> => {
    const { size } = verified(digest);
    const parsed = parseManifest(await content.read(digest), mediaType);
    if (parsed.kind === 'index') {
      // An archive of several platforms: those whose content is there.
      for (const entry of parsed.entries) {
        const there = entry.platform?.os !== 'unknown' && isThere(() => blob(entry.digest));
        if (there) await visit(entry.digest, entry.mediaType, names);
      }
      return;
    }
    images.push({
      config: verified(parsed.manifest.config.digest).digest,
      layers: parsed.manifest.layers.map((layer) => ({
        mediaType: layer.mediaType,
        digest: verified(layer.digest).digest,
        size: layer.size,
      })),
      manifest: { mediaType: parsed.mediaType, digest, size },
      names,
    });
  };
  const { manifests } = checked(ociIndex, JSON.parse(bytes.toString('utf8')), 'index.json');
  for (const { digest, mediaType, annotations, platform } of manifests) {
    if (platform?.os === 'unknown') continue;
    const full = annotations?.['io.containerd.image.name'];
    const short = annotations?.['org.opencontainers.image.ref.name'];
    // The short one is often only a tag, which names nothing by itself.
    const name = full ?? (short && /[:/]/.test(short) ? short : undefined);
    await visit(digest, mediaType ?? '', name ? [name] : []);
  }
  return images;
}

function isThere(find: () => unknown): boolean {
  try {
    find();
    return true;
  } catch {
    return false;
  }
}

async function document(entry: AsyncIterable<unknown>, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of entry as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > DOCUMENT_LIMIT) throw invalid(`the archive's ${name} is larger than any manifest`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Names are keys here, never paths; this only makes two spellings one. */
const cleaned = (name: string): string => posix.normalize(`/${name}`).slice(1).replace(/\/$/, '');

async function openTar(body: AsyncIterable<Uint8Array>) {
  const iterator = body[Symbol.asyncIterator]();
  let first: Uint8Array = Buffer.alloc(0);
  while (first.length < 6) {
    const { value, done } = await iterator.next();
    if (done) break;
    first = Buffer.concat([first, value]);
  }
  if (first.length === 0) throw invalid('the archive is empty');
  async function* whole() {
    try {
      yield first;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  const starts = (...magic: number[]) => magic.every((byte, at) => first[at] === byte);
  const unsupported = starts(0x28, 0xb5, 0x2f, 0xfd)
    ? 'zstd'
    : starts(0xfd, 0x37, 0x7a)
      ? 'xz'
      : starts(0x42, 0x5a, 0x68)
        ? 'bzip2'
        : '';
  if (unsupported)
    throw notImplemented(
      `the archive is compressed with ${unsupported}: decompress it first (gzip and plain tar are read)`,
    );
  const tar = extract();
  // A failure of the source or of the decompression surfaces where the entries are read.
  const ended = () => undefined;
  if (starts(0x1f, 0x8b))
    pipeline(Readable.from(whole()), createGunzip(), tar as unknown as NodeJS.WritableStream, ended);
  else pipeline(Readable.from(whole()), tar as unknown as NodeJS.WritableStream, ended);
  return tar;
}
