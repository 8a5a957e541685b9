import type { Change } from '../../base/store.js';
import type { EngineEvent } from '../../contract/events.js';
import type { Bin } from '../bin/index.js';

/** What volumes are made of. */
export interface VolumesOptions {
  /** The data root. */
  root: string;
  store: {
    rows<Row>(table: string): Map<string, Row>;
    commit(build: (change: Change) => void): Promise<void>;
    readonly warnings?: readonly string[];
  };
  helper: {
    populate(request: {
      volume: string;
      lower?: string[];
      path?: string;
      device?: string;
      within?: boolean;
      subpath?: string;
    }): Promise<{ copied: boolean }>;
    mountVolume(request: { volume: string; type: string; device: string; options: string[] }): Promise<void>;
    unmountVolume(volume: string): Promise<void>;
    discard(path: string): Promise<void>;
    swap(request: { path: string; with: string; alike: boolean }): Promise<void>;
  };
  usage: {
    measure(path: string): Promise<{ bytes: number }>;
    /** What was counted last, and counts again behind the answer. Undefined: never yet. `patience` (ms): for what must be counted first. */
    recall(path: string, patience?: number): Promise<Counted | undefined>;
    /** They were changed just now. */
    outdate(paths: Iterable<string>): void;
    forget(paths: Iterable<string>): Promise<void>;
  };
  events: {
    publish(type: EngineEvent['Type'], action: string, id: string, attributes?: Record<string, string>): void;
  };
  /** Where removed ones wait. */
  bin?: Bin;
}

/** What a volume took when it was counted, and when anything in it was changed last (Unix milliseconds). */
export interface Counted {
  bytes: number;
  at: number;
  newest?: number;
}
