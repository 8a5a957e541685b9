import type { Transport } from '../contract/bridge.js';
import type {
  NewerAnswer,
  Referrer,
  Registry,
  RegistryChange,
  RegistryLogin,
  RegistryNames,
} from '../contract/registries.js';
import type { ServeAnswer, ServeRequest } from '../contract/serve.js';
import { getJson, jsonRequest, open, postJson, segment, segments, send, withQuery, type Cancel } from './request.js';
import { readText } from './streams.js';

const at = (host: string, more = '') => `/slipway/registries/${segment(host)}${more}`;

/** Registries, what is known of them, and what they say of an image; and our own one. */
export const registriesClient = (transport: Transport) => ({
  registries: {
    list: async () => (await getJson<{ registries: Registry[] }>(transport, '/slipway/registries')).registries,
    change: (host: string, change: RegistryChange) => send(transport, 'PUT', at(host), change),
    /** Forgets what was said of it, its log-in too. */
    remove: (host: string) => send(transport, 'DELETE', at(host)),
    /** Checked with the registry, then kept by the engine. */
    login: (host: string, credentials: { username: string; password: string }, cancel?: Cancel) =>
      postJson<RegistryLogin>(transport, at(host, '/login'), credentials, cancel),
    logout: (host: string) => send(transport, 'DELETE', at(host, '/login')),
    repositories: (host: string, page: { last?: string; n?: number } = {}, cancel?: Cancel) =>
      getJson<RegistryNames>(transport, withQuery(at(host, '/repositories'), page), cancel),
    tags: (host: string, repository: string, page: { last?: string; n?: number } = {}, cancel?: Cancel) =>
      getJson<RegistryNames>(transport, withQuery(at(host, '/tags'), { repository, ...page }), cancel),
  },
  /** Asks the image's registry whether its name means something else by now. Nothing is pulled. */
  newer: (name: string, cancel?: Cancel) =>
    getJson<NewerAnswer>(transport, `/slipway/images/${segments(name)}/newer`, cancel),
  /** Signatures and attestations that the registry has for an image. Nothing is verified. */
  referrers: async (name: string, cancel?: Cancel) =>
    (await getJson<{ referrers: Referrer[] }>(transport, `/slipway/images/${segments(name)}/referrers`, cancel))
      .referrers,
  /** The engine's images as a registry. */
  serve: {
    state: () => getJson<ServeAnswer>(transport, '/slipway/serve'),
    async start(request: ServeRequest): Promise<ServeAnswer> {
      const { body } = await open(transport, jsonRequest('PUT', '/slipway/serve', request));
      return JSON.parse(await readText(body)) as ServeAnswer;
    },
    stop: () => send(transport, 'DELETE', '/slipway/serve'),
  },
});
