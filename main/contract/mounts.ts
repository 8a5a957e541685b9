/** Mounts of a container that is there, attached and detached while it runs: `/slipway/containers/{id}/mounts`; and folders that are about to be: `/slipway/folders`. */

/** An element of `GET /slipway/containers/{id}/mounts`. */
export interface ContainerMount {
  Type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Of a volume or an image. */
  Name?: string;
  Source: string;
  Destination: string;
  ReadOnly: boolean;
  Propagation: string;
  /** It was not there when the container was made. */
  Added: boolean;
  /** It was put into the run there is, without a restart. */
  Live: boolean;
  /** What is there now: false where it waits for the next start, or the container does not run. */
  Mounted: boolean;
  /** The container that it is inherited from, by `--volumes-from`. */
  From: { Id: string; Name: string } | null;
  /** Null where the engine may not look, or there is nothing to look at. */
  Owner: MountOwner | null;
}

/** The same owner, by the numbers on disk and by those that the container's processes see; names where a user of that number is known there. */
export interface MountOwner {
  Disk: { Uid: number; Gid: number; User: string | null };
  Inside: { Uid: number; Gid: number; User: string | null };
  Mode: number;
}

/** `POST /slipway/containers/{id}/mounts`. */
export interface MountWish {
  Type: 'bind' | 'volume';
  /** An absolute path of the engine's machine, or a volume's name (made where it is not there). */
  Source: string;
  Target: string;
  ReadOnly?: boolean;
  /** Owners' numbers are the same on both sides although the container has user ids of its own. */
  IdMap?: boolean;
  /** Where it cannot be done live: restart the container with it. Otherwise that is refused (409). */
  Restart?: boolean;
}

/** With `preview=1`: what would be. */
export interface MountPreview {
  /** `live`: at once; `restart`: only with a restart, for `Reason`; `next-start`: it does not run. */
  Applies: 'live' | 'restart' | 'next-start';
  Reason: string | null;
  /** What is at the target now. `Hidden`: how many entries would be hidden, and some names of them. */
  Target: { Kind: 'directory' | 'file' | 'missing' | 'mounted' | 'other'; Hidden: number; Names: string[] };
  Owner: MountOwner | null;
  Warnings: FolderWarning[];
}

/** The answer without it. */
export interface Mounted {
  Mount: ContainerMount;
  Applied: 'live' | 'restart' | 'next-start';
}

/** Who has files open in a mount that is to be detached: in a 409's `Holders` beside its `message`. */
export interface MountHolder {
  Pid: number;
  Name: string;
  /** Inside the container; some of them. */
  Paths: string[];
}

/** `home`: all of a person's home; `system`: this machine's own files; `socket`: an engine's socket, or a folder with one; `root`: the whole machine; `secrets`: keys. */
export type FolderWarning = 'home' | 'system' | 'socket' | 'root' | 'secrets';

/** The answer of `POST /slipway/folders` with `{"Paths":[…]}`, in that order, at most 64. Counting ends after two seconds. */
export interface FolderFacts {
  Path: string;
  Kind: 'directory' | 'file' | 'socket' | 'other' | 'missing' | 'unreadable';
  Files: number;
  Size: number;
  /** False: there is more than was counted. */
  Counted: boolean;
  /** A directory with a Dockerfile or Containerfile in it. */
  Dockerfile: string | null;
  /** A file that is an archive: of images (`docker save`, OCI), or any tar. */
  Archive: 'images' | 'tar' | null;
  Owner: { Uid: number; Gid: number; User: string | null } | null;
  Warnings: FolderWarning[];
}
