/** Where the bytes of an engine's data are: `GET /slipway/disk`. Sizes are bytes of file content, moments RFC 3339. */

/** Something whose files are counted now and then. */
export interface Counted {
  /** Null: not counted yet. */
  Size: number | null;
  /** When it was counted. */
  At: string | null;
}

/** A layer, unpacked once for all its images. */
export interface DiskLayer {
  ChainId: string;
  Size: number;
  /** Its blob, as it came: 0 where there is none. */
  Compressed: number;
  /** The images that have it, by id. */
  Images: string[];
}

export interface DiskUser {
  Id: string;
  Name: string;
  Running: boolean;
  /** It is in the bin. */
  Binned: boolean;
}

export interface DiskImage {
  Id: string;
  /** Tags; none: it is dangling. */
  Names: string[];
  /** Unix seconds. */
  Created: number;
  /** Its layers, unpacked; of that what other images have too, and what it alone has. */
  Size: number;
  Shared: number;
  Unique: number;
  /** Its layers as they came, compressed; only those that no other image has. */
  Compressed: number;
  /** Chain IDs, bottom first. */
  Layers: string[];
  /** Who keeps it from being removed. */
  Containers: DiskUser[];
  /** The images that were made from it here, by id: it cannot go before they do. */
  Children: string[];
}

export interface DiskContainer extends DiskUser {
  Image: string;
  /** Its own files, on top of its image. */
  Files: Counted;
  /** Its log, with what was rotated. */
  Log: number;
}

export interface DiskVolume extends Counted {
  Name: string;
  /** Its name was invented. */
  Anonymous: boolean;
  Containers: DiskUser[];
}

/** What lies beside all that has a name. Null: not counted yet. */
export interface Beside {
  /** What was found out about layers, and between two images, so that the next look is quick. */
  Indexes: number | null;
  /** Small files of containers: how they are run, their hosts and names. */
  Containers: number | null;
  /** Settings, log-ins and whatever else is in the data root. */
  Others: number | null;
}

export interface DiskUsage {
  /** The file system that holds the data root; it has other things on it too. */
  Disk: {
    Path: string;
    Size: number;
    Free: number;
    /** Nothing big is begun that would leave less than this. */
    MinFree: number;
    /** How many files it can hold; null where there is no such limit. */
    Inodes: { Total: number; Free: number } | null;
  };
  Layers: DiskLayer[];
  Images: DiskImage[];
  Containers: DiskContainer[];
  Volumes: DiskVolume[];
  /** Archives of volumes, of those that are not there any more too. Only from an engine that `can` do `volume-backups`. */
  Backups?: { Count: number; Size: number };
  Bin: { Containers: number; Volumes?: number; Size: number; Limit: number };
  /** Layers and documents as they came, compressed: what is pushed, saved and repaired from. */
  Blobs: {
    Count: number;
    Size: number;
    /** What no image has: of pulls that were cut off, kept for a day so that they can go on. */
    Leftover: { Count: number; Size: number };
  };
  /** With the storage driver vfs: whole images, each in one directory, that containers are copied from. */
  Copies: { Count: number; Size: number };
  /** On its way out. */
  Trash: Counted;
  Database: number;
  /** Absent from engines of before. */
  Beside?: Beside;
  /** What goes when it is asked for; nothing is counted twice. */
  Reclaimable: {
    /** Images without a name that nothing uses. */
    Dangling: number;
    /** All images that no container uses. */
    Images: number;
    /** Containers that do not run. */
    Containers: number;
    /** Volumes that no container has. */
    Volumes: number;
    Bin: number;
    Leftover: number;
  };
  /** Something is being counted behind this answer: ask again for what it comes to. */
  Counting: boolean;
}

/** The answer of `POST /slipway/disk/collect`: what nothing accounted for, in bytes and by name. */
export interface Collected {
  Blobs: number;
  /** Directories and files that were nobody's, below the data root. */
  Strays: string[];
  SpaceReclaimed: number;
}

/** What is wrong with a part of the store, and what became of it. */
export interface Finding {
  /** `copy`: with the storage driver vfs, a whole image in one directory. */
  Kind: 'layer' | 'blob' | 'copy' | 'stray';
  /** A layer's or a copy's chain ID, a blob's digest, a path below the data root. */
  Id: string;
  /** The images it belongs to, by name or by id. */
  Images: string[];
  /** `unchecked`: it could not be looked at. */
  Cause: 'missing' | 'changed' | 'unchecked' | 'stray';
  /** `in-use`, `no-blob`, `no-origin`, `not-fetched`, `nothing`: why it stays as it is. */
  Action:
    'unpacked' | 'copied' | 'fetched' | 'discarded' | 'in-use' | 'no-blob' | 'no-origin' | 'not-fetched' | 'nothing';
  /** The containers that use it, by name. */
  Users: string[];
  /** What is wrong, in a sentence. */
  Problem: string;
  /** What was done about it, or what can be. */
  Outcome: string;
  /** `kept`: it is in use, or cannot be had again: a person has to do something. */
  State: 'repaired' | 'removed' | 'kept';
}

/** The last line of `POST /slipway/self-check`: how many were looked at, and all that was found. */
export interface SelfChecked {
  Done: { Blobs: number; Layers: number; Copies: number; Findings: Finding[]; Milliseconds: number };
}

/** A line of `POST /slipway/self-check`. */
export type SelfCheckLine =
  | { Stage: 'blobs' | 'layers' | 'copies' | 'strays'; Checked: number; Total: number; Item?: string }
  | { Finding: Finding }
  | SelfChecked;
