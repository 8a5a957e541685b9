import { isIP } from 'node:net';
import { formatSubnet, parseSubnet } from './addresses.js';
import type { Bridge, PublishedPort } from './wires.js';

/** A table of each bridge's own, so that it goes with its bridge. */
const tableOf = (bridge: string): string => `inet slipway-${bridge}`;

/** A way out under the host's address, and no way in from outside but for answers. */
export function addRules({ name, addresses, internal, masquerade, ports = [] }: Bridge): string {
  const table = tableOf(name);
  const out = internal || masquerade === false ? [] : addresses.map(parseSubnet);
  const outside = `oifname "${name}" iifname != "${name}"`;
  return [
    removeRules(name),
    `add table ${table}`,
    `add chain ${table} nat { type nat hook postrouting priority 100; policy accept; }`,
    ...out.map(
      (subnet) =>
        `add rule ${table} nat ${subnet.family === 4 ? 'ip' : 'ip6'} saddr ${formatSubnet(subnet)} oifname != "${name}" masquerade`,
    ),
    ...(internal ? [] : published(table, name, addresses, ports)),
    `add chain ${table} forward { type filter hook forward priority 0; policy accept; }`,
    ...(internal
      ? [
          `add rule ${table} forward ${outside} drop`,
          `add rule ${table} forward iifname "${name}" oifname != "${name}" drop`,
        ]
      : [
          `add rule ${table} forward oifname "${name}" ct status dnat accept`,
          `add rule ${table} forward ${outside} ct state != { established, related } drop`,
        ]),
    '',
  ].join('\n');
}

/**
 * Packets that come in for a published port go on to the container, with the address they came from. What this machine itself sends is the
 * forwarder's, and so is a port of a loopback address or of a family that the container has no address of.
 */
function published(table: string, bridge: string, addresses: string[], ports: PublishedPort[]): string[] {
  const led = ports.filter(({ address, target }) => isIP(address) === isIP(target) && !/^(127\.|::1$)/.test(address));
  if (led.length === 0) return [];
  return [
    `add chain ${table} ports { type nat hook prerouting priority -100; policy accept; }`,
    ...led.map(({ protocol, address, hostPort, port, target }) => {
      const ip = isIP(address) === 4 ? 'ip' : 'ip6';
      const any = address === '0.0.0.0' || address === '::';
      const here = any
        ? `meta nfproto ${ip === 'ip' ? 'ipv4' : 'ipv6'} fib daddr type local`
        : `${ip} daddr ${address}`;
      const to = ip === 'ip' ? `${target}:${port}` : `[${target}]:${port}`;
      return `add rule ${table} ports ${here} ${protocol} dport ${hostPort} dnat ${ip} to ${to}`;
    }),
    // A neighbor on the bridge would get the answer from another address than it asked.
    ...addresses.map(parseSubnet).map((subnet) => {
      const ip = subnet.family === 4 ? 'ip' : 'ip6';
      const range = formatSubnet(subnet);
      return `add rule ${table} nat ${ip} saddr ${range} ${ip} daddr ${range} oifname "${bridge}" ct status dnat masquerade`;
    }),
  ];
}

export function removeRules(bridge: string): string {
  const table = tableOf(bridge);
  return `add table ${table}\ndelete table ${table}\n`;
}
