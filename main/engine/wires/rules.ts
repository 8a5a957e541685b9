import { formatSubnet, parseSubnet } from './addresses.js';
import type { Bridge } from './wires.js';

/** A table of each bridge's own, so that it goes with its bridge. */
const tableOf = (bridge: string): string => `inet slipway-${bridge}`;

/** A way out under the host's address, and no way in from outside but for answers. */
export function addRules({ name, addresses, internal, masquerade }: Bridge): string {
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
    `add chain ${table} forward { type filter hook forward priority 0; policy accept; }`,
    ...(internal
      ? [
          `add rule ${table} forward ${outside} drop`,
          `add rule ${table} forward iifname "${name}" oifname != "${name}" drop`,
        ]
      : [`add rule ${table} forward ${outside} ct state != { established, related } drop`]),
    '',
  ].join('\n');
}

export function removeRules(bridge: string): string {
  const table = tableOf(bridge);
  return `add table ${table}\ndelete table ${table}\n`;
}
