/** An IPv4 network: the first address and how many leading bits are fixed. */
export interface Subnet {
  first: number;
  prefix: number;
}

export const parseAddress = (text: string): number =>
  text.split('.').reduce((value, part) => value * 256 + Number(part), 0);

export const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

export function parseSubnet(text: string): Subnet {
  const [address = '', prefix] = text.split('/');
  return { first: parseAddress(address), prefix: Number(prefix) };
}

export const formatSubnet = ({ first, prefix }: Subnet): string => `${formatAddress(first)}/${prefix}`;

/** How many addresses it has, the network's own and the broadcast one included. */
export const sizeOf = ({ prefix }: Subnet): number => 2 ** (32 - prefix);

export const overlaps = (a: Subnet, b: Subnet): boolean =>
  a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
