import { invalid, unauthorized, unavailable } from '../../base/errors.js';
import { request } from './request.js';

/** What a client sends in X-Registry-Auth. */
export interface RegistryAuth {
  username?: string;
  password?: string;
  /** A refresh token in the place of a password. */
  identitytoken?: string;
  /** A bearer token, used as it is. */
  registrytoken?: string;
}

/** Reads the header (JSON in base64url). Absent, empty and `{}` mean nobody. */
export function parseRegistryAuth(header: string | undefined): RegistryAuth | undefined {
  if (!header) return undefined;
  let parsed: unknown;
  try {
    const text = Buffer.from(header.replaceAll('-', '+').replaceAll('_', '/'), 'base64').toString('utf8');
    parsed = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw invalid('the X-Registry-Auth header is not JSON in base64', { cause: error });
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

/** `Bearer realm="…",service="…"`: what a 401 asks for. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const scheme = /^\s*(\w+)/.exec(header ?? '')?.[1]?.toLowerCase();
  if (!scheme) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, bare] of (header ?? '').matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)) {
    parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '';
  }
  return { scheme, parameters };
}

export const basic = ({ username = '', password = '' }: RegistryAuth): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Gets what a registry's challenge asks for; the value of an Authorization header. */
export async function answerChallenge(
  challenge: Challenge,
  { auth, scope, registry, insecure, signal }: ChallengeContext,
): Promise<string> {
  if (auth?.registrytoken) return `Bearer ${auth.registrytoken}`;
  if (challenge.scheme === 'basic') {
    if (!auth) throw unauthorized('no basic auth credentials');
    return basic(auth);
  }
  if (challenge.scheme !== 'bearer' || !challenge.parameters['realm']) {
    throw unavailable(`the registry ${registry.host} asks for a log-in of a kind we do not know (${challenge.scheme})`);
  }
  const realm = new URL(challenge.parameters['realm'], registry);
  // A registry that is encrypted must not talk us into sending a password in the open.
  if (realm.protocol !== 'https:' && (realm.protocol !== 'http:' || registry.protocol === 'https:')) {
    throw unavailable(
      `the registry ${registry.host} sends log-ins to ${realm.origin}, which is not encrypted: refused`,
    );
  }
  const service = challenge.parameters['service'] ?? '';
  const options = { signal, insecure };
  const response = auth?.identitytoken
    ? await request(realm, {
        ...options,
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: auth.identitytoken,
          service,
          scope,
          client_id: 'slipway',
        }).toString(),
      })
    : await request(withQuery(realm, { service, scope, ...(auth?.username && { account: auth.username }) }), {
        ...options,
        ...(auth && { headers: { Authorization: basic(auth) } }),
      });
  const bytes = await response.bytes();
  if (response.status === 401 || response.status === 403) {
    throw unauthorized(`unauthorized: ${auth ? 'incorrect username or password' : 'authentication required'}`);
  }
  if (response.status !== 200)
    throw unavailable(`the log-in service ${realm.host} answered with status ${response.status}`);
  const { token, access_token } = parseJson(bytes) as { token?: unknown; access_token?: unknown };
  const bearer = token ?? access_token;
  if (typeof bearer !== 'string') throw unavailable(`the log-in service ${realm.host} sent no token`);
  return `Bearer ${bearer}`;
}

export interface ChallengeContext {
  auth: RegistryAuth | undefined;
  scope: string;
  registry: URL;
  insecure: boolean;
  signal: AbortSignal | undefined;
}

function withQuery(url: URL, query: Record<string, string>): URL {
  const result = new URL(url);
  for (const [key, value] of Object.entries(query)) if (value) result.searchParams.set(key, value);
  return result;
}

function parseJson(bytes: Buffer): object {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
