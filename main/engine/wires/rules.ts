import { formatSubnet, parseSubnet } from './addresses.js';

/** A table of each bridge's own, so that it goes with its bridge. */
const tableOf = (bridge: string): string => `inet slipway-${bridge}`;

/** A way out under the host's address, and no way in from outside but for answers. */
export function addRules(bridge: string, addresses: string[]): string {
  const table = tableOf(bridge);
  const subnets = addresses.map(parseSubnet).filter(({ family }) => family === 4);
  return [
    removeRules(bridge),
    `add table ${table}`,
    `add chain ${table} nat { type nat hook postrouting priority 100; policy accept; }`,
    ...subnets.map(
      (subnet) => `add rule ${table} nat ip saddr ${formatSubnet(subnet)} oifname != "${bridge}" masquerade`,
    ),
    `add chain ${table} forward { type filter hook forward priority 0; policy accept; }`,
    `add rule ${table} forward oifname "${bridge}" iifname != "${bridge}" ct state != { established, related } drop`,
    '',
  ].join('\n');
}

export function removeRules(bridge: string): string {
  const table = tableOf(bridge);
  return `add table ${table}\ndelete table ${table}\n`;
}
