/** Volumes, as the Docker Engine API 1.47 speaks of them. */

export interface Volume {
  /** RFC 3339. */
  CreatedAt: string;
  Driver: string;
  Labels: Record<string, string> | null;
  /** Where its files are on this machine. */
  Mountpoint: string;
  Name: string;
  Options: Record<string, string> | null;
  Scope: 'local';
  /** In `GET /system/df` only. Bytes; containers that use it. */
  UsageData?: { Size: number; RefCount: number };
}

export interface VolumeList {
  /** Null, where another engine has none. */
  Volumes: Volume[] | null;
  Warnings: string[] | null;
}

/** The body of `POST /volumes/create`. Without a name one is invented. */
export interface VolumeCreate {
  Name?: string;
  Driver?: string;
  DriverOpts?: Record<string, string> | null;
  Labels?: Record<string, string> | null;
}

export interface VolumesPruned {
  VolumesDeleted: string[] | null;
  SpaceReclaimed: number;
}
