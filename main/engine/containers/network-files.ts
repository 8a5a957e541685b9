import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { invalid } from '../../base/errors.js';
import type { NetworkMode } from './rooms.js';

/** The three files of a container that say who it is and whom it can ask; bind-mounted, never part of its layer. */
export interface NetworkFiles {
  hostname: string;
  hosts: string;
  resolvConf: string;
}

export interface NetworkFilesRequest {
  mode: NetworkMode;
  hostname: string;
  domainname: string;
  /** The container's own addresses. */
  addresses: string[];
  gateway: string;
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  extraHosts: string[];
  /** It is answered at 127.0.0.11. */
  names: boolean;
}

/** What resolv.conf depends on besides this machine's. */
export type ResolvConfRequest = Pick<NetworkFilesRequest, 'mode' | 'dns' | 'dnsSearch' | 'dnsOptions' | 'names'>;

/** 127.0.0.11, where names of networks that somebody made are answered. */
const NAME_SERVER = '127.0.0.11';

const LOCAL_HOSTS = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

const FALLBACK_DNS = ['8.8.8.8', '8.8.4.4'];

/** A container's resolv.conf as it is made. */
export async function resolvConfFor(request: ResolvConfRequest): Promise<string> {
  const host = request.mode === 'host' ? await readOrEmpty('/etc/resolv.conf') : await upstreamResolvConf();
  return resolvConfOf(host, request);
}

export async function networkFiles(request: NetworkFilesRequest): Promise<NetworkFiles> {
  const host = request.mode === 'host';
  const [hosts, resolvConf] = await Promise.all([
    host ? readOrEmpty('/etc/hosts') : LOCAL_HOSTS,
    resolvConfFor(request),
  ]);
  const { hostname: name, domainname } = request;
  const names = domainname ? `${name}.${domainname} ${name}` : name;
  const own = request.addresses.filter(Boolean).map((address) => `${address}\t${names}\n`);
  const extra = request.extraHosts.map((entry) => extraHost(entry, request.gateway));
  return {
    hostname: `${host && !name ? hostname() : name}\n`,
    hosts: hosts + extra.join('') + own.join(''),
    resolvConf,
  };
}

/** The resolvers of this machine; where systemd-resolved answers on a loopback address, those behind it. */
async function upstreamResolvConf(): Promise<string> {
  const own = await readOrEmpty('/etc/resolv.conf');
  const servers = nameservers(own);
  if (servers.length === 1 && servers[0] === '127.0.0.53') {
    return (await readOrEmpty('/run/systemd/resolve/resolv.conf')) || own;
  }
  return own;
}

/** A loopback resolver is out of reach from another network namespace. */
export function resolvConfOf(host: string, { mode, dns, dnsSearch, dnsOptions, names }: ResolvConfRequest): string {
  const given = dns.length > 0 || dnsSearch.length > 0 || dnsOptions.length > 0;
  if (mode === 'host' && !given) return host;
  const lines = host.split('\n').filter((line) => line.trim() !== '' && !/^\s*[#;]/.test(line));
  const other = (keyword: string) => lines.filter((line) => line.trim().startsWith(keyword));
  const reachable = nameservers(host).filter((server) => mode === 'host' || !/^(127\.|::1$)/.test(server));
  const servers = names ? [NAME_SERVER] : dns.length > 0 ? dns : reachable.length > 0 ? reachable : FALLBACK_DNS;
  const search = dnsSearch.filter((domain) => domain !== '.');
  return (
    [
      ...servers.map((server) => `nameserver ${server}`),
      ...(dnsSearch.length > 0 ? (search.length > 0 ? [`search ${search.join(' ')}`] : []) : other('search')),
      ...optionLines(dnsOptions.length > 0 ? [`options ${dnsOptions.join(' ')}`] : other('options'), names),
    ].join('\n') + '\n'
  );
}

/** Names without a dot are asked as they are. */
function optionLines(lines: string[], names: boolean): string[] {
  if (!names || lines.some((line) => line.includes('ndots:'))) return lines;
  const [first = 'options', ...rest] = lines;
  return [`${first} ndots:0`, ...rest];
}

const nameservers = (text: string): string[] =>
  text.split('\n').flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);

/** `name:address`, `name=address`; the address may be `host-gateway`. */
function extraHost(entry: string, gateway: string): string {
  const [, name, given] = /^([^:=]+)[:=](.+)$/.exec(entry) ?? [];
  if (!name || !given) throw invalid(`bad format for add-host: "${entry}"`);
  const address = given === 'host-gateway' ? gateway : given.replace(/^\[(.*)\]$/, '$1');
  if (!address) throw invalid(`"${entry}": this container's network has no host-gateway`);
  return `${address}\t${name}\n`;
}

const known = new Map<string, { version: string; text: string }>();

/** Read again only when it has changed: a look at it is quicker than opening, reading and closing it for every start. */
async function readOrEmpty(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, ino, size } = await stat(path);
    const version = [mtimeMs, ctimeMs, ino, size].join(' ');
    const before = known.get(path);
    if (before?.version === version) return before.text;
    const text = await readFile(path, 'utf8');
    known.set(path, { version, text });
    return text;
  } catch {
    return '';
  }
}
