/** The bin of `/slipway/bin`: containers and volumes that were removed and can still be brought back. */
import type { BinnedVolume } from './volume-data.js';

/** The answer of `POST /slipway/containers/{id}/discard`. Moments are RFC 3339, names are without Docker's slash. */
export interface Discarded {
  Id: string;
  Name: string;
  /** When it goes for good. */
  Until: string;
}

/** A container in the bin. */
export interface BinnedContainer extends Discarded {
  /** The image as it was named, and its id. */
  Image: string;
  ImageID: string;
  Created: string;
  Removed: string;
  /** Bytes of its own files, and of the volumes that go with it; null until they are counted. */
  Size: number | null;
  /** The volumes that are kept for it. */
  Volumes: string[];
  /** Those whose names nobody chose go with it when it goes for good. */
  RemoveVolumes: boolean;
}

/** `GET /slipway/bin`, newest first. */
export interface Bin {
  Containers: BinnedContainer[];
  /** Volumes that were removed by themselves. Absent where an engine cannot do that. */
  Volumes?: BinnedVolume[];
  /** Bytes that are counted so far. */
  Size: number;
  /** Above so many bytes the oldest go for good; the newest always stays. */
  Limit: number;
}

/** The answer of `POST /slipway/bin/{id}/restore`. */
export interface Restored {
  Id: string;
  Name: string;
  Warnings: string[];
}

/** The answer of `DELETE /slipway/bin`. */
export interface BinEmptied {
  Deleted: string[];
  SpaceReclaimed: number;
}
