import { pack } from 'tar-stream';
import { digestOf, type Content } from '../content/index.js';
import { familiar, type Reference } from '../registry/index.js';
import { MEDIA_TYPES } from '../registry/index.js';
import type { Descriptor, ImageRecord } from './record.js';

/** An OCI image layout that also has `docker save`'s manifest.json, so that every engine reads it. */
export async function* writeArchive(
  images: { image: ImageRecord; names: Reference[] }[],
  content: Content,
): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const written = new Set<string>();
  const failed = { error: undefined as unknown };
  const file = (name: string, bytes: Buffer) =>
    new Promise<void>((resolve, reject) =>
      tar.entry({ name, mtime: EPOCH }, bytes, (error) => (error ? reject(error) : resolve())),
    );
  const blob = async (digest: string) => {
    if (written.has(digest)) return;
    written.add(digest);
    const size = (await content.size(digest)) ?? 0;
    let done!: (error: Error | null | undefined) => void;
    const closed = new Promise<void>((resolve, reject) => (done = (error) => (error ? reject(error) : resolve())));
    const entry = tar.entry({ name: blobName(digest), size, mtime: EPOCH }, done);
    closed.catch(() => undefined);
    entry.on('error', done); // its reader has gone
    for await (const chunk of content.stream(digest)) {
      if (entry.write(chunk)) continue;
      await Promise.race([closed, new Promise<void>((resolve) => entry.once('drain', () => resolve()))]);
    }
    entry.end(null);
    await closed;
  };
  const write = async () => {
    const manifests: (Descriptor & { annotations?: Record<string, string> })[] = [];
    for (const { image, names } of images) {
      for (const { digest } of image.layers) await blob(digest);
      await blob(image.id);
      const manifest = manifestOf(image, (await content.size(image.id)) ?? 0);
      const digest = digestOf(manifest);
      if (!written.has(digest)) await file(blobName(digest), manifest);
      written.add(digest);
      const descriptor = { mediaType: MEDIA_TYPES.manifest[0], digest, size: manifest.length };
      if (names.length === 0) manifests.push(descriptor);
      for (const name of names) {
        const annotations = {
          'io.containerd.image.name': `${name.domain}/${name.path}:${name.tag}`,
          'org.opencontainers.image.ref.name': name.tag ?? '',
        };
        manifests.push({ ...descriptor, annotations });
      }
    }
    const docker = images.map(({ image, names }) => ({
      Config: blobName(image.id),
      RepoTags: names.length > 0 ? names.map(familiar) : null,
      Layers: image.layers.map(({ digest }) => blobName(digest)),
    }));
    await file('index.json', json({ schemaVersion: 2, mediaType: MEDIA_TYPES.index[0], manifests }));
    await file('manifest.json', json(docker));
    await file('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
    tar.finalize();
  };
  write().catch((error: unknown) => {
    failed.error = error;
    tar.destroy(error as Error);
  });
  try {
    for await (const chunk of tar) yield chunk as Buffer;
  } catch (error) {
    throw failed.error ?? error;
  } finally {
    tar.destroy();
  }
}

/** The same image gives the same archive. */
const EPOCH = new Date(0);

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const blobName = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** Layers are described by what their bytes are: what came from an archive is plain, what came from a registry says so itself. */
function manifestOf(image: ImageRecord, configSize: number): Buffer {
  const ociType = (mediaType: string) => {
    if (/zstd/.test(mediaType)) return 'application/vnd.oci.image.layer.v1.tar+zstd';
    if (/gzip/.test(mediaType)) return 'application/vnd.oci.image.layer.v1.tar+gzip';
    return 'application/vnd.oci.image.layer.v1.tar';
  };
  return json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.manifest[0],
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: image.id, size: configSize },
    layers: image.layers.map(({ mediaType, digest, size }) => ({ mediaType: ociType(mediaType), digest, size })),
  });
}
