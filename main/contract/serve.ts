/** The engine's images as a registry (`/slipway/serve`). */
export interface Serving {
  /** Where it listens: `127.0.0.1:5000`. */
  address: string;
  /** Others may push too. */
  writable: boolean;
  /** A token is asked for. */
  token?: boolean;
  /** `http://192.168.1.5:5000`: where it listens, or of all addresses the one of the default route. */
  url: string;
  /** All that others can call; the first is `url`. */
  urls: string[];
  /** It comes up again with the engine. */
  persist?: boolean;
}

export interface ServeAnswer {
  serving: Serving | null;
  /** Only in the answer that began it: it is told once. */
  token?: string;
  /** It was to go on with this engine, and could not. */
  problem?: { address: string; message: string };
}

/** `PUT /slipway/serve`. */
export interface ServeRequest {
  /** `HOST:PORT`. */
  address?: string | undefined;
  writable?: boolean | undefined;
  /** It comes up with every engine, until it is stopped; otherwise it goes on through a handover and a kill, not through an end. */
  persist?: boolean | undefined;
  /** A token is asked for at a loopback address too. */
  token?: boolean | undefined;
}
