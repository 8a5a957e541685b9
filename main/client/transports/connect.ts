/** Where an engine is: what `DOCKER_HOST` says, or this user's own engine. */
import { usualPlaces } from '../../base/places.js';
import type { Transport } from '../../contract/bridge.js';
import { ApiError } from '../errors.js';
import { tcpTransport, unixTransport } from './unix.js';

export const usualHost = (env: NodeJS.ProcessEnv = process.env): string =>
  `unix://${usualPlaces(env, process.getuid?.() ?? 0).socket}`;

/** A transport for an address as docker writes it. */
export function connect(host: string): Transport {
  const unix = /^unix:\/\/(\/.+)$/.exec(host);
  if (unix) return unixTransport(unix[1] as string);
  const tcp = /^(?:tcp|http):\/\/([^/:]+|\[[^\]]+\])(?::(\d+))?\/?$/.exec(host);
  if (tcp) return tcpTransport((tcp[1] as string).replace(/^\[|\]$/g, ''), Number(tcp[2] ?? 2375));
  throw new ApiError('invalid', `cannot reach ${host}: an engine's address is unix:///path or tcp://host:port`);
}
