import { isIPv4, isIPv6 } from 'node:net';
import { invalid } from '../../base/errors.js';

/** IPv4 or IPv6. */
export type Family = 4 | 6;

export interface Address {
  family: Family;
  value: bigint;
}

/** A network: its first address and how many leading bits are fixed. */
export interface Subnet {
  family: Family;
  first: bigint;
  prefix: number;
}

/** How many bits an address has. */
export const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

/** `172.17.0.2`, `fd00::2`; what is none of them is `invalid`. */
export function parseAddress(text: string): Address {
  if (isIPv4(text)) return { family: 4, value: joined(text.split('.').map(Number), 8) };
  if (isIPv6(text) && !text.includes('%')) return { family: 6, value: joined(groupsOf(text), 16) };
  throw invalid(`${text} is not an IP address`);
}

/** The one way to write it: IPv6 as RFC 5952 has it. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return parts(value, 4, 8).join('.');
  if (value >> 32n === 0xffffn) return `::ffff:${formatAddress({ family: 4, value: value & 0xffff_ffffn })}`;
  const groups = parts(value, 8, 16).map((group) => group.toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** `172.17.0.0/16`, `fd00::/64`. Bits after the prefix are dropped: `parseInterface` keeps them. */
export const parseSubnet = (text: string): Subnet => parseInterface(text).subnet;

/** An address with the network it is on: `172.17.0.2/16`. */
export function parseInterface(text: string): { address: Address; subnet: Subnet } {
  const [, host = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const prefix = Number(digits);
  if (digits === '') throw invalid(`${text} is not an address with its prefix length`);
  const address = parseAddress(host);
  if (prefix > bitsOf(address.family)) throw invalid(`${text} has a prefix length over ${bitsOf(address.family)}`);
  return { address, subnet: subnetOf(address, prefix) };
}

export const formatSubnet = ({ family, first, prefix }: Subnet): string =>
  `${formatAddress({ family, value: first })}/${prefix}`;

/** The network of so many leading bits that an address is on. */
export function subnetOf({ family, value }: Address, prefix: number): Subnet {
  const free = BigInt(bitsOf(family) - prefix);
  return { family, first: (value >> free) << free, prefix };
}

/** How many addresses it has, the network's own and IPv4's broadcast one included. */
export const sizeOf = ({ family, prefix }: Subnet): bigint => 1n << BigInt(bitsOf(family) - prefix);

/** The address that many places after the first; -1 is the last. It is the caller's to stay inside. */
export function nth(subnet: Subnet, index: bigint | number): Address {
  const place = BigInt(index);
  return { family: subnet.family, value: subnet.first + (place < 0n ? sizeOf(subnet) + place : place) };
}

export const contains = (subnet: Subnet, { family, value }: Address): boolean =>
  family === subnet.family && value >= subnet.first && value < subnet.first + sizeOf(subnet);

export const overlaps = (a: Subnet, b: Subnet): boolean =>
  a.family === b.family && a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);

/** Of a text that `isIPv6` took. */
function groupsOf(text: string): number[] {
  const dotted = /[\d.]+$/.exec(text)?.[0] ?? '';
  if (isIPv4(dotted)) {
    const { value } = parseAddress(dotted);
    const hex = `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
    return groupsOf(text.slice(0, -dotted.length) + hex);
  }
  const [before = [], after = []] = text.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}

const joined = (numbers: number[], bits: number): bigint =>
  numbers.reduce((value, number) => (value << BigInt(bits)) | BigInt(number), 0n);

const parts = (value: bigint, count: number, bits: number): number[] =>
  Array.from({ length: count }, (_, index) =>
    Number(BigInt.asUintN(bits, value >> BigInt(bits * (count - 1 - index)))),
  );

/** The first of the longest runs of groups that are zero. */
function longestZeros(groups: string[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === '0') end++;
    if (end - start > longest.length) longest = { start, length: end - start };
  }
  return longest;
}
