import { formatAddress, formatSubnet } from '../wires/index.js';

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

/** The first version kept addresses as numbers. */
export function networkOfRow(row: NetworkRecord): NetworkRecord {
  const subnet: unknown = row.bridge?.subnet;
  if (!row.bridge || typeof subnet === 'string') return row;
  const { first, prefix } = subnet as { first: number; prefix: number };
  return { ...row, bridge: { ...row.bridge, subnet: formatSubnet({ family: 4, first: BigInt(first), prefix }) } };
}

export function endpointOfRow(row: EndpointRecord): EndpointRecord {
  const address: unknown = row.address;
  if (typeof address !== 'number') return row;
  return { ...row, address: formatAddress({ family: 4, value: BigInt(address) }) };
}
