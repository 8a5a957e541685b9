import { InvalidArgumentError, Option } from 'commander';

const many = (value: string, before: string[]) => [...before, value];

/** An option that may be given several times. */
export const repeated = (flags: string, text: string) => new Option(flags, text).argParser(many).default([], '');

export function whole(value: string): number {
  if (!/^-?\d+$/.test(value)) throw new InvalidArgumentError('it is not a whole number.');
  return Number(value);
}
