import type { StateCreator } from 'zustand';
import type { FilePlace, Handed, LayerFile, UploadTarget } from '../../main/contract/bridge.js';
import { fileDesk } from '../ui/desktop.js';
import { begin, type TransferEnd } from './desk.js';
import { messageOf, type Store } from './index.js';
import { Speed } from './pull-progress.js';

/** Files on their way between a container or a volume and this machine's disk: past the window, which is told how far they are. */
export interface Transfer {
  id: number;
  kind: 'upload' | 'download';
  /** The file or folder; of several that come in, the folder they go to. */
  name: string;
  /** The container's name, or the volume's. */
  container: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  startedAt: number;
  endedAt?: number;
  bytes: number;
  /** Of a folder it is not known beforehand. */
  total?: number;
  /** Bytes per second, 0 while nothing moves. */
  speed: number;
  problem?: string;
}

type Named = Pick<Transfer, 'name' | 'container'>;

export interface TransfersSlice {
  /** Those that took long enough to be seen. */
  transfers: Transfer[];
  /** Rejects where it fails. */
  download(what: FilePlace | LayerFile, named: Named): Promise<TransferEnd>;
  upload(into: UploadTarget, files: Handed[], named: Named): Promise<TransferEnd>;
  /** Makes ready what is to be dragged; `id` is for the drag. */
  fetchToDrag(what: FilePlace): { id: number; end: Promise<TransferEnd> };
  cancelTransfer(id: number): void;
  dismissTransfer(id: number): void;
}

/** Milliseconds: what is over sooner is no task. */
const SEEN_AFTER = 300;

export const transfersSlice: StateCreator<Store, [], [], TransfersSlice> = (set, get) => {
  const change = (id: number, part: Partial<Transfer>) =>
    set((state) => ({ transfers: state.transfers.map((each) => (each.id === id ? { ...each, ...part } : each)) }));

  const run = async (kind: Transfer['kind'], named: Named, start: (id: number) => boolean | void) => {
    const speed = new Speed();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let known: Pick<Transfer, 'bytes' | 'total' | 'speed'> = { bytes: 0, speed: 0 };
    // Where to is asked before anything moves; the first word of progress comes after.
    const progress = (bytes: number, total?: number) => {
      known = { bytes, speed: speed.sample(Date.now(), bytes), ...(total !== undefined && { total }) };
      const startedAt = Date.now();
      timer ??= setTimeout(
        () =>
          set(({ transfers }) => ({
            transfers: [{ id, kind, ...named, state: 'running', startedAt, ...known }, ...transfers],
          })),
        SEEN_AFTER,
      );
      change(id, known);
    };
    const { id, end } = begin(start, { progress });
    const finish = (part: Partial<Transfer>) => change(id, { ...part, endedAt: Date.now(), speed: 0 });
    try {
      const ended = await end;
      finish({ state: ended.type === 'done' ? 'done' : 'cancelled' });
      return ended;
    } catch (error) {
      finish({ state: 'failed', problem: messageOf(error) });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    transfers: [],
    download: (what, named) => run('download', named, (id) => fileDesk().download(id, what)),
    upload: (into, files, named) => run('upload', named, (id) => fileDesk().upload(id, into, files)),
    fetchToDrag: (what) => begin((id) => fileDesk().fetch(id, what)),
    cancelTransfer: (id) => fileDesk().cancel(id),
    dismissTransfer: (id) => set({ transfers: get().transfers.filter((each) => each.id !== id) }),
  };
};

/** Of one that runs: from 0 to 1, undefined where its size is not known. */
export const shareOf = ({ bytes, total }: Transfer): number | undefined =>
  total ? Math.min(1, bytes / total) : undefined;
