import { posix } from 'node:path';
import type { MountPoint } from './record.js';

/** The layers of an image whose files are mounted, top first. */
export interface ImageLayers {
  lower: string[];
  driver?: 'fuse-overlayfs';
}

/** What is to be mounted and is no plain path of this machine, as the helper is told of it. */
export type Source =
  { path: string; subpath?: string; propagation?: 'shared' | 'slave' } | { overlay: ImageLayers; subpath?: string };

/** Undefined: the mount's own path says all. `layers`: of the images that are mounted, by chain ID. */
export function sourceOf(mount: MountPoint, layers: ReadonlyMap<string, ImageLayers>): Source | undefined {
  const { Type, Source: path, Propagation, own = {} } = mount;
  const part = own.subpath !== undefined && { subpath: own.subpath };
  if (own.image) return { overlay: layers.get(own.image.chainId) ?? { lower: [] }, ...part };
  if (part) return { path: own.device ?? path, ...part };
  const [propagation] = Type === 'bind' ? (/shared|slave/.exec(Propagation) ?? []) : [];
  return propagation === undefined ? undefined : { path, propagation: propagation as 'shared' | 'slave' };
}

/** The mounts as they are bound: the helper puts each source below `sources` in the bundle, in this order. */
export function withSources(
  mounts: readonly MountPoint[],
  bundle: string,
  layers: ReadonlyMap<string, ImageLayers>,
): { bound: MountPoint[]; sources: Source[] } {
  const sources: Source[] = [];
  const bound = mounts.map((mount) => {
    const source = sourceOf(mount, layers);
    if (!source) return mount;
    const Source = posix.join(bundle, 'sources', String(sources.push(source) - 1));
    const { device: _, ...own } = mount.own ?? {};
    return { ...mount, Source, own };
  });
  return { bound, sources };
}
