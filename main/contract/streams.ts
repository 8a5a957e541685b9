/**
 * A container's or an exec's streams, held by one client. Bytes are exactly what that client gets: the terminal's with a tty,
 * Docker's frames (8 byte header: 1 stdout or 2 stderr, three zeros, big-endian length) without.
 */
export interface AttachStream {
  readonly tty: boolean;
  /** Each chunk is good until the next is asked for. */
  readonly readable: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: no more input from this client; output goes on. */
  end(): void;
  close(): void;
}
