/** A container's files, one directory at a time, straight from its layers (`/slipway/containers/{id}/files` and `…/file`). */

export type FileKind = 'file' | 'directory' | 'link' | 'device' | 'fifo' | 'socket';

/** Against the image. A directory is changed where anything in it is. */
export type FileMark = 'added' | 'changed' | 'deleted';

export interface FileEntry {
  Name: string;
  Kind: FileKind;
  Size: number;
  /** The lower twelve bits of stat(2)'s. */
  Mode: number;
  /** As the container's processes see them. */
  Uid: number;
  Gid: number;
  /** RFC 3339. */
  Mtime: string;
  /** Where a link says it leads. */
  LinkTarget?: string;
  Change?: FileMark;
  /** Something is mounted here: what is in it is none of the container's layers. */
  Mount?: true;
}

export interface FileListing {
  /** The directory's own path, links followed. */
  Path: string;
  /** By name. Those that are deleted are listed too, as they were. */
  Entries: FileEntry[];
  /** There are more: ask again with `after` as this. */
  More?: string;
}

/** One regular file. `Version` is another once its content is. */
export type FileStat = Omit<FileEntry, 'Change' | 'LinkTarget' | 'Mount'> & { Version: string };

/** `GET /slipway/containers/{id}/shells`: found by looking, never by running anything. */
export interface ContainerShells {
  /** Absolute paths, the user's own first. */
  Shells: string[];
  Default: string | null;
  /** Whether a debug shell can be had, whatever the image has. */
  Toolbox: boolean;
}

/** `POST /slipway/containers/{id}/debug`: an exec of this machine's busybox, started and resized as any other exec. */
export interface DebugCreate {
  Tty?: boolean;
  User?: string;
  WorkingDir?: string;
  Env?: string[] | null;
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  DetachKeys?: string;
  ConsoleSize?: [rows: number, columns: number] | null;
  /** An applet and its arguments; a shell when not given. */
  Cmd?: string[] | null;
}
