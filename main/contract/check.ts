/** `POST /slipway/check`: what stands in the way of a container that is not made yet. */

export interface CheckRequest {
  Name?: string;
  /** A reference or an id. */
  Image?: string;
  /** At most 64. */
  Ports?: { Ip?: string; Port: number; Protocol?: 'tcp' | 'udp' }[];
  /** Absolute, on the engine's machine; at most 64. */
  Paths?: string[];
}

/** As asked, in the order asked; what was not asked is absent. */
export interface CheckAnswer {
  /** `Container`: who has the name. */
  Name?: { Name: string; Container: { Id: string; Name: string } | null };
  /** `Id`: of the image that is here. */
  Image?: { Reference: string; Id: string | null };
  Ports?: PortAnswer[];
  Paths?: { Path: string; Kind: PathKind }[];
}

export interface PortAnswer {
  /** Empty: every address. */
  Ip: string;
  Port: number;
  Protocol: 'tcp' | 'udp';
  /** Null: it is free. */
  Taken: PortHolder | null;
  /** Of one that is taken: the next that is free; null where there is none. */
  Next?: number | null;
}

/** Who listens. Another user's process has no name for an engine without root: then there is neither. */
export interface PortHolder {
  Process?: { Pid: number; Name: string };
  Container?: { Id: string; Name: string };
}

/** `unreadable`: the engine may not look there; `unanswered`: the file system does not answer. */
export type PathKind = 'file' | 'directory' | 'socket' | 'device' | 'other' | 'missing' | 'unreadable' | 'unanswered';
