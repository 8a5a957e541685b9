import { notFound } from '../../base/errors.js';
import type { ContainerChange, HistoryEntry } from '../../contract/changes.js';
import type { ContainerRecord } from './record.js';

/** What a container is to be instead. */
export interface Wish extends Omit<ContainerChange, 'Image'> {
  /** What to look for, and how it is called then. */
  image?: { find: string; reference: string } | undefined;
  revertTo?: number;
}

export const wishOf = ({ Image, ...rest }: ContainerChange): Wish => ({
  ...rest,
  ...(Image !== undefined && { image: { find: Image, reference: Image } }),
});

/** Back to what it was at an entry of its history (newest first). */
export function wishBack({ image: { reference, id } }: ContainerRecord, entries: HistoryEntry[], seq: number): Wish {
  if (!entries.some(({ Seq }) => Seq === seq)) throw notFound(`its history has no entry ${seq}`);
  const fields = new Map<string, unknown>();
  // From the newest back: what stands last is what it was then.
  for (const { Seq, Kind, Changes = [] } of entries)
    if (Seq > seq && (Kind === 'changed' || Kind === 'reverted'))
      for (const { Field, From } of Changes) fields.set(Field, From);
  const part = (name: string): Record<string, unknown> =>
    Object.fromEntries(
      [...fields].flatMap(([field, value]) =>
        field.startsWith(`${name}.`) ? [[field.slice(name.length + 1), value]] : [],
      ),
    );
  const name = fields.get('Name');
  return {
    ...(typeof name === 'string' && { Name: name }),
    Config: part('Config'),
    HostConfig: part('HostConfig'),
    ...((fields.has('ImageID') || fields.has('Image')) && {
      image: { find: textOr(fields.get('ImageID'), id), reference: textOr(fields.get('Image'), reference) },
    }),
    revertTo: seq,
  };
}

const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
