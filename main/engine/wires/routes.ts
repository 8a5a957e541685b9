import { readFile } from 'node:fs/promises';
import type { Subnet } from './ipv4.js';

/** One line of the machine's IPv4 routing table. */
export interface Route extends Subnet {
  link: string;
}

export async function readRoutes(file = '/proc/net/route'): Promise<Route[]> {
  return parseRoutes(await readFile(file, 'utf8').catch(() => ''));
}

/** The kernel writes addresses in hexadecimal, in the machine's byte order, which is little-endian wherever we run. */
export function parseRoutes(table: string): Route[] {
  return table
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [link = '', destination = '', , , , , , mask = ''] = line.split(/\s+/);
      const prefix = [...parseHex(mask).toString(2)].filter((bit) => bit === '1').length;
      return { link, first: parseHex(destination), prefix };
    });
}

const parseHex = (text: string): number => Buffer.from(text, 'hex').reverse().readUInt32BE(0);
