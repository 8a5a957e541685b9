import type { Transport } from '../contract/bridge.js';
import type { AuthAnswer } from '../contract/registries.js';
import type { DockerDiskUsage, SystemInfo, SystemVersion } from '../contract/system.js';
import { getJson, open, postJson } from './request.js';
import type { RegistryAuth } from './images.js';
import { readText } from './streams.js';

export const systemClient = (transport: Transport) => ({
  /** The newest API version that the engine speaks. Fails with `unavailable` when nobody answers. */
  async ping(): Promise<string> {
    const { headers, body } = await open(transport, { method: 'GET', path: '/_ping' });
    await readText(body);
    return headers['api-version'] ?? '1.24';
  },
  version: () => getJson<SystemVersion>(transport, '/version'),
  info: () => getJson<SystemInfo>(transport, '/info'),
  async diskUsage(): Promise<DockerDiskUsage> {
    // Docker has null in the place of what there is nothing of.
    type Told = { [Key in keyof DockerDiskUsage]?: DockerDiskUsage[Key] | null };
    const { LayersSize, Images, Containers, Volumes, BuildCache } = await getJson<Told>(transport, '/system/df');
    return {
      ...{ LayersSize: LayersSize ?? 0, Images: Images ?? [], Containers: Containers ?? [] },
      ...{ Volumes: Volumes ?? [], BuildCache: BuildCache ?? [] },
    };
  },
  /** Whether a registry accepts credentials; nothing is kept. */
  auth: (credentials: RegistryAuth) => postJson<AuthAnswer>(transport, '/auth', credentials),
});
