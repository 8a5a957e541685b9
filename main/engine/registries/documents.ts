import { invalid } from '../../base/errors.js';
import type { DistributionPlatform } from '../../contract/registries.js';

/** An entry of an index, as far as it is asked about here. */
export interface Entry {
  digest: string;
  size: number;
  artifactType?: string;
  mediaType: string;
  annotations: Record<string, string>;
  platform?: DistributionPlatform;
}

type Document = Record<string, unknown>;

const objectOf = (value: unknown): Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Document) : {};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function documentOf(bytes: Buffer): Document {
  try {
    return objectOf(JSON.parse(bytes.toString('utf8')));
  } catch {
    return {};
  }
}

/** What an index lists; undefined: the document is none. One that claims to be an image as well is refused (CVE-2021-41190). */
export function entriesOf(bytes: Buffer): Entry[] | undefined {
  const { manifests, layers, config } = documentOf(bytes);
  if (manifests !== undefined && (layers !== undefined || config !== undefined))
    throw invalid('the manifest claims to be an index and an image at once: refused');
  if (!Array.isArray(manifests)) return undefined;
  return manifests.map(objectOf).map(({ digest, size, artifactType, mediaType, annotations, platform }) => ({
    digest: textOf(digest),
    size: typeof size === 'number' ? size : 0,
    mediaType: textOf(mediaType),
    ...(textOf(artifactType) && { artifactType: textOf(artifactType) }),
    annotations: Object.fromEntries(
      Object.entries(objectOf(annotations)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    ...(platform !== undefined && { platform: platformIn(objectOf(platform)) }),
  }));
}

/** The digest of a manifest's configuration. */
export const configOf = (bytes: Buffer): string => textOf(objectOf(documentOf(bytes)['config'])['digest']);

function platformIn(document: Document): DistributionPlatform {
  const features = document['os.features'];
  return {
    architecture: textOf(document['architecture']),
    os: textOf(document['os']),
    ...(textOf(document['os.version']) && { 'os.version': textOf(document['os.version']) }),
    ...(Array.isArray(features) && { 'os.features': features.map(textOf) }),
    ...(textOf(document['variant']) && { variant: textOf(document['variant']) }),
  };
}

/** What an image is for: what its index lists, or what its configuration says. */
export async function platformsOf(
  bytes: Buffer,
  readConfig: (digest: string) => Promise<Buffer>,
): Promise<DistributionPlatform[]> {
  const entries = entriesOf(bytes);
  if (entries) return entries.map(({ platform }) => platform ?? { architecture: '', os: '' });
  const config = configOf(bytes);
  if (!config) return [];
  const platform = platformIn(documentOf(await readConfig(config)));
  return platform.os || platform.architecture ? [platform] : [];
}
