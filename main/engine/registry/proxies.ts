import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';
import { codeOf, invalid, messageOf, unavailable, type EngineError } from '../../base/errors.js';

type Environment = Record<string, string | undefined>;

/** The proxies that the environment names, read as dockerd reads it: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, or in small letters. */
export class Proxies {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The proxy on the way to an address; undefined: none. This machine's own addresses are never asked of a proxy. */
  of(url: URL): URL | undefined {
    const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    const value = this.#value(name);
    if (!value || isLocal(hostIn(url)) || this.#spared(url)) return undefined;
    const proxy = parseProxy(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`);
    if (!proxy)
      throw invalid(`${name} names no proxy that can be used: it must be http://HOST:PORT or https://HOST:PORT`);
    return proxy;
  }

  /** A setting as anybody may see it: without name and password. */
  shown(name: 'HTTP_PROXY' | 'HTTPS_PROXY' | 'NO_PROXY'): string {
    return (this.#value(name) ?? '').replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?)[^/@]*@/i, '$1xxxxx:xxxxx@');
  }

  #value(name: string): string | undefined {
    return (this.#env[name] || this.#env[name.toLowerCase()])?.trim() || undefined;
  }

  #spared(url: URL): boolean {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    const entries = (this.#value('NO_PROXY') ?? '').split(',').map((each) => each.trim().toLowerCase());
    return entries.some((entry) => entry !== '' && covers(entry, hostIn(url), port));
  }
}

/** `example.com` (and what is below it), `.example.com` (only that), `10.0.0.0/8`, `10.1.2.3`, each with `:port` where only that is meant; `*`. */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const network = /^(.+)\/(\d{1,3})$/.exec(entry);
  if (network) return inNetwork(host, network[1] as string, Number(network[2]));
  const [, bracketed, plain = '', only] = /^(?:\[([^\]]+)\]|([^:]*|[^[]*:[^[]*:[^[]*?))(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const name = bracketed ?? plain;
  if (name === '') return false;
  if (isIP(name) || isIP(host)) return name === host;
  const below = name.replace(/^\*?\./, '.');
  return below.startsWith('.') ? host.endsWith(below) : host === below || host.endsWith(`.${below}`);
}

/** Whether an address lies in a network; a name does not. */
export function inNetwork(host: string, base: string, bits: number): boolean {
  const family = isIP(base);
  if (!family || isIP(host) !== family || bits > (family === 4 ? 32 : 128)) return false;
  const network = new BlockList();
  network.addSubnet(base, bits, `ipv${family as 4 | 6}`);
  return network.check(host, `ipv${family as 4 | 6}`);
}

/** `localhost`, or an address of this machine's own. */
export const isLocal = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

const hostIn = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').toLowerCase();

function parseProxy(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return /^https?:$/.test(url.protocol) && url.hostname ? url : undefined;
  } catch {
    return undefined;
  }
}

/** What a proxy wants to see of us: the name and password in its address. */
export const proxyHeaders = (proxy: URL): Record<string, string> =>
  proxy.username
    ? {
        'Proxy-Authorization': `Basic ${Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')}`,
      }
    : {};

const PATIENCE_MS = 15_000;

/** A way through a proxy to `host:port`, as CONNECT makes it. */
export function tunnel(proxy: URL, host: string, port: number): Promise<Socket> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    const outgoing = (proxy.protocol === 'https:' ? https : http).request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: { Host: target, ...proxyHeaders(proxy) },
      agent: false,
    });
    outgoing.setTimeout(PATIENCE_MS, () => outgoing.destroy(proxyFailure(proxy, 'it does not answer')));
    outgoing.once('connect', ({ statusCode = 0 }, socket, head) => {
      socket.setTimeout(0);
      if (statusCode === 200 && head.length === 0) return resolve(socket);
      socket.destroy();
      reject(proxyRefusal(proxy, statusCode, target));
    });
    outgoing.on('error', (error) => reject(proxyFailure(proxy, error)));
    outgoing.end();
  });
}

/** What a proxy that cannot be used says to a person; its name and password stay unsaid. */
function proxyFailure(proxy: URL, error: unknown): EngineError {
  const code = codeOf(error);
  const why =
    code === 'ECONNREFUSED'
      ? 'it refuses the connection'
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'there is no such host'
        : error instanceof Error
          ? messageOf(error)
          : String(error);
  return unavailable(`the proxy ${proxy.host} cannot be used: ${why}. Check HTTP_PROXY, HTTPS_PROXY and NO_PROXY`, {
    cause: error,
  });
}

function proxyRefusal(proxy: URL, status: number, target: string): EngineError {
  if (status === 407)
    return unavailable(
      `the proxy ${proxy.host} asks for a login: give it in HTTPS_PROXY and HTTP_PROXY (http://USER:PASSWORD@HOST:PORT)`,
    );
  return unavailable(
    `the proxy ${proxy.host} lets nobody through to ${target} (status ${status}): allow it there, or name the host in NO_PROXY`,
  );
}
