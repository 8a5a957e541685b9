import { create } from 'zustand';
import type { ContainerChange } from '../../main/contract/changes.js';
import type { ContainerSummary } from '../../main/contract/containers.js';
import type { MountHolder } from '../../main/contract/mounts.js';
import type { Serving } from '../../main/contract/serve.js';
import type { VolumeBackup } from '../../main/contract/volume-data.js';
import type { Verb } from './containers-slice.js';
import type { Archive } from './desk.js';
import type { DropAnchor, DropTarget } from './drop.js';

/** The dialog that is open; what a person types into it stays in the dialog. */
export type OpenDialog =
  /** With these mounts to begin with: the source is a path or a volume's name. */
  | {
      kind: 'run';
      image?: string;
      mounts?: { source: string; target?: string; readOnly?: boolean; strict?: boolean }[];
    }
  /** What becomes of folders and files; `seen` is called once something of them has arrived in there. */
  | { kind: 'drop'; target: DropTarget; items: DropItem[]; anchor?: DropAnchor | undefined; seen?: () => void }
  | { kind: 'pull'; reference?: string }
  | { kind: 'remove-containers'; containers: ContainerSummary[] }
  | { kind: 'remove-images'; images: { id: string; name: string }[] }
  | {
      kind: 'bulk-results';
      verb: Exclude<Verb, 'remove'>;
      results: { id: string; name: string; problem: string | undefined }[];
    }
  | { kind: 'push-image' | 'tag-image'; id: string; reference: string }
  /** Of a task that found no image in its archive. */
  | { kind: 'import-archive'; task: number }
  | { kind: 'build-log'; task: number }
  | { kind: 'login'; host?: string; user?: string }
  | { kind: 'trust'; host: string }
  /** With what has begun already, and is told. */
  | { kind: 'serve'; served?: Served }
  | { kind: 'prune-images'; scope: 'dangling' | 'unused' }
  | { kind: 'create-volume' }
  | { kind: 'remove-volumes'; names: string[] }
  | { kind: 'prune-volumes' }
  | { kind: 'backups' }
  | { kind: 'clone-volume' | 'export-volume' | 'back-up-volume' | 'schedule-volume'; name: string }
  /** `name`: the volume whose content it is to take the place of. */
  | { kind: 'import-volume'; archive: Archive; name?: string }
  | { kind: 'restore-backup'; backup: VolumeBackup }
  | { kind: 'self-check' }
  | { kind: 'bin' }
  /** Changing a container that is there, beginning at a field; or going back to an entry of its history. */
  | {
      kind: 'change-container';
      id: string;
      start?: string;
      past?: { seq: number; at: string };
      /** What is asked for already: it begins with what that comes to. */
      change?: ContainerChange;
    }
  | { kind: 'attach-mount'; id: string }
  /** A mount that did not go: why, and who has files open in it. */
  | { kind: 'detach-mount'; id: string; target: string; reason: string; holders: MountHolder[] | undefined }
  | { kind: 'shortcuts' };

/** How the engine serves its images; a token is told once. */
export interface Served {
  serving: Serving;
  token: string | undefined;
}

/** A folder or a file of this machine. */
export interface DropItem {
  path: string;
  folder: boolean;
}

/** What lies over the page. */
interface Surface {
  dialog: OpenDialog | undefined;
  palette: boolean;
  tasks: boolean;
  open(dialog: OpenDialog): void;
  /** Of what comes by itself: opens it, unless somebody may be typing into another. Whether it did. */
  offer(dialog: OpenDialog): boolean;
  close(): void;
  show(change: Partial<Pick<Surface, 'palette' | 'tasks'>>): void;
}

export const useSurface = create<Surface>()((set, get) => ({
  dialog: undefined,
  palette: false,
  tasks: false,
  open: (dialog) => set({ dialog, palette: false }),
  offer(dialog) {
    if (get().dialog) return false;
    get().open(dialog);
    return true;
  },
  close: () => set({ dialog: undefined }),
  show: (change) => set(change),
}));
