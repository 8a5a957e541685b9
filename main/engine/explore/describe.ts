/** What the helper sees, as the contract says it. Its layers count from 0, ours from 1. */
import type {
  Difference,
  DifferenceSide,
  DifferenceSums,
  LayerEntry,
  LayerFileStat,
  LayerFind,
} from '../../contract/layers.js';
import { timestamp } from '../files/index.js';
import type { SeenDifference, SeenFind, SeenLayerFile, SeenSide, SeenSums } from '../helper/index.js';

/** Seconds that a date can say: an image may claim any others. */
const LATEST = 253_402_300_799;
const EARLIEST = -62_135_596_800;

const describe = ({ name, kind, size, mode, uid, gid, mtime: [seconds, nanoseconds] }: SeenLayerFile | SeenFind) => ({
  ...{ Name: name, Kind: kind, Size: size, Mode: mode, Uid: uid, Gid: gid },
  Mtime: timestamp([Math.min(LATEST, Math.max(EARLIEST, seconds)), nanoseconds]),
});

export const entryOf = (seen: SeenLayerFile): LayerEntry => ({
  ...describe(seen),
  ...{ Own: seen.own, Layer: seen.layer + 1 },
  ...(seen.target !== undefined && { LinkTarget: seen.target }),
  ...(seen.change && { Change: seen.change }),
  ...(seen.noise && { Noise: seen.noise }),
});

export const statOf = (seen: SeenLayerFile): LayerFileStat => ({
  ...describe(seen),
  Layer: seen.layer + 1,
  Version: `${seen.mtime[0]}.${String(seen.mtime[1]).padStart(9, '0')}-${seen.size}`,
});

export const findOf = ({ path, kind, size, layer, change, shows = false }: SeenFind): LayerFind => ({
  ...{ Path: path, Kind: kind, Size: size, Layer: layer + 1, Shows: shows },
  ...(change && { Change: change }),
});

export const sumsOf = ({ net, added, changed, removed }: SeenSums): DifferenceSums => ({
  ...{ Net: net, Added: added, Changed: changed, Removed: removed },
});

const sideOf = ({ kind, size, mode, uid, gid, layer }: SeenSide): DifferenceSide => ({
  ...{ Kind: kind, Size: size, Mode: mode, Uid: uid, Gid: gid, Layer: layer + 1 },
});

export const differenceOf = (seen: SeenDifference): Difference => ({
  ...{ Name: seen.name, Change: seen.change, Content: seen.content, Itself: seen.itself },
  ...sumsOf(seen),
  Before: seen.before && sideOf(seen.before),
  After: seen.after && sideOf(seen.after),
  ...(seen.noise && { Noise: seen.noise }),
});
