import { z } from 'zod';
import { invalid, notImplemented } from '../../base/errors.js';
import type { ImageConfig } from '../../contract/images.js';
import { isDigest } from '../content/index.js';
import { MEDIA_TYPES } from '../registry/index.js';

/** What we keep of an image. Its ID is the digest of its configuration. */
export interface ImageRecord {
  id: string;
  /** The whole stack; '' for an image without layers. */
  chainId: string;
  /** Chain IDs, bottom first. */
  chain: string[];
  diffIds: string[];
  /** The layers' blobs, bottom first, as they came. */
  layers: Descriptor[];
  /** Further content that belongs to it: configuration, manifest, index. */
  documents: string[];
  /** The manifest's descriptor, when the image came with one. */
  manifest: Descriptor | null;
  /** What registries get of layers that are plain tars here, by the tar's digest. */
  packed?: Record<string, Descriptor>;
  /** What was pushed to us about it (provenance, bills of materials), as the index names it. */
  attested?: Attested[];
  /** The index that was pushed to us last by a name, by that name. */
  pushed?: Record<string, string>;
  /** The image that it was made from here. */
  parent?: string;
  config: ImageConfig;
  created: string;
  author: string;
  comment: string;
  architecture: string;
  variant?: string;
  os: string;
  dockerVersion: string;
  history: HistoryEntry[];
  /** Bytes of file content in all layers. */
  size: number;
  lastTagged: string;
}

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  /** Where a layer may be had that its registry must not give away. */
  urls?: string[] | null | undefined;
  annotations?: Record<string, string> | null | undefined;
}

export interface Attested {
  manifest: Descriptor;
  /** The digest of the manifest that it is about, where the index says so. */
  about?: string;
  /** The indexes that name it. Earlier versions did not write them down. */
  indexes?: string[];
  /** Digests of what the manifest names. */
  parts: string[];
}

export interface HistoryEntry {
  created?: string | undefined;
  created_by?: string | undefined;
  author?: string | undefined;
  comment?: string | undefined;
  empty_layer?: boolean | undefined;
}

/** Every blob that belongs to an image. */
export const contentOf = ({ layers, packed = {}, ...image }: ImageRecord): string[] => [
  ...documentsOf(image),
  ...layers.map(({ digest }) => digest),
  ...Object.values(packed).map(({ digest }) => digest),
];

/** Everything but layers. */
export const documentsOf = ({ documents, attested = [] }: Pick<ImageRecord, 'documents' | 'attested'>): string[] => [
  ...documents,
  ...attested.flatMap(({ manifest, parts }) => [manifest.digest, ...parts]),
];

export const labelsOf = (image: ImageRecord | undefined): Record<string, string> => image?.config.Labels ?? {};

/** When no date is set. */
export const NEVER = '0001-01-01T00:00:00Z';

const digest = z.string().refine(isDigest, {
  error: ({ input }) =>
    /^sha(384|512):/.test(String(input))
      ? 'is a digest of a kind that Slipway does not support: only sha256 is'
      : 'is not a sha256 digest',
});
const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const descriptor = z.object({
  mediaType: z.string().default(''),
  digest,
  size,
  platform: platform.nullish(),
  artifactType: z.string().nullish(),
  urls: z.array(z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
export type IndexEntry = z.infer<typeof descriptor>;

const index = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  manifests: z.array(descriptor),
});
const manifest = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().nullish(),
  config: descriptor,
  layers: z.array(descriptor).max(500),
});
export type Manifest = z.infer<typeof manifest>;

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const strings = z.array(z.string()).nullish();
const set = z
  .record(
    z.string(),
    z
      .looseObject({})
      .nullish()
      .transform((value) => value ?? {}),
  )
  .nullish();
const amount = z.number().optional();
/** One that makes no sense is none: the image is good without it. */
const healthcheck = z
  .looseObject({
    Test: z.array(z.string()).optional(),
    ...{ Interval: amount, Timeout: amount, StartPeriod: amount, StartInterval: amount, Retries: amount },
  })
  .nullish()
  .catch(undefined);
const runConfig = z.object({
  User: text,
  Env: strings,
  Entrypoint: strings,
  Cmd: strings,
  WorkingDir: text,
  Labels: z.record(z.string(), z.string()).nullish(),
  ExposedPorts: set,
  Volumes: set,
  StopSignal: z.string().nullish(),
  Healthcheck: healthcheck,
  Shell: strings,
  OnBuild: strings,
});
const configuration = z.object({
  architecture: text,
  variant: z.string().nullish(),
  os: text,
  created: z.string().nullish(),
  author: text,
  comment: text,
  docker_version: text,
  config: runConfig.nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digest).nullish() }),
  history: z
    .array(
      z.object({
        created: z
          .string()
          .nullish()
          .transform((value) => value ?? undefined),
        created_by: z.string().optional(),
        author: z.string().optional(),
        comment: z.string().optional(),
        empty_layer: z.boolean().optional(),
      }),
    )
    .nullish(),
});

