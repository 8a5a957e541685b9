import type { Compared } from '../../../main/contract/layers.js';

/** What of the layers is looked at; it is the part of the address after `layers`. */
export interface Sight {
  /** The step's layer; the topmost when not given. */
  layer?: number | undefined;
  path?: string | undefined;
  /** What it is compared with: the other is the side before. */
  with?: Compared | undefined;
}

const number = (text: string | undefined): number | undefined =>
  text !== undefined && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : undefined;

/** `[layer, path]`, or `[layer, 'with', 'image:NAME', layer, path]`; `-` stands for none. */
export function sightOf([layer, second, third, fourth, fifth]: readonly (string | undefined)[]): Sight {
  const [, kind, name] = /^(image|container):(.+)$/.exec(second === 'with' ? (third ?? '') : '') ?? [];
  const path = name === undefined ? second : fifth;
  return {
    ...{ layer: number(layer), path: path?.startsWith('/') ? path : undefined },
    ...(name !== undefined && { with: { kind: kind as Compared['kind'], name, layer: number(fourth) } }),
  };
}

export function partsOfSight({ layer, path, with: other }: Sight): string[] {
  const at = String(layer ?? '-');
  if (other) return [at, 'with', `${other.kind}:${other.name}`, String(other.layer ?? '-'), ...(path ? [path] : [])];
  return path ? [at, path] : layer === undefined ? [] : [at];
}
