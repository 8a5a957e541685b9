import type { Content } from '../content/index.js';
import { MEDIA_TYPES, type Reference } from '../registry/index.js';
import { kept, parseManifest, type Descriptor, type ImageRecord } from './record.js';

export interface ManifestDocument {
  mediaType: string;
  bytes: Buffer;
}

export interface OwnManifest extends ManifestDocument {
  config: Descriptor;
  layers: Descriptor[];
}

const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
const [OCI, DOCKER] = MEDIA_TYPES.manifest;

/** A layer that its maker wants nobody else to distribute: a registry names where it is to be had. */
export const isForeign = ({ mediaType }: Descriptor): boolean => /foreign|nondistributable/.test(mediaType);

/**
 * The manifests that an image came with or went out with, to be passed on byte for byte, the best first. One of plain tars is only where a
 * registry has it like that, or with `plain`: what an archive brought is compressed before it goes to a registry.
 */
export async function* ownManifests(
  image: ImageRecord,
  references: Reference[],
  content: Content,
  { plain = false }: { plain?: boolean } = {},
): AsyncGenerator<OwnManifest> {
  const came = image.manifest?.digest;
  // The index that it was in comes before it.
  const before = came === undefined ? [] : image.documents.slice(0, image.documents.indexOf(came) + 1);
  const known = references.some(({ digest }) => digest !== undefined && before.includes(digest));
  for (const digest of new Set([...(came === undefined ? [] : [came]), ...image.documents])) {
    const document = digest === image.id ? undefined : await manifestDocument(image, digest, content);
    if (!document) continue;
    const isPlain = document.layers.some((layer, at) => layer.digest === image.diffIds[at]);
    if (!isPlain || (digest === came && (plain || known))) yield document;
  }
}

/** One of an image's documents, where it is a manifest of this image and here. */
export async function manifestDocument(
  image: ImageRecord,
  digest: string,
  content: Content,
): Promise<OwnManifest | undefined> {
  if ((await content.size(digest)) === undefined) return undefined;
  const bytes = await content.read(digest);
  const parsed = parseManifest(bytes, digest === image.manifest?.digest ? image.manifest.mediaType : '');
  if (parsed.kind !== 'manifest' || parsed.manifest.config.digest !== image.id) return undefined;
  const { config, layers } = parsed.manifest;
  return { mediaType: parsed.mediaType, bytes, config, layers: layers.map(kept) };
}

/**
 * A manifest of an image whose layers are these. What the one that it came with says besides (annotations above all) is kept; an image that
 * came without one gets one of the type `otherwise`: Docker's, which every registry takes.
 */
export async function manifestFor(
  image: ImageRecord,
  config: Descriptor,
  layers: Descriptor[],
  content: Content,
  otherwise: string = DOCKER,
): Promise<ManifestDocument> {
  const came = await firstManifest(image, content);
  // Only OCI has a name for zstd.
  const zstd = layers.some(({ mediaType: type }) => /zstd/.test(type));
  const mediaType = zstd ? OCI : (came?.mediaType ?? otherwise);
  const oci = mediaType === OCI;
  const before = came ? (JSON.parse(came.bytes.toString('utf8')) as { config: object; layers: object[] }) : undefined;
  const document = {
    ...before,
    ...{ schemaVersion: 2, mediaType },
    config: {
      ...before?.config,
      ...{ mediaType: oci ? OCI_CONFIG : DOCKER_CONFIG, digest: config.digest, size: config.size },
    },
    layers: layers.map((layer, at) => ({
      ...before?.layers[at],
      ...{ mediaType: oci ? ociType(layer) : dockerType(layer), digest: layer.digest, size: layer.size },
    })),
  };
  return { mediaType, bytes: Buffer.from(JSON.stringify(document, undefined, 3)) };
}

async function firstManifest(image: ImageRecord, content: Content): Promise<OwnManifest | undefined> {
  if (image.manifest) return manifestDocument(image, image.manifest.digest, content);
  for await (const document of ownManifests(image, [], content)) return document;
  return undefined;
}

/** A layer's type in an OCI manifest. */
function ociType({ mediaType }: Descriptor): string {
  if (/^application\/vnd\.oci\./.test(mediaType)) return mediaType;
  const place = isForeign({ mediaType } as Descriptor) ? 'layer.nondistributable' : 'layer';
  const packed = /zstd/.test(mediaType) ? '+zstd' : /gzip/.test(mediaType) ? '+gzip' : '';
  return `application/vnd.oci.image.${place}.v1.tar${packed}`;
}

function dockerType({ mediaType }: Descriptor): string {
  const kind = isForeign({ mediaType } as Descriptor) ? 'foreign.diff' : 'diff';
  return `application/vnd.docker.image.rootfs.${kind}.tar${/gzip/.test(mediaType) ? '.gzip' : ''}`;
}
