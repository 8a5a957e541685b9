import { createClient, type Client } from '../client/index.js';
import { connect } from '../client/transports/connect.js';

/** What every command works with. */
export interface Context {
  readonly client: Client;
  /** The engine's address, as `DOCKER_HOST` would have it. */
  readonly host: string;
}

export const openContext = (host: string): Context => ({ client: createClient(connect(host)), host });
