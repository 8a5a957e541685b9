/** A Docker Engine API client over any transport. Runs in a window, in Node, anywhere with bytes and promises. */
import type { Transport } from '../contract/bridge.js';
import { backupsClient } from './backups.js';
import { containersClient } from './containers.js';
import { eventsClient } from './events.js';
import { execClient } from './exec.js';
import { imagesClient } from './images.js';
import { networksClient } from './networks.js';
import { slipwayClient } from './slipway.js';
import { systemClient } from './system.js';
import { volumesClient } from './volumes.js';

export { ApiError } from './errors.js';
export { holdersIn } from './mounts.js';
export { demultiplex, plainOutput, readJsonLines, readText, type Output } from './streams.js';
export { splitReference, type RegistryAuth } from './images.js';
export type { AttachOptions, LogsOptions } from './containers.js';
export type { PathStat } from './files-at.js';

export const createClient = (transport: Transport) => ({
  containers: containersClient(transport),
  images: imagesClient(transport),
  networks: networksClient(transport),
  volumes: volumesClient(transport),
  backups: backupsClient(transport),
  exec: execClient(transport),
  events: eventsClient(transport),
  system: systemClient(transport),
  slipway: slipwayClient(transport),
  close: () => transport.close(),
});

export type Client = ReturnType<typeof createClient>;
