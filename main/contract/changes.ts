/** Changing a container that is there, and what became of it: `/slipway/containers/{id}/change`, `/history`, `/revert`. */
import type { ContainerConfig, HealthStatus, HostConfig } from './containers.js';

type OrUnsaid<Fields> = { [Key in keyof Fields]?: Fields[Key] | null };

/** What is to be different. A field that is given replaces the whole of it; null: as if it had never been said. */
export interface ContainerChange {
  Name?: string;
  Config?: OrUnsaid<ContainerConfig>;
  HostConfig?: OrUnsaid<HostConfig>;
  /** A reference or an id of an image that is here. */
  Image?: string;
}

/** `Name`, `Image`, `ImageID`, `Config.Env`, `HostConfig.Memory`, …; null: nothing is said there. */
export interface FieldChange {
  Field: string;
  From: unknown;
  To: unknown;
}

/** `now`: at once, or with the next start where it does not run. */
export type Applies = 'now' | 'restart';

/** The answer with `preview=1`. */
export interface ChangePreview {
  Changes: (FieldChange & { Applies: Applies })[];
  NeedsRestart: boolean;
  Warnings: string[];
}

/** The last line of a change's answer. */
export interface Changed {
  Id: string;
  Changes: FieldChange[];
  Restarted: boolean;
  /** It did not work out: the earlier configuration is back. `Error`: and why that does not run either. */
  RolledBack?: { Reason: string; Error?: string };
  Warnings: string[];
}

/** The lines before: what is being done. */
export interface ChangeProgress {
  Stage: 'stopping' | 'starting' | 'watching' | 'rolling-back';
}

export type HistoryKind =
  | 'created'
  | 'changed'
  | 'reverted'
  | 'rolled-back'
  | 'started'
  | 'start-failed'
  | 'exited'
  | 'oom'
  | 'health'
  | 'discarded'
  | 'restored';

/** One thing that happened to a container. */
export interface HistoryEntry {
  /** Grows with time; 0 is its creation. */
  Seq: number;
  At: string;
  Kind: HistoryKind;
  /** Of `changed`, `reverted` and `rolled-back`. */
  Changes?: FieldChange[];
  /** Of `reverted`: the entry whose configuration it has again. */
  To?: number;
  /** Of `rolled-back`. */
  Reason?: string;
  ExitCode?: number;
  Error?: string;
  Health?: HealthStatus;
}
