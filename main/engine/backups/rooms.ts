import type { Change } from '../../base/store.js';
import type { VolumeProgress } from '../../contract/volume-data.js';
import type { Containers } from '../containers/index.js';
import type { Helper } from '../helper/index.js';
import type { Usage } from '../usage/index.js';
import type { Volumes } from '../volumes/index.js';

/** The rooms around this one. Each of its parts takes what it needs. */
export interface BackupsOptions {
  /** The data root. */
  root: string;
  store: {
    rows<Row>(table: string): Map<string, Row>;
    commit(build: (change: Change) => void): Promise<void>;
    readonly warnings?: readonly string[];
  };
  helper: Pick<Helper, 'volumeTar' | 'volumePack' | 'volumeCopy' | 'reflinks' | 'unpack'>;
  usage: Pick<Usage, 'measure'>;
  volumes: Pick<Volumes, 'look' | 'lend' | 'has' | 'stage' | 'announce' | 'writesOf'>;
  containers: Pick<Containers, 'runningWith' | 'pause' | 'unpause'>;
  /** Unix milliseconds. */
  now?: () => number;
}

/** Who asked for something that takes its time. */
export interface Caller {
  /** Aborted when nobody waits for it any more: then nothing of it is left. */
  signal: AbortSignal;
  report: (progress: VolumeProgress) => void;
}
