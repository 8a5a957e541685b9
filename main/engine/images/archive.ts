import '../../base/scopes.js';
import { posix } from 'node:path';
import { z } from 'zod';
import { invalid } from '../../base/errors.js';
import { Slots } from '../../base/slots.js';
import { Arrival, checkedDigest, type Content, type ContentLease } from '../content/index.js';
import type { Helper, ReceivedFile, ReceivedPart } from '../helper/index.js';
import type { LayersAhead } from '../layers/index.js';
import { legacyImages, parseRepositories } from './legacy.js';
import { candidates, hostPlatform } from './platform.js';
import { artifactType, checked, jsonIn, kept, parseManifest, type Descriptor, type IndexEntry } from './record.js';

/** An image found in an archive; all of its content is in the store by now. */
export interface ArchivedImage {
  config: string;
  layers: Descriptor[];
  manifest: Descriptor | null;
  /** References as the archive spells them. */
  names: string[];
}

/** A file of an archive. */
export interface ArchivedFile {
  digest: string;
  size: number;
  mediaType: string;
}

/** The file of that name, by way of links; refused where the archive lacks it. */
export type Find = (path: string) => ArchivedFile;

export type Receive = Helper['receive'];

export interface ArchiveOptions {
  content: Content;
  lease: ContentLease;
  /** Will name everything that was stored, needed or not, also where reading fails. */
  stored: string[];
  receive: Receive;
  ahead: LayersAhead;
  /** A layer that is there already, by the digest of its tar. */
  isKnown: (diffId: string) => boolean;
  signal?: AbortSignal | undefined;
}

const dockerManifest = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullish() }),
);

/** Files and links in an archive: hundreds of images of a hundred layers each. What has more is not made to be loaded. */
const MOST_PARTS = 100_000;
/** Files that become blobs at the same time. */
const TAKEN_AT_ONCE = 16;

/** A layer's tar as it is. */
export const LAYER_TYPE = 'application/vnd.docker.image.rootfs.diff.tar';

/** Reads what `docker save` (of any age), `podman save` or `skopeo copy oci-archive:` wrote. Files may come in any order, so each is stored as it passes. */
export async function readArchive(body: AsyncIterable<Uint8Array>, options: ArchiveOptions): Promise<ArchivedImage[]> {
  const { content, lease, stored } = options;
  const { files, links } = await receiveFiles(body, options);
  const find: Find = (path) => {
    let name = cleaned(path);
    for (let hops = 0; links.has(name) && hops < 10; hops++) name = links.get(name) as string;
    const file = files.get(name);
    if (!file) throw invalid(`the archive lacks ${path}, which its manifest names`);
    return file;
  };
  const read = async (name: string) =>
    files.has(name) ? content.read((files.get(name) as ArchivedFile).digest) : undefined;
  const manifest = await read('manifest.json');
  const index = await read('index.json');
  const repositories = await read('repositories');
  if (manifest) return dockerImages(manifest, find, index ? await ociImages(index, find, content).catch(() => []) : []);
  if (index) return ociImages(index, find, content);
  const ids = [...files.keys()].flatMap((name) => /^([a-f0-9]{64})\/json$/.exec(name)?.[1] ?? []);
  if (ids.length > 0) {
    const store = async (bytes: Buffer) => {
      const digest = await content.write(bytes);
      lease.pin(digest);
      stored.push(digest);
      return digest;
    };
    const json = new Map<string, Buffer>();
    for (const id of ids) json.set(id, (await read(`${id}/json`)) as Buffer);
    return legacyImages({ json, named: repositories && parseRepositories(repositories), find, store });
  }
  throw invalid(
    'the archive has neither a manifest.json nor an index.json: it was not made by docker save or as an OCI archive',
  );
}

