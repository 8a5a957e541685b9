import type { ApiRequest, ApiResponse, ByteStream, Transport } from '../contract/bridge.js';
import type {
  BackupSchedule,
  VolumeBackup,
  VolumeCloned,
  VolumeCompression,
  VolumeImported,
  VolumeProgress,
  VolumeRestored,
} from '../contract/volume-data.js';
import { ApiError } from './errors.js';
import { getJson, jsonRequest, open, segment, send, withQuery, type Cancel } from './request.js';
import { readJsonLines, readText } from './streams.js';

/** Hears how far it is. */
export interface Follow extends Cancel {
  onProgress?(progress: VolumeProgress): void;
}

type Line<Done> = VolumeProgress | { Done: Done } | { error: string };

/** Copies of volumes: archives, clones, backups and when they are made. */
export const backupsClient = (transport: Transport) => {
  const of = (name: string, verb: string) => `/slipway/volumes/${segment(name)}/${verb}`;
  const at = (id: string) => `/slipway/backups/${segment(id)}`;

  /** What its last line says. */
  async function done<Done>(request: ApiRequest, { onProgress, ...cancel }: Follow): Promise<Done> {
    const { body } = await open(transport, request, cancel);
    for await (const line of readJsonLines<Line<Done>>(body)) {
      if ('Done' in line) return line.Done;
      if ('error' in line) throw new ApiError('system', line.error);
      onProgress?.(line);
    }
    throw new ApiError('unavailable', 'the engine ended the answer before it was done');
  }

  return {
    /** A volume as a tar. */
    async exportTar(
      name: string,
      options: { compress?: VolumeCompression; pause?: boolean } = {},
      cancel: Cancel = {},
    ): Promise<ApiResponse['body']> {
      const path = withQuery(of(name, 'export'), options);
      return (await open(transport, { method: 'GET', path }, cancel)).body;
    },

    /** The reverse: into a new volume, or with `replace` in place of what is there. */
    importTar: (name: string, tar: ByteStream, { replace, ...follow }: Follow & { replace?: boolean } = {}) =>
      done<VolumeImported>(
        {
          method: 'POST',
          path: withQuery(of(name, 'import'), { replace }),
          headers: { 'Content-Type': 'application/x-tar' },
          body: tar,
        },
        follow,
      ),

    clone: (name: string, body: { Name: string; Pause?: boolean }, follow: Follow = {}) =>
      done<VolumeCloned>(jsonRequest('POST', of(name, 'clone'), body), follow),

    /** Of one volume, newest first; of all without a name. */
    list: (name?: string) =>
      getJson<VolumeBackup[]>(transport, name === undefined ? '/slipway/backups' : of(name, 'backups')),
    create: (name: string, body: { Pause?: boolean; Note?: string }, follow: Follow = {}) =>
      done<VolumeBackup>(jsonRequest('POST', of(name, 'backups'), body), follow),
    /** The archive that it is. */
    download: async (id: string, cancel: Cancel = {}): Promise<ApiResponse> =>
      open(transport, { method: 'GET', path: at(id) }, cancel),
    /** Into the volume that it was made of, or a new one of that name. */
    restore: (id: string, body: { Name?: string } = {}, follow: Follow = {}) =>
      done<VolumeRestored>(jsonRequest('POST', `${at(id)}/restore`, body), follow),
    remove: (id: string) => send(transport, 'DELETE', at(id)),

    async setSchedule(name: string, schedule: BackupSchedule): Promise<BackupSchedule> {
      const { body } = await open(transport, jsonRequest('PUT', of(name, 'schedule'), schedule));
      return JSON.parse(await readText(body)) as BackupSchedule;
    },
    removeSchedule: (name: string) => send(transport, 'DELETE', of(name, 'schedule')),
  };
};
