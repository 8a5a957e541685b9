import type { Client } from '../../../main/client/index.js';
import type { FilesOf } from '../../../main/contract/bridge.js';

/** What files are looked through: a container, or a volume. */
export interface Place {
  of: FilesOf;
  /** What people call it. */
  name: string;
  /** The container, by its id, whose users own the files; without one there are only numbers. */
  users?: string | undefined;
}

/** One text for one place. */
export const keyOfPlace = ({ of }: Place): string => ('volume' in of ? `volume ${of.volume}` : of.container);

/** The files of one place: what the client asks of all places, with this one filled in. */
export function filesIn(client: Client, { of }: Place) {
  const [files, id] = 'volume' in of ? [client.volumes.files, of.volume] : [client.slipway.files, of.container];
  return {
    list: (options: Parameters<typeof files.list>[1]) => files.list(id, options),
    read: (options: Parameters<typeof files.read>[1]) => files.read(id, options),
    write: (path: string, content: Uint8Array, version?: string) => files.write(id, path, content, version),
    remove: (path: string) => files.remove(id, path),
    makeDirectory: (path: string) => files.makeDirectory(id, path),
    rename: (from: string, to: string) => files.rename(id, from, to),
  };
}
