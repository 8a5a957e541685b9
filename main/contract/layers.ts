/** An image's layers, a container's own on top, and how two of them differ (`/slipway/images/{name}/layers…`, `/slipway/compare…`). Sizes in bytes. */
import type { FileEntry, FileKind, FileMark, FileStat } from './files.js';

/** A place in a layer, and how many bytes are there. */
export interface LayerPlace {
  Path: string;
  Bytes: number;
}

export interface Layer {
  /** From 1, the lowest. It is how a layer is named in requests. */
  Number: number;
  /** The chain ID: what the stack comes to here. '' for a container's own. */
  Id: string;
  /** The digest of its tar; '' for a container's own. */
  DiffId: string;
  /** Of the files in it. */
  Size: number;
  /** Of its blob, as it is downloaded; 0 where there is none. */
  Download: number;
  /** Only a container's own is. */
  Writable: boolean;
  /** Files, links and devices, against what is below. */
  Added: number;
  Changed: number;
  Removed: number;
  /** Of `Size`: what a higher layer removes or replaces. It is downloaded and kept all the same. */
  Wasted: number;
  /** Of lower layers: what this one removes, and what it has others for. */
  Removes: number;
  Replaces: number;
  /** Of `Size`: caches, logs and package lists that are still there at the top. */
  Caches: number;
}

/** One line of an image's history, or of a layer that has none. */
export interface LayerStep {
  /** As one would write it in a Dockerfile; '' where nobody says. */
  Command: string;
  /** As the image has it. */
  Original: string;
  Comment: string;
  /** Unix seconds; 0: unknown. */
  Created: number;
  /** `null`: a step that changed no file (ENV, CMD, …). */
  Layer: Layer | null;
}

/** What stands out, to be said in words. */
export type LayerInsight =
  /** It removes what lower layers have: that stays in the image. */
  | { Kind: 'frees-nothing'; Layer: number; Bytes: number; Path: string }
  /** It leaves caches, logs or package lists. */
  | { Kind: 'keeps-caches'; Layer: number; Bytes: number; Path: string }
  /** It has other files in place of those below. */
  | { Kind: 'replaces'; Layer: number; Bytes: number };

export interface LayerStack {
  /** The image's ID; of a container, its image's. */
  Id: string;
  /** As it was asked for, or the container's name. */
  Name: string;
  /** Of all layers. */
  Size: number;
  Wasted: number;
  /** The newest first. */
  Steps: LayerStep[];
  Insights: LayerInsight[];
}

/** One name of a directory, as it is at a layer. `Change` is what that layer does to it. */
export interface LayerEntry extends Omit<FileEntry, 'Mount'> {
  /** Of a directory: all that is in it. Of what is deleted: as it was. */
  Size: number;
  /** Of that: in this very layer. */
  Own: number;
  /** The layer it comes from. */
  Layer: number;
  /** It is cache, log or package list. */
  Noise?: true;
}

export interface LayerListing {
  Entries: LayerEntry[];
  /** There are more: ask again with `from` as this. */
  More?: string;
}

export interface LayerFileStat extends FileStat {
  Layer: number;
}

/** A name in a layer. */
export interface LayerFind {
  Path: string;
  Kind: FileKind;
  Size: number;
  Layer: number;
  /** What that layer does there; absent where it only has it once more. */
  Change?: FileMark;
  /** It is what is seen at the top. */
  Shows: boolean;
}

export interface LayerFinds {
  /** By path, then the newest first. */
  Found: LayerFind[];
  /** There are more than so many. */
  More: boolean;
}

/** One side of a comparison. */
export interface Compared {
  kind: 'image' | 'container';
  /** A reference or an id. */
  name: string;
  /** Up to this layer; all of them when not given. */
  layer?: number | undefined;
}

/** Files, links and devices; `Net` in bytes. */
export interface DifferenceSums {
  Net: number;
  Added: number;
  Changed: number;
  Removed: number;
}

/** Two steps that stand for each other, by their places in `Steps`. `Same`: the very same content, or the same words where they have none. */
export interface StepPair {
  Before: number;
  After: number;
  Same: boolean;
}

export type CompareInsight =
  /** The layer of `After` has so much more (less, where negative) in a directory. */
  { Kind: 'grew' | 'shrank'; Layer: number; Bytes: number; Path: string } | LayerInsight;

export interface Comparison {
  Before: LayerStack;
  After: LayerStack;
  /** Up to which layer each side is compared. */
  BeforeLayer: number;
  AfterLayer: number;
  Pairs: StepPair[];
  All: DifferenceSums;
  /** Without caches, logs and package lists. */
  Quiet: DifferenceSums;
  /** What one who has `Before` still downloads for `After`. */
  Download: { Bytes: number; Layers: number };
  Insights: CompareInsight[];
  /** Files of one size that were too many to be read: those of one time count as the same. */
  Unsure: number;
}

export interface DifferenceSide {
  Kind: FileKind;
  Size: number;
  Mode: number;
  Uid: number;
  Gid: number;
  /** The layer it comes from. */
  Layer: number;
}

/** One name that differs, or a directory that has something in it that does. Its sums are of itself and all that is in it. */
export interface Difference extends DifferenceSums {
  Name: string;
  Change: FileMark;
  Before: DifferenceSide | null;
  After: DifferenceSide | null;
  /** Not only its owner or mode. */
  Content: boolean;
  /** It differs itself, not only what is in it. */
  Itself: boolean;
  Noise?: true;
}

export interface DifferenceListing {
  Entries: Difference[];
  More?: string;
}
