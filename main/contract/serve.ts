/** The engine's images as a registry (`/slipway/serve`). */
export interface Serving {
  /** Where it listens: `127.0.0.1:5000`. */
  address: string;
  /** Others may push too. */
  writable: boolean;
  /** A token is asked for. */
  token?: boolean;
  /** `http://192.168.1.5:5000`. */
  url: string;
  /** It comes up again with the engine. */
  persist?: boolean;
}

export interface ServeAnswer {
  serving: Serving | null;
  /** Only in the answer that began it: it is told once. */
  token?: string;
}

/** `PUT /slipway/serve`. */
export interface ServeRequest {
  /** `HOST:PORT`. */
  address?: string | undefined;
  writable?: boolean | undefined;
  /** It comes up again with the engine, until it is stopped. */
  persist?: boolean | undefined;
  /** A token is asked for at a loopback address too. */
  token?: boolean | undefined;
}
