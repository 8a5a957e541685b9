import { EngineError } from '../../base/errors.js';
import type { ImageManifestSummary } from '../../contract/images.js';
import type { Content } from '../content/index.js';
import { manifestDocument } from './manifest.js';
import type { Attested, Descriptor, ImageRecord } from './record.js';

/** The manifests that are kept of an image: its own, the one that it came with first, then what is attested of it. None where it came without. */
export async function manifestsOf(
  image: ImageRecord,
  { containers, content }: { containers: string[]; content: Content },
): Promise<ImageManifestSummary[]> {
  const { architecture, os, variant, attested = [], manifest: came } = image;
  const kept: ImageManifestSummary[] = [];
  for (const digest of new Set([...(came ? [came.digest] : []), ...image.documents])) {
    const own = digest === image.id ? undefined : await ifHere(manifestDocument(image, digest, content));
    if (!own) continue;
    const manifest = { mediaType: own.mediaType, digest, size: own.bytes.length };
    const parts = [own.config, ...own.layers].map((part) => part.digest);
    kept.push({
      ...(await summary(manifest, parts, { unpacked: image.size, content })),
      Kind: 'image',
      ImageData: {
        Platform: { architecture, os, ...(variant && { variant }) },
        Containers: containers,
        Size: { Unpacked: image.size },
      },
    });
  }
  const about = ({ about: told = came?.digest ?? '' }: Attested) => told;
  for (const each of attested) {
    const told = await summary(each.manifest, each.parts, { unpacked: 0, content });
    kept.push({ ...told, Kind: 'attestation', AttestationData: { For: about(each) } });
  }
  return kept;
}

async function summary(
  { mediaType, digest, size }: Descriptor,
  parts: string[],
  { unpacked, content }: { unpacked: number; content: Content },
): Promise<Pick<ImageManifestSummary, 'ID' | 'Descriptor' | 'Available' | 'Size'>> {
  const sizes = await Promise.all([...new Set([digest, ...parts])].map((part) => content.size(part)));
  const Content = sizes.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  return {
    ...{ ID: digest, Descriptor: { mediaType, digest, size }, Available: !sizes.includes(undefined) },
    Size: { Content, Total: Content + unpacked },
  };
}

/** Undefined for what is removed at this very moment. */
async function ifHere<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof EngineError && error.kind === 'not-found') return undefined;
    throw error;
  }
}
