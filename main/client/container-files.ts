import type { Transport } from '../contract/bridge.js';
import type { ContainerShells, DebugCreate } from '../contract/files.js';
import { filesAt } from './files-at.js';
import { getJson, postJson, segment, withQuery } from './request.js';

/** A container's files one at a time, and the shells that can be had in it. */
export const containerFilesClient = (transport: Transport) => {
  const at = (id: string, what: string, values: Parameters<typeof withQuery>[1] = {}) =>
    withQuery(`/slipway/containers/${segment(id)}/${what}`, values);

  return {
    /** Whether it runs or not; one directory a request. */
    files: filesAt(transport, '/slipway/containers'),

    /** The shells that an image has. */
    shells: (id: string) => getJson<ContainerShells>(transport, at(id, 'shells')),

    /** An exec of this machine's busybox, to be started as any exec. */
    debug: async (id: string, wish: DebugCreate = {}): Promise<string> =>
      (await postJson<{ Id: string }>(transport, at(id, 'debug'), wish)).Id,
  };
};
