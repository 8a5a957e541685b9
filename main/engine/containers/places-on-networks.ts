import { conflict, invalid, notImplemented } from '../../base/errors.js';
import type { EndpointConfig } from '../../contract/networks.js';
import type { ContainerRecord } from './record.js';
import type { EndpointWish, Place } from './rooms.js';
import { sharedContainer } from './spec.js';

/** The networks a container is to be on, the one it was made for first. None where it shares another container's. */
export function placesOf({ network, endpoints }: Pick<ContainerRecord, 'network' | 'endpoints'>): Place[] {
  if (sharedContainer(network) !== undefined) return [];
  if (!endpoints) return [{ network }];
  const others = Object.keys(endpoints).filter((name) => name !== network);
  const names = network in endpoints ? [network, ...others.sort()] : others.sort();
  return names.map((name) => ({ network: name, wish: endpoints[name] ?? {} }));
}

/** It has interfaces of its own beside `lo`. */
export const onBridges = (record: Pick<ContainerRecord, 'network' | 'endpoints'>): boolean =>
  placesOf(record).some(({ network }) => network !== 'host' && network !== 'none');

/** What a client said of a place, understood. What this version cannot do is refused by name. */
export function endpointWish(network: string, config: EndpointConfig | null | undefined): EndpointWish {
  if (config === null) throw invalid(`no EndpointSettings for ${network}`);
  const { IPAMConfig, Aliases, MacAddress, Links, DriverOpts, GwPriority } = config ?? {};
  if (IPAMConfig?.LinkLocalIPs?.length) throw missing('link-local addresses of its own (--link-local-ip) are');
  if (Links?.length) throw missing('links (--link) are');
  const [option] = Object.keys(DriverOpts ?? {});
  if (option !== undefined) throw missing(`the driver option ${option} of a network is`);
  if (MacAddress && !/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(MacAddress))
    throw invalid(`invalid MAC address: ${MacAddress}`);
  return {
    ...(Aliases?.length && { aliases: [...new Set(Aliases)] }),
    ...(IPAMConfig?.IPv4Address && { ipv4: IPAMConfig.IPv4Address }),
    ...(IPAMConfig?.IPv6Address && { ipv6: IPAMConfig.IPv6Address }),
    ...(MacAddress && { mac: MacAddress.toLowerCase().replaceAll('-', ':') }),
    ...(GwPriority && { priority: GwPriority }),
  };
}

/** Whether a network can be added to, or taken from, one that has these. */
export function checkCombination(names: string[], added: string): void {
  if (added === 'host' || names.includes('host'))
    throw conflict('container cannot be connected to host network or disconnected from it after it has been made');
  if (names.length > 0 && (added === 'none' || names.includes('none')))
    throw conflict(
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
}

const missing = (what: string) =>
  notImplemented(`${what} not available in this version of Slipway: leave that option out`);
