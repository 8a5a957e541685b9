import { readFile } from 'node:fs/promises';
import type { NetworkStats } from '../../contract/stats.js';

/** What passed the interfaces of a process's network namespace, but for loopback. */
export async function countNetworks(pid: number): Promise<Record<string, NetworkStats>> {
  const lines = (await readFile(`/proc/${pid}/net/dev`, 'utf8')).split('\n').slice(2);
  return Object.fromEntries(
    lines.flatMap((line): [string, NetworkStats][] => {
      const [name = '', counters = ''] = line.split(':');
      const values = counters.trim().split(/\s+/).map(Number);
      const [rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0] = values;
      const [tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0] = values.slice(8);
      const interfaceName = name.trim();
      if (interfaceName === '' || interfaceName === 'lo') return [];
      const counted = { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped };
      return [[interfaceName, counted]];
    }),
  );
}
