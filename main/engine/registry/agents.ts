import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { invalid, messageOf } from '../../base/errors.js';
import { proxyHeaders, tunnel, type Proxies } from './proxies.js';
import type { Route, Trust } from './request.js';

/** Idle connections are kept for the next layer; they hold no process open. */
const KEPT = { keepAlive: true, maxFreeSockets: 8, timeout: 60_000 };

const MANY = 64;

/** Where distributions keep the certificates that this machine trusts; the first that is there counts. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Connections by the way they are made: whom they trust, who they show themselves as, through which proxy. */
export class Agents {
  readonly #agents = new Map<string, http.Agent>();
  readonly #proxies: Proxies;
  readonly #bundles: string[];
  #roots: Promise<readonly string[]> | undefined;

  constructor(proxies: Proxies, env: Record<string, string | undefined>) {
    this.#proxies = proxies;
    this.#bundles = env['SSL_CERT_FILE'] ? [env['SSL_CERT_FILE']] : BUNDLES;
  }

  async route(url: URL, trust: Trust): Promise<Route> {
    const proxy = this.#proxies.of(url);
    if (url.protocol === 'http:') {
      const agent = this.#kept(`plain ${proxy?.protocol ?? ''}`, () =>
        proxy?.protocol === 'https:' ? new https.Agent(KEPT) : new http.Agent(KEPT),
      );
      return proxy
        ? { agent, through: { url: proxy, headers: { Host: url.host, ...proxyHeaders(proxy) } } }
        : { agent };
    }
    const roots = await (this.#roots ??= this.#readRoots());
    const key = ['tls', proxy?.href ?? '', trust.insecure, ...trust.ca, trust.client?.certificate, trust.client?.key];
    const agent = this.#kept(createHash('sha256').update(JSON.stringify(key)).digest('hex'), () => {
      const options = {
        ...KEPT,
        rejectUnauthorized: !trust.insecure,
        secureContext: contextOf(roots, trust, url.host),
      };
      return proxy ? new TunnelAgent(proxy, options) : new https.Agent(options);
    });
    return { agent };
  }

  #kept(key: string, make: () => http.Agent): http.Agent {
    const agent = this.#agents.get(key) ?? make();
    this.#agents.delete(key);
    this.#agents.set(key, agent);
    const [oldest] = this.#agents.keys();
    if (this.#agents.size > MANY && oldest !== undefined) this.#agents.delete(oldest);
    return agent;
  }

  /** What this machine trusts; Node's own list where it keeps none. */
  async #readRoots(): Promise<readonly string[]> {
    for (const path of this.#bundles) {
      const text = await readFile(path, 'utf8').catch(() => '');
      if (text.includes('-----BEGIN CERTIFICATE-----')) return [text];
    }
    return tls.rootCertificates;
  }
}

function contextOf(roots: readonly string[], { ca, client, insecure }: Trust, host: string): tls.SecureContext {
  try {
    return tls.createSecureContext({
      // Reading them takes its time, and here nobody asks.
      ca: insecure ? [] : [...roots, ...ca],
      ...(client && { cert: client.certificate, key: client.key }),
    });
  } catch (error) {
    throw invalid(`the certificates for the registry ${host} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

interface TunnelOptions extends https.AgentOptions {
  secureContext: tls.SecureContext;
}

type Made = Parameters<https.Agent['createConnection']>[1];

/** TLS inside of what a proxy's CONNECT opened. */
class TunnelAgent extends https.Agent {
  constructor(
    private readonly proxy: URL,
    options: TunnelOptions,
  ) {
    super(options);
  }

  override createConnection(options: http.ClientRequestArgs, made: Made): undefined {
    const { host, port } = options;
    const fail = (error: Error) => (made as (error: Error) => void)(error);
    tunnel(this.proxy, host ?? '', Number(port ?? 443)).then((socket) => {
      const secure = tls.connect({ ...(options as tls.ConnectionOptions), socket });
      secure.once('error', fail);
      secure.once('secureConnect', () => {
        secure.off('error', fail);
        made?.(null, secure);
      });
    }, fail);
    return undefined;
  }
}
