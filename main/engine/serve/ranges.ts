export interface Span {
  start: number;
  /** The byte after the last one. */
  end: number;
}

/** What `Range` asks for: undefined for the whole, null where there is no such part. Several parts are none: all of it is sent. */
export function spanOf(range: string | undefined, size: number): Span | undefined | null {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length > 0 ? { start: size - length, end: size } : null;
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return start < end ? { start, end } : null;
}
