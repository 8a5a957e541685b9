import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { invalid } from '../../base/errors.js';

/** An IP address and a port: a name may mean another address tomorrow. */
export function checkedAddress(text: string): string {
  const [, host = '', port = ''] = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text) ?? [];
  const ip = host === 'localhost' ? '127.0.0.1' : host.replace(/^\[|\]$/g, '');
  if (!isIP(ip) || Number(port) > 65535)
    throw invalid(`"${text}" is no address to serve at: write it like 127.0.0.1:5000 or 0.0.0.0:5000`);
  return withPort(ip, Number(port));
}

export const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');

export const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));

export const withPort = (host: string, port: number): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

export const isLoopback = (host: string): boolean => (isIP(host) === 4 && host.startsWith('127.')) || host === '::1';

/** Bridges and wires of containers and virtual machines: nobody calls us by their addresses. */
const INNER = /^(?:br-|cni|docker|lxc|lxd|podman|slipway|veth|virbr|vnet)/;

/** The addresses that others can call, of what is listened at; the one of the default route first. */
export function reachable(
  host: string,
  { interfaces, route }: { interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>; route: string | undefined },
): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  const names = Object.keys(interfaces).filter((name) => !INNER.test(name));
  const sorted = names.sort((a, b) => Number(b === route) - Number(a === route));
  const all = sorted.flatMap((name) => interfaces[name] ?? []).filter(({ internal }) => !internal);
  const four = all.filter(({ family }) => family === 'IPv4');
  // Addresses of the link alone need the caller's interface in them.
  const six =
    host === '::' ? all.filter(({ family, address }) => family === 'IPv6' && !/^fe[89ab]/i.test(address)) : [];
  const found = [...four, ...six].map(({ address }) => address);
  return found.length > 0 ? found : ['127.0.0.1'];
}

/** How this machine is reached at this moment. */
export async function links(): Promise<Parameters<typeof reachable>[1]> {
  const routes = await readFile('/proc/net/route', 'utf8').catch(() => '');
  const [, route] = /^(\S+)\s+00000000\s/m.exec(routes) ?? [];
  return { interfaces: networkInterfaces(), route };
}
