import { shortId } from '../../base/ids.js';
import type { EndpointSettings } from '../../contract/containers.js';
import type { NetworkInspect } from '../../contract/networks.js';
import { parseAddress, parseSubnet } from '../wires/index.js';
import { macOf } from './addresses.js';
import type { EndpointRecord, NetworkRecord, Pool } from './record.js';

/** An endpoint that somebody wants: what `docker run` and `docker network connect` can say of it. */
export interface EndpointWish {
  aliases?: string[];
  ipv4?: string;
  ipv6?: string;
  mac?: string;
  priority?: number;
}

const DRIVERS: Record<string, string> = { host: 'host', none: 'null' };

export const driverOf = ({ name, custom }: NetworkRecord): string => (custom ? 'bridge' : (DRIVERS[name] ?? 'bridge'));

/** The address of a family, the prefix length and the gateway; empty where there is none. */
function placeIn(network: NetworkRecord | undefined, endpoint: EndpointRecord | undefined, family: 4 | 6) {
  const pool = network?.bridge?.pools.find(({ subnet }) => parseSubnet(subnet).family === family);
  const address = endpoint?.addresses.find((one) => parseAddress(one).family === family);
  if (!pool || address === undefined) return { address: '', prefix: 0, gateway: '' };
  const gateway = network?.bridge?.internal ? '' : pool.gateway;
  return { address, prefix: parseSubnet(pool.subnet).prefix, gateway };
}

export const macOfEndpoint = ({ mac, addresses }: EndpointRecord): string =>
  mac ?? (addresses[0] === undefined ? '' : macOf(addresses[0]));

/** A container's place as inspect shows it; empty but for what was wished where it has none. */
export function endpointSettings(
  network: NetworkRecord | undefined,
  endpoint: EndpointRecord | undefined,
  { aliases, ipv4, ipv6, mac, priority }: EndpointWish = {},
  dnsNames: string[] | null = null,
): EndpointSettings {
  const [four, six] = [placeIn(network, endpoint, 4), placeIn(network, endpoint, 6)];
  return {
    IPAMConfig:
      ipv4 === undefined && ipv6 === undefined
        ? null
        : { ...(ipv4 !== undefined && { IPv4Address: ipv4 }), ...(ipv6 !== undefined && { IPv6Address: ipv6 }) },
    NetworkID: network?.id ?? '',
    EndpointID: endpoint?.id ?? '',
    Gateway: four.gateway,
    IPAddress: four.address,
    IPPrefixLen: four.prefix,
    IPv6Gateway: six.gateway,
    GlobalIPv6Address: six.address,
    GlobalIPv6PrefixLen: six.prefix,
    MacAddress: endpoint ? macOfEndpoint(endpoint) : (mac ?? ''),
    Aliases: aliases && aliases.length > 0 ? aliases : null,
    Links: null,
    DriverOpts: null,
    ...(priority ? { GwPriority: priority } : {}),
    ...(dnsNames && { DNSNames: dnsNames }),
  };
}

/** `GET /networks/{id}`. */
export function describeNetwork(network: NetworkRecord, endpoints: EndpointRecord[]): NetworkInspect {
  const { id, name, created, bridge, custom } = network;
  return {
    Name: name,
    Id: id,
    Created: created,
    Scope: 'local',
    Driver: driverOf(network),
    EnableIPv6: custom?.ipv6 ?? false,
    IPAM: {
      Driver: 'default',
      Options: custom ? {} : null,
      Config: bridge?.pools.map(configOf) ?? [],
    },
    Internal: bridge?.internal ?? false,
    Attachable: custom?.attachable ?? false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      endpoints.map((endpoint) => {
        const [four, six] = [placeIn(network, endpoint, 4), placeIn(network, endpoint, 6)];
        const shown = {
          Name: endpoint.name || shortId(endpoint.container),
          EndpointID: endpoint.id,
          MacAddress: macOfEndpoint(endpoint),
          IPv4Address: four.address && `${four.address}/${four.prefix}`,
          IPv6Address: six.address && `${six.address}/${six.prefix}`,
        };
        return [endpoint.container, shown];
      }),
    ),
    Options: custom?.options ?? defaultOptions(bridge?.name),
    Labels: custom?.labels ?? {},
  };
}

const configOf = ({ subnet, gateway, range, auxiliary }: Pool) => ({
  Subnet: subnet,
  ...(range !== undefined && { IPRange: range }),
  Gateway: gateway,
  ...(auxiliary && { AuxiliaryAddresses: auxiliary }),
});

const defaultOptions = (bridge: string | undefined): Record<string, string> =>
  bridge === undefined
    ? {}
    : {
        'com.docker.network.bridge.default_bridge': 'true',
        'com.docker.network.bridge.enable_icc': 'true',
        'com.docker.network.bridge.enable_ip_masquerade': 'true',
        'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
        'com.docker.network.bridge.name': bridge,
        'com.docker.network.driver.mtu': '1500',
      };