/** Every file reaches the store, and what looks like a layer is unpacked meanwhile: what the archive is about is known only at its end. */
async function receiveFiles(
  body: AsyncIterable<Uint8Array>,
  { content, lease, stored, receive, ahead, isKnown, signal }: ArchiveOptions,
): Promise<{ files: Map<string, ArchivedFile>; links: Map<string, string> }> {
  const files = new Map<string, ArchivedFile>();
  const links = new Map<string, string>();
  const coming = new Map<string, { arrival: Arrival; mediaType: string; named?: (digest: string) => void }>();
  const taken: Promise<void>[] = [];
  const slots = new Slots(TAKEN_AT_ONCE);
  const takeIn = async (path: string, digest: string) => {
    using _ = await slots.take();
    await content.take(path, digest);
  };
  const onFile = ({ name = '', path, bytes, begins = '', digest }: ReceivedFile) => {
    let file = coming.get(path);
    if (!file) {
      const first = Buffer.from(begins, 'hex');
      const arrival = new Arrival(path, bytes);
      // In OCI's layout a file is called what it is.
      const called = `sha256:${/^blobs\/sha256\/([a-f0-9]{64})$/.exec(cleaned(name))?.[1]}`;
      const wanted = mayBeLayer(first) && !isKnown(called);
      file = {
        arrival,
        mediaType: layerType(first),
        ...(wanted && { named: ahead.begin(arrival, { plain: isTar(first) }) }),
      };
      coming.set(path, file);
    }
    file.arrival.grow(bytes);
    if (digest === undefined) return;
    file.arrival.end('whole');
    file.named?.(digest);
    coming.delete(path);
    lease.pin(digest);
    stored.push(digest);
    files.set(cleaned(name), { digest, size: bytes, mediaType: file.mediaType });
    const take = takeIn(path, digest);
    take.catch(() => undefined);
    taken.push(take);
  };
  let parts = 0;
  const onPart = (part: ReceivedPart) => {
    if (!('path' in part) || !coming.has(part.path)) parts++;
    if (parts > MOST_PARTS) throw invalid(`the archive has more than ${MOST_PARTS} files and was refused`);
    if ('path' in part) onFile(part);
    else if ('same' in part) links.set(cleaned(part.name), cleaned(part.same));
    else links.set(cleaned(part.name), cleaned(posix.join(posix.dirname(cleaned(part.name)), part.link)));
  };
  // It may be compressed as a whole: what it unfolds to nobody knows.
  using guard = content.guardRoom('the archive', signal);
  const prefix = content.room();
  try {
    await receive({ prefix, archive: true, body: await something(body) }, { onPart, signal: guard.signal });
  } catch (error) {
    for (const { arrival } of coming.values()) arrival.end(error as Error);
    await Promise.allSettled(taken);
    await content.clear(prefix);
    throw error;
  }
  await Promise.all(taken);
  return { files, links };
}

function dockerImages(bytes: Buffer, find: Find, described: ArchivedImage[]): ArchivedImage[] {
  const images = checked(dockerManifest, jsonIn(bytes, 'manifest.json'), 'manifest.json');
  return images.map(({ Config, RepoTags, Layers }) => {
    const config = find(Config).digest;
    const layers = (Layers ?? []).map((path) => ({ ...find(path) }));
    // Where the archive has the manifest that the image came with, that is kept too.
    const same = described.find(
      (each) =>
        each.config === config &&
        each.layers.map(({ digest }) => digest).join() === layers.map(({ digest }) => digest).join(),
    );
    return { config, layers: same?.layers ?? layers, manifest: same?.manifest ?? null, names: RepoTags ?? [] };
  });
}

