import type { ApiResponse, Transport } from '../contract/bridge.js';
import type { ContainerShells, DebugCreate, FileListing, FileStat } from '../contract/files.js';
import { getJson, open, postJson, segment, send, withQuery, type Cancel } from './request.js';
import { readText } from './streams.js';

/** A container's files one at a time, and the shells that can be had in it. */
export const containerFilesClient = (transport: Transport) => {
  const at = (id: string, what: string, values: Parameters<typeof withQuery>[1] = {}) =>
    withQuery(`/slipway/containers/${segment(id)}/${what}`, values);

  return {
    /** Whether it runs or not; one directory a request. */
    files: {
      list: (id: string, options: { path: string; limit?: number; after?: string }, cancel?: Cancel) =>
        getJson<FileListing>(transport, at(id, 'files', options), cancel),

      /** A file's bytes, from `offset` on, at most `length` of them. */
      async read(
        id: string,
        options: { path: string; offset?: number; length?: number },
        cancel?: Cancel,
      ): Promise<{ stat: FileStat; bytes: ApiResponse['body'] }> {
        const { headers, body } = await open(transport, { method: 'GET', path: at(id, 'file', options) }, cancel);
        const text = Uint8Array.from(atob(headers['x-slipway-file'] ?? ''), (letter) => letter.charCodeAt(0));
        return { stat: JSON.parse(new TextDecoder().decode(text)) as FileStat, bytes: body };
      },

      /** The whole of it at once. With `version`, only where the file is still that one; else `conflict`. */
      async write(id: string, path: string, content: Uint8Array, version?: string): Promise<FileStat> {
        const { body } = await open(transport, {
          method: 'PUT',
          path: at(id, 'file', { path }),
          headers: { 'Content-Type': 'application/octet-stream', ...(version && { 'If-Match': `"${version}"` }) },
          body: content,
        });
        return JSON.parse(await readText(body)) as FileStat;
      },

      remove: (id: string, path: string) => send(transport, 'DELETE', at(id, 'file', { path })),
      makeDirectory: (id: string, path: string) => send(transport, 'POST', at(id, 'directory', { path })),
      rename: (id: string, From: string, To: string) => send(transport, 'POST', at(id, 'rename'), { From, To }),
    },

    /** The shells that an image has. */
    shells: (id: string) => getJson<ContainerShells>(transport, at(id, 'shells')),

    /** An exec of this machine's busybox, to be started as any exec. */
    debug: async (id: string, wish: DebugCreate = {}): Promise<string> =>
      (await postJson<{ Id: string }>(transport, at(id, 'debug'), wish)).Id,
  };
};
