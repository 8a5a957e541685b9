import type { PublishedPort } from '../wires/index.js';
import { formatAddress, formatSubnet, nth, parseSubnet, type Bridge } from '../wires/index.js';

/** The networks that every engine has. */
export const PREDEFINED = ['bridge', 'host', 'none'] as const;
export type PredefinedNetwork = (typeof PREDEFINED)[number];

export const isPredefined = (name: string): name is PredefinedNetwork =>
  (PREDEFINED as readonly string[]).includes(name);

/** An address range of a network. */
export interface Pool {
  subnet: string;
  gateway: string;
  /** The part of it that endpoints get addresses from; all of it where absent. */
  range?: string;
  /** Addresses that endpoints do not get, by a name that only people read. */
  auxiliary?: Record<string, string>;
}

export interface BridgeRecord {
  /** The link's name on this machine. */
  name: string;
  pools: Pool[];
  /** Neither a way out nor a gateway. */
  internal?: boolean;
  /** False: its containers do not reach each other. */
  icc?: boolean;
  /** False: packets leave with the container's own address. */
  masquerade?: boolean;
  mtu?: number;
}

/** What a network was made with by somebody. */
export interface CustomNetwork {
  labels: Record<string, string>;
  options: Record<string, string>;
  attachable: boolean;
  ipv6: boolean;
  /** Its subnets were chosen by a person, so that containers may have fixed addresses. */
  fixed: boolean;
}

/** What we keep of a network, under its name. */
export interface NetworkRecord {
  id: string;
  name: string;
  /** RFC 3339. */
  created: string;
  bridge?: BridgeRecord;
  /** Absent for the predefined ones. */
  custom?: CustomNetwork;
}

export type { PublishedPort };

/** A container's place on a network, from its start to its end. */
export interface EndpointRecord {
  id: string;
  /** The network's name. */
  network: string;
  container: string;
  /** The container's name, as `docker network inspect` shows it. */
  name: string;
  /** One for each pool of the network. */
  addresses: string[];
  /** Chosen by a person; made from the address otherwise. */
  mac?: string;
  aliases?: string[];
  /** The host's end of its wire; another for each run, because that of the run before may still be going. */
  veth?: string;
  /** Its interface is `eth` and this number. */
  index: number;
  /** Host ports that lead here: it is the network with the container's way out. */
  ports?: PublishedPort[];
  /** Whose gateway is the container's: the highest, then the first by name. */
  priority?: number;
}

/** The row of an endpoint: a container has one for each network. */
export const endpointKey = ({ container, network }: Pick<EndpointRecord, 'container' | 'network'>): string =>
  `${container} ${network}`;

export const firstAddress = (subnet: string): string => formatAddress(nth(parseSubnet(subnet), 1));

/** How the link is to be. */
export const bridgeOf = (
  { name, pools, internal, masquerade, mtu }: BridgeRecord,
  ports: PublishedPort[] = [],
): Bridge => ({
  name,
  addresses: pools.map(({ subnet, gateway }) => `${gateway}/${parseSubnet(subnet).prefix}`),
  ...(mtu !== undefined && { mtu }),
  ...(internal && { internal }),
  ...(masquerade === false && { masquerade }),
  ...(ports.length > 0 && { ports }),
});

/** Earlier versions kept one subnet, the first of them as numbers. */
export function networkOfRow(row: NetworkRecord): NetworkRecord {
  const earlier = row.bridge as { name: string; subnet?: string | { first: number; prefix: number } } | undefined;
  if (earlier?.subnet === undefined) return row;
  const { subnet: kept, name } = earlier;
  const subnet =
    typeof kept === 'string' ? kept : formatSubnet({ family: 4, first: BigInt(kept.first), prefix: kept.prefix });
  return { ...row, bridge: { name, pools: [{ subnet, gateway: firstAddress(subnet) }] } };
}

/** Earlier versions kept one address, the first of them as a number. */
export function endpointOfRow(row: EndpointRecord): EndpointRecord {
  const { address, ...rest } = row as EndpointRecord & { address?: string | number };
  if (row.addresses !== undefined) return row;
  const text = typeof address === 'number' ? formatAddress({ family: 4, value: BigInt(address) }) : address;
  return { ...rest, addresses: text === undefined ? [] : [text], index: 0 };
}