/** An index or a manifest; never a document that claims to be both (CVE-2021-41190). */
export function parseManifest(
  bytes: Uint8Array,
  mediaType = '',
): { kind: 'index'; entries: IndexEntry[] } | { kind: 'manifest'; manifest: Manifest; mediaType: string } {
  const document = parseJson(bytes, 'manifest');
  if ('fsLayers' in document || document['schemaVersion'] === 1) {
    throw notImplemented(
      'the image is stored in the old format "schema 1", which is no longer supported: push it again with a current tool',
    );
  }
  const says = typeof document['mediaType'] === 'string' ? document['mediaType'] : '';
  const known: readonly string[] = [...MEDIA_TYPES.index, ...MEDIA_TYPES.manifest];
  if (says && known.includes(mediaType) && says !== mediaType) {
    throw invalid(`the manifest says that it is ${says}, but was sent as ${mediaType}: refused`);
  }
  const isIndex = 'manifests' in document;
  if (isIndex === 'layers' in document)
    throw invalid('the manifest is neither an index nor an image (or claims to be both): refused');
  const type = says || mediaType;
  const fits: readonly string[] = isIndex ? MEDIA_TYPES.manifest : MEDIA_TYPES.index;
  if (fits.includes(type)) throw invalid(`the manifest's content is not what its type ${type} says: refused`);
  if (isIndex) return { kind: 'index', entries: checked(index, document, 'index').manifests };
  return {
    kind: 'manifest',
    manifest: checked(manifest, document, 'manifest'),
    mediaType: known.includes(type) ? type : MEDIA_TYPES.manifest[0],
  };
}

/** What a manifest's configuration is where the manifest is an image's; the last from times when nobody said. */
const CONFIG_TYPES = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
  '',
];

/** What a manifest is of that is no image's (a signature, a chart); undefined: it is an image's. */
export function artifactType({ config, artifactType: type }: Manifest): string | undefined {
  if (type) return type;
  return CONFIG_TYPES.includes(config.mediaType) ? undefined : config.mediaType;
}

/** What builders say about an image; shaped like one, it has statements in the place of layers. */
export const isAttestation = ({ layers }: Manifest): boolean =>
  layers.length > 0 && layers.every(({ mediaType }) => mediaType === 'application/vnd.in-toto+json');

/** A part of a manifest, as we keep it. */
export const kept = ({ mediaType, digest, size, urls, annotations }: Manifest['layers'][number]): Descriptor => ({
  ...{ mediaType, digest, size },
  ...(urls && urls.length > 0 && { urls }),
  ...(annotations && { annotations }),
});

export type Configuration = Pick<
  ImageRecord,
  | 'diffIds'
  | 'config'
  | 'created'
  | 'author'
  | 'comment'
  | 'architecture'
  | 'variant'
  | 'os'
  | 'dockerVersion'
  | 'history'
>;

/** Reads an image's configuration (OCI image spec, config.md; Docker's is the same with more). */
export function parseConfiguration(bytes: Uint8Array): Configuration {
  const read = checked(configuration, parseJson(bytes, 'image configuration'), 'image configuration');
  const { StopSignal, ExposedPorts, Volumes, Shell, Healthcheck, ...config } = read.config ?? {};
  return {
    diffIds: read.rootfs.diff_ids ?? [],
    config: {
      ...config,
      ...(ExposedPorts && { ExposedPorts }),
      ...(Volumes && { Volumes }),
      ...(StopSignal && { StopSignal }),
      ...(Shell && { Shell }),
      ...(Healthcheck != null && { Healthcheck }),
    },
    created: read.created ?? NEVER,
    author: read.author,
    comment: read.comment,
    architecture: read.architecture,
    ...(read.variant && { variant: read.variant }),
    os: read.os || 'linux',
    dockerVersion: read.docker_version,
    history: read.history ?? [],
  };
}

export function jsonIn(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw invalid(`the ${what} is not JSON`, { cause: error });
  }
}

export function parseJson(bytes: Uint8Array, what: string): Record<string, unknown> {
  const value = jsonIn(bytes, what);
  if (typeof value !== 'object' || value === null) throw invalid(`the ${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

export function checked<Type>(schema: z.ZodType<Type>, value: unknown, what: string): Type {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(`the ${what} is not valid: ${issue?.path.join('.') || 'it'}: ${issue?.message}`);
}
