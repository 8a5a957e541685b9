/** What can be done with a volume beyond Docker's API: `/slipway/volumes` and `/slipway/backups`. Moments are RFC 3339, sizes bytes. */

/** `folder`: a directory of this machine; `tmpfs`: memory while a container has it; `nfs`: another machine's. */
export type VolumeKind = 'local' | 'folder' | 'tmpfs' | 'nfs';

/** An element of `GET /slipway/volumes`, and the answer of `GET /slipway/volumes/{name}`. */
export interface VolumeOverview {
  Name: string;
  Kind: VolumeKind;
  Created: string;
  /** The container that it was made with; null: it was made by itself. `Name` is the one that it had then. */
  CreatedBy: { Id: string; Name: string } | null;
  /** Nobody chose its name. */
  Anonymous: boolean;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
  /** Where its files are on this machine. */
  Mountpoint: string;
  /** Null: not counted yet. `At`: when it was counted. */
  Size: number | null;
  At: string | null;
  /** When anything in it was written, made, moved or removed last, as it was when it was counted; null: not known. */
  LastWrite: string | null;
  /** Whose the directory is on this machine's disk; `Inside`: as a container without user ids of its own sees it. Null: the engine may not look. */
  Owner: { Uid: number; Gid: number; Mode: number; Inside: { Uid: number; Gid: number } } | null;
  Users: VolumeUser[];
  Backups: number;
  Schedule: BackupSchedule | null;
}

/** A container that has it. */
export interface VolumeUser {
  Id: string;
  Name: string;
  Running: boolean;
  /** It is in the bin. */
  Binned: boolean;
  Destination: string;
  ReadOnly: boolean;
  /** The container that it has it from, by `--volumes-from`; null: by itself. */
  From: { Id: string; Name: string } | null;
}

/** The answer of `GET /slipway/volumes`. */
export interface VolumeOverviews {
  Volumes: VolumeOverview[];
  /** Something is being counted behind the answer: ask again. */
  Counting: boolean;
}

/** A volume in the bin: an element of `Volumes` in `GET /slipway/bin`. */
export interface BinnedVolume {
  /** Its own in the bin, not the name: another may have that by now. */
  Id: string;
  Name: string;
  Created: string;
  Removed: string;
  /** When it goes for good. */
  Until: string;
  Size: number | null;
}

/** The answer of `POST /slipway/volumes/{name}/discard`. */
export interface VolumeDiscarded {
  Id: string;
  Name: string;
  Until: string;
}

/** A line of the answers that take their time (clone, import, backup, restore); the last has `Done` or `error`. */
export interface VolumeProgress {
  Stage: 'waiting' | 'pausing' | 'counting' | 'copying' | 'compressing' | 'unpacking' | 'checking' | 'swapping';
  /** Bytes so far, and of how many, where that is known. */
  Bytes?: number;
  Total?: number;
}

/** `GET /slipway/volumes/{name}/export?compress=`. */
export type VolumeCompression = 'gzip' | 'zstd' | 'none';

/** `POST /slipway/volumes/{name}/clone` with `{Name, Pause}`. */
export interface VolumeCloned {
  Name: string;
  /** `reflink`: the disk holds what both have once. */
  How: 'reflink' | 'copy';
  Files: number;
  Size: number;
}

/** `POST /slipway/volumes/{name}/import?replace=1`, a tar (compressed or not) as the body. */
export interface VolumeImported {
  Name: string;
  Files: number;
  Size: number;
}

/** A copy of a volume's files at a moment. It outlives the volume. */
export interface VolumeBackup {
  Id: string;
  /** The volume that it was made of. */
  Volume: string;
  Created: string;
  /** Of the files, and of the archive that they are in. */
  Size: number;
  Compressed: number;
  Files: number;
  /** `sha256:…` of the archive's tar. */
  Digest: string;
  /** `restore`: made of what a restore was about to replace. */
  By: 'hand' | 'schedule' | 'restore';
  /** The containers that wrote to it were paused while it was copied, or none ran. */
  Consistent: boolean;
  Note: string;
}

/** `POST /slipway/backups/{id}/restore` with `{Name?}`: into the volume that it was made of, or a new one. */
export interface VolumeRestored {
  Name: string;
  Files: number;
  Size: number;
  /** Of what was there before; null where there was nothing. */
  Before: string | null;
}

/** `PUT /slipway/volumes/{name}/schedule`. */
export interface BackupSchedule {
  /** Hours from one to the next: 1 to 8760. */
  Every: number;
  /** How many of them are kept: 1 to 1000. Those made by hand are not counted. */
  Keep: number;
  Pause: boolean;
  /** Answers only: when the next is due; and why the last failed. */
  Next?: string;
  Problem?: string | null;
}
