import { conflict, forbidden, unavailable } from '../../base/errors.js';
import { contains, formatAddress, nth, parseAddress, parseSubnet, sizeOf } from '../wires/index.js';
import type { Pool } from './record.js';

/** The lowest address of a pool that is neither taken nor set aside. */
export function freeAddress({ subnet, gateway, range, auxiliary }: Pool, taken: ReadonlySet<string>): string {
  const whole = parseSubnet(subnet);
  const from = parseSubnet(range ?? subnet);
  const reserved = new Set([gateway, ...Object.values(auxiliary ?? {})]);
  reserved.add(formatAddress(nth(whole, 0)));
  if (whole.family === 4 && whole.prefix < 31) reserved.add(formatAddress(nth(whole, -1)));
  for (let index = 0n; index < sizeOf(from); index++) {
    const address = formatAddress(nth(from, index));
    if (!taken.has(address) && !reserved.has(address)) return address;
  }
  throw unavailable(`no address is left in ${range ?? subnet}: stop a container to free one`);
}

/** The address that somebody asked for, checked against the pool and who has it. */
export function givenAddress(wanted: string, { subnet, gateway }: Pool, taken: ReadonlySet<string>): string {
  const address = formatAddress(parseAddress(wanted));
  if (!contains(parseSubnet(subnet), parseAddress(wanted))) {
    throw conflict(`no configured subnet contains IP address ${wanted}: choose one in ${subnet}`);
  }
  if (address === gateway || taken.has(address)) throw forbidden('Address already in use');
  return address;
}

/** As Docker makes it: from the address, so that neighbours need not learn anew when it is given out again. */
export function macOf(address: string): string {
  const { family, value } = parseAddress(address);
  const tail = BigInt.asUintN(32, value).toString(16).padStart(8, '0');
  return `${family === 4 ? '0242' : '0646'}${tail}`.replace(/..(?!$)/g, '$&:');
}
