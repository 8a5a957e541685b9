import { readFile } from 'node:fs/promises';
import type { Subnet } from './addresses.js';

/** One line of the machine's routing tables. */
export interface Route extends Subnet {
  link: string;
}

/** Of IPv4, then of IPv6; what is the machine's own (`lo`) is none. */
export async function readRoutes(folder = '/proc/net'): Promise<Route[]> {
  const [four, six] = await Promise.all(
    ['route', 'ipv6_route'].map((name) => readFile(`${folder}/${name}`, 'utf8').catch(() => '')),
  );
  return [...parseRoutes(four ?? ''), ...parseIpv6Routes(six ?? '')];
}

/** The kernel writes addresses in hexadecimal, in the machine's byte order, which is little-endian wherever we run. */
export function parseRoutes(table: string): Route[] {
  return rows(table)
    .slice(1)
    .map(([link = '', destination = '', , , , , , mask = '']) => {
      const prefix = [...parseHex(mask).toString(2)].filter((bit) => bit === '1').length;
      return { link, family: 4, first: BigInt(parseHex(destination)), prefix };
    });
}

/** Without a title, and in the order of the network: destination, its prefix, source, its prefix, gateway, four numbers and the link. */
export function parseIpv6Routes(table: string): Route[] {
  return rows(table)
    .map(([destination = '', prefix = '', , , , , , , , link = '']): Route => {
      return { link, family: 6, first: BigInt(`0x${destination}`), prefix: Number.parseInt(prefix, 16) };
    })
    .filter(({ link }) => link !== 'lo');
}

const rows = (table: string): string[][] =>
  table
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));

const parseHex = (text: string): number => Buffer.from(text, 'hex').reverse().readUInt32BE(0);
