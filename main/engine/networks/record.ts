/** The networks that every engine has. */
export type PredefinedNetwork = 'bridge' | 'host' | 'none';

/** What we keep of a network, under its name. */
export interface NetworkRecord {
  id: string;
  name: PredefinedNetwork;
  /** RFC 3339. */
  created: string;
  /** The default bridge only. */
  bridge?: { name: string; subnet: string };
}

/** A container's place on a network, under the container's id; reserved until released. */
export interface EndpointRecord {
  id: string;
  network: PredefinedNetwork;
  container: string;
  /** The container's name, as `docker network inspect` shows it. */
  name: string;
  /** The default bridge only. */
  address?: string;
}