async function ociImages(bytes: Buffer, find: Find, content: Content): Promise<ArchivedImage[]> {
  const blob = (digest: string) => find(`blobs/sha256/${checkedDigest(digest).slice('sha256:'.length)}`);
  const verified = (digest: string) => {
    const file = blob(digest);
    if (file.digest !== digest) throw invalid(`the archive's blob ${digest} has other content and was refused`);
    return file;
  };
  /** One image: of an index the one that suits this machine, or else the first whose content is there. */
  const visit = async (
    { digest, mediaType }: IndexEntry,
    depth = 0,
  ): Promise<Omit<ArchivedImage, 'names'> | undefined> => {
    if (depth > 4) throw invalid('the archive is an index within an index, again and again: refused');
    const { size } = verified(digest);
    const parsed = parseManifest(await content.read(digest), mediaType);
    if (parsed.kind === 'index') return choose(parsed.entries, depth + 1);
    if (artifactType(parsed.manifest)) return undefined;
    return {
      config: verified(parsed.manifest.config.digest).digest,
      layers: parsed.manifest.layers.map((layer) => kept({ ...layer, digest: verified(layer.digest).digest })),
      manifest: { mediaType: parsed.mediaType, digest, size },
    };
  };
  const choose = async (entries: IndexEntry[], depth: number) => {
    const fitting = candidates(entries, hostPlatform());
    const others = entries.filter((entry) => !fitting.includes(entry) && entry.platform?.os !== 'unknown');
    for (const entry of [...fitting, ...others]) {
      // An archive need not hold every platform that its index names.
      const image = isThere(() => blob(entry.digest)) ? await visit(entry, depth) : undefined;
      if (image) return image;
    }
    return undefined;
  };
  const top = parseManifest(bytes, '');
  if (top.kind !== 'index') throw invalid("the archive's index.json is no index");
  // Several of one name are one image for several platforms.
  const groups = new Map<string, IndexEntry[]>();
  for (const entry of top.entries) {
    const name = nameOf(entry);
    const key = name ?? entry.digest;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  const images: ArchivedImage[] = [];
  for (const entries of groups.values()) {
    const image =
      entries.length > 1
        ? await choose(entries, 0)
        : entries[0]?.platform?.os === 'unknown'
          ? undefined
          : await visit(entries[0] as IndexEntry);
    const name = nameOf(entries[0] as IndexEntry);
    if (image) images.push({ ...image, names: name ? [name] : [] });
  }
  return images;
}

/** The short one is often only a tag, which names nothing by itself; what was saved by its digest has no name to be loaded under. */
function nameOf({ annotations }: IndexEntry): string | undefined {
  const short = annotations?.['org.opencontainers.image.ref.name'];
  const name = annotations?.['io.containerd.image.name'] ?? (short && /[:/]/.test(short) ? short : undefined);
  return name?.includes('@') ? undefined : name;
}

function isThere(find: () => unknown): boolean {
  try {
    find();
    return true;
  } catch {
    return false;
  }
}

/** Names are keys here, never paths; this only makes two spellings one. */
const cleaned = (name: string): string => posix.normalize(`/${name}`).slice(1).replace(/\/$/, '');

const starts = (bytes: Uint8Array, ...magic: number[]): boolean => magic.every((byte, at) => bytes[at] === byte);
const isGzip = (bytes: Uint8Array) => starts(bytes, 0x1f, 0x8b);
const isZstd = (bytes: Uint8Array) => starts(bytes, 0x28, 0xb5, 0x2f, 0xfd);
const isTar = (bytes: Buffer) => bytes.subarray(257, 262).toString('latin1') === 'ustar';

/** A layer says nothing of itself but how it begins. */
function layerType(first: Buffer): string {
  if (isGzip(first)) return `${LAYER_TYPE}.gzip`;
  return isZstd(first) ? 'application/vnd.oci.image.layer.v1.tar+zstd' : LAYER_TYPE;
}

const mayBeLayer = (first: Buffer): boolean => isGzip(first) || isZstd(first) || isTar(first);

/** Refused where it is nothing. */
export async function something(body: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = body[Symbol.asyncIterator]();
  let { value, done } = await iterator.next();
  while (!done && (value as Uint8Array).length === 0) ({ value, done } = await iterator.next());
  if (done) throw invalid('the archive is empty');
  async function* whole() {
    try {
      for (; !done; { value, done } = await iterator.next()) yield value as Uint8Array;
    } finally {
      await iterator.return?.();
    }
  }
  return whole();
}
