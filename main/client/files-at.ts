import type { ApiResponse, ByteStream, Transport } from '../contract/bridge.js';
import type { FileListing, FileStat } from '../contract/files.js';
import { getJson, open, segment, send, withQuery, type Cancel } from './request.js';
import { readText } from './streams.js';

/** Files one at a time, below `/slipway/containers` or `/slipway/volumes`; one directory a request. */
export function filesAt(transport: Transport, root: string) {
  const at = (id: string, what: string, values: Parameters<typeof withQuery>[1] = {}) =>
    withQuery(`${root}/${segment(id)}/${what}`, values);

  return {
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
  };
}

/** What a path names. */
export interface PathStat {
  name: string;
  size: number;
  /** Go's os.FileMode. */
  mode: number;
  mtime: string;
  linkTarget: string;
}

function statOf(headers: ApiResponse['headers']): PathStat {
  const bytes = Uint8Array.from(atob(headers['x-docker-container-path-stat'] ?? ''), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as PathStat;
}

/** Files as tars, as docker has them below `/containers` and we below `/slipway/volumes`. */
export function archiveAt(transport: Transport, root: string) {
  const at = (id: string, values: Parameters<typeof withQuery>[1]) =>
    withQuery(`${root}/${segment(id)}/archive`, values);

  return {
    /** What a path names; a link at its end is not followed. */
    async statPath(id: string, path: string): Promise<PathStat> {
      const { headers } = await open(transport, { method: 'HEAD', path: at(id, { path }) });
      return statOf(headers);
    },

    /** The same, and it as a tar with all that is below it. */
    async copyFrom(
      id: string,
      path: string,
      cancel: Cancel = {},
    ): Promise<{ stat: PathStat; tar: ApiResponse['body'] }> {
      const { headers, body } = await open(transport, { method: 'GET', path: at(id, { path }) }, cancel);
      return { stat: statOf(headers), tar: body };
    },

    /** Extracts a tar into a directory. */
    async copyTo(
      id: string,
      path: string,
      tar: ByteStream | Uint8Array,
      options: { copyUIDGID?: boolean; noOverwriteDirNonDir?: boolean } = {},
      cancel: Cancel = {},
    ): Promise<void> {
      const request = {
        method: 'PUT',
        path: at(id, { path, ...options }),
        headers: { 'Content-Type': 'application/x-tar' },
        body: tar,
      } as const;
      const { body } = await open(transport, request, cancel);
      await readText(body);
    },
  };
}
