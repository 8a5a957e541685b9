import '../../base/scopes.js';
import { createHash } from 'node:crypto';
import { unauthorized, unavailable } from '../../base/errors.js';
import { failureOf } from './failures.js';
import type { RegistryRequest, RegistryResponse } from './request.js';
import { joined, type Scope } from './scopes.js';

/** What a client sends in X-Registry-Auth. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  /** A refresh token in the place of a password. */
  identitytoken?: string;
  /** A bearer token, used as it is. */
  registrytoken?: string;
}

/** Reads the header (JSON in base64url). Absent, empty and `{}` mean nobody, and so does what cannot be read, as clients send `undefined` and more. */
export function parseRegistryAuth(header: string | undefined): RegistryAuth | undefined {
  if (!header) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
  const text = (key: string) => {
    const value = (parsed as Record<string, unknown> | null)?.[key];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [user, ...secret] = Buffer.from(text('auth') ?? '', 'base64')
    .toString('utf8')
    .split(':');
  const username = text('username') ?? (user || undefined);
  const password = text('password') ?? (secret.length > 0 ? secret.join(':') : undefined);
  const identitytoken = text('identitytoken');
  const registrytoken = text('registrytoken');
  if (!username && !identitytoken && !registrytoken) return undefined;
  return {
    ...(username && { username }),
    ...(password && { password }),
    ...(identitytoken && { identitytoken }),
    ...(registrytoken && { registrytoken }),
  };
}

export interface Challenge {
  scheme: string;
  parameters: Record<string, string>;
}

/** `Bearer realm="…",service="…"`: what a 401 asks for. Of several ways the one by token. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const challenges: Challenge[] = [];
  const parts = /(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))|([\w-]+)(?=[\s,]|$)/g;
  for (const [, name = '', quoted, bare, scheme] of (header ?? '').matchAll(parts)) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    else {
      const parameters = challenges.at(-1)?.parameters;
      if (parameters) parameters[name.toLowerCase()] ??= quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
    }
  }
  const by = (wanted: string) => challenges.find(({ scheme }) => scheme === wanted);
  return by('bearer') ?? by('basic') ?? challenges[0];
}

export const basic = ({ username = '', password = '' }: RegistryAuth): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Stands for credentials where they are told apart, without saying them. */
export const fingerprint = (auth: RegistryAuth): string =>
  createHash('sha256')
    .update(JSON.stringify([auth.username, auth.password, auth.identitytoken, auth.registrytoken]))
    .digest('hex');

export interface AuthorizerOptions {
  registry: URL;
  /** Asked for only once the registry wants to know who we are. */
  credentials: () => Promise<RegistryAuth | undefined>;
  send: (url: URL, options: RegistryRequest) => Promise<RegistryResponse>;
  /** Plain HTTP was allowed for this host. */
  mayBePlain: (url: URL) => boolean;
}

interface Token {
  header: string;
  /** Milliseconds of the clock. */
  until: number;
}

/** A registry that says nothing of how long a token lasts means this long. */
const USUAL_SECONDS = 60;
const CREDENTIALS_MS = 60_000;
/** Tokens of one person at one registry. */
const MANY = 256;

/** What one registry wants to see of one person; tokens are kept for what they were given for, until they run out. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;
  #known: { auth: Promise<RegistryAuth | undefined>; until: number } | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** The Authorization for what is wanted, as far as it is known before the registry asks. */
  async header(scopes: Scope[], signal?: AbortSignal): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (!challenge) return undefined;
    if (challenge.scheme === 'basic') {
      const auth = await this.#credentials();
      return auth?.username ? basic(auth) : undefined;
    }
    return this.#token(challenge, joined(...scopes), signal);
  }

  /** What an answer of 401 asks for; `refused` is what it refused, if anything. Undefined: it is of no use to ask again. */
  async answer(
    header: string | undefined,
    scopes: Scope[],
    { refused, signal }: { refused?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<string | undefined> {
    const challenge = parseChallenge(header);
    if (!challenge) return undefined;
    const { registry } = this.#options;
    if (refused) this.#known = undefined;
    if (challenge.scheme === 'basic') {
      if (refused) return undefined;
      const auth = await this.#credentials();
      if (!auth?.username) throw unauthorized('no basic auth credentials');
      this.#challenge = challenge;
      return basic(auth);
    }
    if (challenge.scheme !== 'bearer' || !challenge.parameters['realm']) {
      throw unavailable(
        `the registry ${registry.host} asks for a log-in of a kind we do not know (${challenge.scheme})`,
      );
    }
    this.#challenge = challenge;
    const wanted = joined(...scopes, ...(challenge.parameters['scope'] ?? '').split(' '));
    // A token that was refused has run out early, or was for less.
    if (refused)
      for (const [key, token] of this.#tokens) if ((await settled(token)) === refused) this.#tokens.delete(key);
    return this.#token(challenge, wanted, signal);
  }

  /** Finding them may start a program: not for every request. */
  #credentials(): Promise<RegistryAuth | undefined> {
    if (this.#known && this.#known.until > Date.now()) return this.#known.auth;
    const auth = this.#options.credentials();
    this.#known = { auth, until: Date.now() + CREDENTIALS_MS };
    // That there are none is no lasting truth.
    auth.then((found) => found ?? (this.#known = undefined)).catch(() => (this.#known = undefined));
    return auth;
  }

  async #token(challenge: Challenge, scopes: Scope[], signal: AbortSignal | undefined): Promise<string> {
    const { realm = '', service = '' } = challenge.parameters;
    const key = JSON.stringify([realm, service, scopes]);
    const known = this.#tokens.get(key);
    if (known) {
      const token = await abandonable(
        known.catch(() => undefined),
        signal,
      );
      if (token && token.until > Date.now()) return token.header;
      if (this.#tokens.get(key) === known) this.#tokens.delete(key);
    }
    let fetched = this.#tokens.get(key);
    if (!fetched) {
      fetched = this.#fetch(realm, service, scopes);
      this.#tokens.set(key, fetched);
      const [oldest] = this.#tokens.keys();
      if (this.#tokens.size > MANY && oldest !== undefined) this.#tokens.delete(oldest);
      fetched.catch(() => this.#tokens.delete(key));
    }
    // Others may wait for the same one: who goes away does not take it along.
    return (await abandonable(fetched, signal)).header;
  }

  async #fetch(realm: string, service: string, scopes: Scope[]): Promise<Token> {
    const auth = await this.#credentials();
    if (auth?.registrytoken) return { header: `Bearer ${auth.registrytoken}`, until: Infinity };
    const { token, seconds } = await fetchToken(realm, { ...this.#options, auth, service, scopes });
    // A little early, so that none runs out on the way.
    return { header: `Bearer ${token}`, until: Date.now() + seconds * 900 };
  }
}

export interface TokenAnswer {
  token: string;
  seconds: number;
  /** A lasting token in the place of the password, where one was asked for and given. */
  refreshToken?: string;
}

/** Asks a registry's token service. Credentials go nowhere that is not encrypted, but to the machine that the plain registry itself is on. */
export async function fetchToken(
  realmText: string,
  { registry, auth, service, scopes, send, mayBePlain, lasting = false }: TokenRequest,
): Promise<TokenAnswer> {
  const realm = realmOf(realmText, registry);
  const plain = realm.protocol === 'http:';
  if (plain && (registry.protocol === 'https:' || (realm.hostname !== registry.hostname && !mayBePlain(realm)))) {
    throw unavailable(
      `the registry ${registry.host} sends log-ins to ${realm.origin}, which is not encrypted: refused`,
    );
  }
  const response = auth?.identitytoken
    ? await send(realm, {
        method: 'POST',
        secret: true,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: auth.identitytoken,
          service,
          scope: scopes.join(' '),
          client_id: 'slipway',
        }).toString(),
      })
    : await send(
        withQuery(realm, [
          ['service', service],
          ...scopes.map((scope): [string, string] => ['scope', scope]),
          ['account', auth?.username ?? ''],
          ...(lasting
            ? ([
                ['offline_token', 'true'],
                ['client_id', 'slipway'],
              ] as [string, string][])
            : []),
        ]),
        auth?.username ? { headers: { Authorization: basic(auth) } } : {},
      );
  if (response.status === 429 || response.status >= 500)
    throw await failureOf(response, { repository: registry.host, what: registry.host, action: 'pull' });
  const bytes = await response.bytes();
  if (response.status === 401 || response.status === 403 || (auth?.identitytoken && response.status === 400)) {
    throw unauthorized(
      `unauthorized: ${auth?.identitytoken ? 'the login has run out: log in again' : auth ? 'incorrect username or password' : 'authentication required'}`,
    );
  }
  if (response.status !== 200)
    throw unavailable(`the log-in service ${realm.host} answered with status ${response.status}`);
  const { token, access_token, expires_in, refresh_token } = parseJson(bytes);
  const bearer = [token, access_token].find((each) => typeof each === 'string' && /^[\w.~+/=:-]+$/.test(each));
  if (typeof bearer !== 'string') throw unavailable(`the log-in service ${realm.host} sent no token`);
  const seconds = typeof expires_in === 'number' && expires_in > 0 ? expires_in : USUAL_SECONDS;
  return {
    token: bearer,
    seconds: Math.max(seconds, USUAL_SECONDS),
    ...(typeof refresh_token === 'string' && refresh_token !== '' && { refreshToken: refresh_token }),
  };
}

export interface TokenRequest extends Pick<AuthorizerOptions, 'registry' | 'send' | 'mayBePlain'> {
  auth: RegistryAuth | undefined;
  service: string;
  scopes: Scope[];
  /** A lasting token is wanted, too. */
  lasting?: boolean;
}

function realmOf(text: string, registry: URL): URL {
  try {
    const realm = new URL(text, registry);
    if (/^https?:$/.test(realm.protocol)) return realm;
  } catch {
    // said below
  }
  throw unavailable(`the registry ${registry.host} names no log-in service that can be asked`);
}

function withQuery(url: URL, query: [string, string][]): URL {
  const result = new URL(url);
  for (const [key, value] of query) if (value) result.searchParams.append(key, value);
  return result;
}

function parseJson(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const settled = (token: Promise<Token>): Promise<string | undefined> =>
  token.then(
    ({ header }) => header,
    () => undefined,
  );

function abandonable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason as Error);
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
