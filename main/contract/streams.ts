/**
 * A container's or an exec's streams, held by one client. Bytes are exactly what that client gets: Docker's frames (8 byte header: 1 stdout or
 * 2 stderr, three zeros, big-endian length), or the process's own as they are.
 */
export interface AttachStream {
  readonly framed: boolean;
  /** Each chunk is good until the next is asked for. */
  readonly readable: AsyncIterable<Uint8Array>;
  /** Before `readable` is iterated: the process's output may be written to this connection by others than us, and `readable` ends when it does. */
  direct?(outlet: Outlet): void;
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: no more input from this client; output goes on. */
  end(): void;
  close(): void;
}

/** A client's own connection, for output that needs nobody to look at it. */
export interface Outlet {
  /** As Node knows it. */
  readonly socket: object;
  /** Resolves once what was written to it so far is with the system, and no longer with us. */
  flushed(): Promise<void>;
}
