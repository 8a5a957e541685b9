import type { Call } from './router.js';
import { rawUpgrade } from './raw-hijack.js';
import { atLeast } from './versions.js';

/** What a container's bytes are called: since 1.42, framed ones have a name of their own for clients that asked for an upgrade. */
export function streamType({ version, headers }: Pick<Call, 'version' | 'headers'>, tty: boolean): string {
  const upgraded = headers.upgrade !== undefined && headers.upgrade !== rawUpgrade;
  return !tty && upgraded && atLeast(version, '1.42')
    ? 'application/vnd.docker.multiplexed-stream'
    : 'application/vnd.docker.raw-stream';
}
