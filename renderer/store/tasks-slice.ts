import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import type { ImageBuild } from '../../main/contract/bridge.js';
import type { Progress } from '../../main/contract/images.js';
import type { VolumeProgress } from '../../main/contract/volume-data.js';
import { fileDesk } from '../ui/desktop.js';
import { noOutput, withMore, type BuildOutput } from './build-output.js';
import { begin, handedOf, type Archive } from './desk.js';
import { messageOf, type Store } from './index.js';
import { advance, noProgress, share, Speed, sums, type PullProgress } from './pull-progress.js';
import { volumeTasks, type VolumeTasks } from './volume-tasks.js';

/** Of images, and of volumes: `export` to a file, `fill` from one, `fetch-backup` to a file. */
export type TaskKind =
  | 'pull'
  | 'push'
  | 'save'
  | 'load'
  | 'import'
  | 'build'
  | 'export'
  | 'fill'
  | 'clone'
  | 'backup'
  | 'restore'
  | 'fetch-backup';

/** What came of one about a volume: bytes; whether the disk holds what both have once; whether what was there before is a backup now. */
export interface TaskResult {
  size: number;
  compressed?: number;
  how?: 'reflink' | 'copy';
  before?: boolean;
}

/** An image, an archive or a copy of a volume on its way: it goes on whatever page is shown, and stays until it is dismissed. */
export interface Task {
  id: number;
  kind: TaskKind;
  /** The image's name, or the volume's; of an archive of images the file's. */
  reference: string;
  /** Of a pull for another platform than the engine's. */
  platform?: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  startedAt: number;
  endedAt?: number;
  progress: PullProgress;
  /** Of an archive: bytes that have passed, and how many there are where that is known. */
  moved?: { bytes: number; total?: number };
  /** Of a build. */
  output?: BuildOutput;
  /** What the engine does with a volume now. */
  stage?: VolumeProgress['Stage'];
  /** Bytes per second, 0 while nothing moves. */
  speed: number;
  problem?: string;
  result?: TaskResult;
}

export interface TasksSlice extends VolumeTasks {
  tasks: Task[];
  /** Starts to pull, or finds the pull of the same that is under way. Never rejects: the task tells. `platform`: another than the engine's. */
  pull(reference: string, platform?: string): number;
  /** The same for the other way. */
  push(reference: string): number;
  /** Asks where to; a task from the first byte on. Never rejects. */
  saveImages(references: string[], name: string): Promise<void>;
  /** Undefined where the file is not on this machine's disk. */
  loadArchive(archive: Archive): number | undefined;
  /** A root file system's tar, as an image of that name. */
  importArchive(archive: Archive, reference?: string): number | undefined;
  /** An image of a folder with a Dockerfile. Undefined where it is not on this machine's disk. */
  buildImage(folder: Archive, how: ImageBuild): number | undefined;
  /** Begins anew what has ended; the new one takes its place. */
  retryTask(id: number): void;
  cancelTask(id: number): void;
  dismissTask(id: number): void;
  /** The file of a task that loads or loaded one. */
  archiveOf(id: number): Archive | undefined;
}

/** Progress lines come faster than a screen is drawn. */
const redrawEvery = 100;

/** From 0 to 1; undefined where it is not known how much there is. */
export function shareOfTask({
  kind,
  moved,
  output,
  progress,
}: Pick<Task, 'kind' | 'moved' | 'output' | 'progress'>): number | undefined {
  if (kind === 'build') return output?.step ? (output.step.at - 1) / output.step.of : 0;
  if (!moved) return share(progress);
  return moved.total ? Math.min(1, moved.bytes / moved.total) : undefined;
}

/** What a task says of itself while it runs. */
export interface Reporter {
  line(line: Progress): void;
  bytes(bytes: number, total?: number): void;
  stage(progress: VolumeProgress): void;
}

export const tasksSlice =
  (client: Client): StateCreator<Store, [], [], TasksSlice> =>
  (set, get) => {
    const cancels = new Map<number, () => void>();
    const agains = new Map<number, () => void>();
    const archives = new Map<number, Archive>();
    let lastId = 0;
    const change = (id: number, part: Partial<Task>) =>
      set((state) => ({ tasks: state.tasks.map((task) => (task.id === id ? { ...task, ...part } : task)) }));
    const forget = (ids: number[]) => {
      for (const id of ids) for (const map of [cancels, agains, archives]) map.delete(id);
      set((state) => ({ tasks: state.tasks.filter(({ id }) => !ids.includes(id)) }));
    };

    /** What of a task changes, gathered and drawn a few times a second. */
    const reporter = (id: number) => {
      const building = get().tasks.find((task) => task.id === id)?.kind === 'build';
      let output = noOutput;
      const speed = new Speed();
      let progress = noProgress;
      let moved: Task['moved'];
      let stage: Task['stage'];
      let drawn = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const known = () => ({
        progress,
        ...(moved && { moved }),
        ...(stage && { stage }),
        ...(building && { output }),
      });
      const draw = () => {
        timer = undefined;
        drawn = Date.now();
        change(id, { ...known(), speed: speed.sample(drawn, moved?.bytes ?? sums(progress).current) });
      };
      const soon = () => (timer ??= setTimeout(draw, Math.max(0, redrawEvery - (Date.now() - drawn))));
      return {
        line(line: Progress) {
          progress = advance(progress, line);
          if (building && line.stream !== undefined) output = withMore(output, line.stream);
          soon();
        },
        bytes(bytes: number, total?: number) {
          moved = { bytes, ...(total !== undefined && { total }) };
          soon();
        },
        stage({ Stage, Bytes, Total }: VolumeProgress) {
          stage = Stage;
          const total = Total ?? moved?.total;
          if (Bytes !== undefined) moved = { bytes: Bytes, ...(total !== undefined && { total }) };
          soon();
        },
        known,
        end: () => clearTimeout(timer),
      };
    };

    const add = (kind: TaskKind, reference: string, again: () => void, platform?: string): number => {
      const id = (lastId += 1);
      agains.set(id, again);
      const task: Task = {
        id,
        kind,
        reference,
        state: 'running',
        startedAt: Date.now(),
        progress: noProgress,
        speed: 0,
        ...(platform !== undefined && { platform }),
      };
      // What is tried once more takes the place of what went wrong.
      const retried = get().tasks.filter(
        (other) =>
          other.kind === kind &&
          other.reference === reference &&
          other.platform === platform &&
          /^(?:failed|cancelled)$/.test(other.state),
      );
      forget(retried.map((other) => other.id));
      set((state) => ({ tasks: [task, ...state.tasks] }));
      return id;
    };

    /** Runs it to its end; `true`: it was cancelled. */
    const run = async (
      id: number,
      work: (say: Reporter) => Promise<boolean | TaskResult>,
      after: () => Promise<void>,
    ) => {
      const say = reporter(id);
      let last: Partial<Task>;
      try {
        const ended = await work(say);
        last = { state: ended === true ? 'cancelled' : 'done', ...(typeof ended === 'object' && { result: ended }) };
        if (last.state === 'done') await after().catch(() => undefined);
      } catch (error) {
        last = { state: 'failed', problem: messageOf(error) };
      }
      say.end();
      cancels.delete(id);
      change(id, { ...say.known(), ...last, endedAt: Date.now(), speed: 0 });
    };

    /** A pull or a push: the engine's lines come through the window. */
    const stream = (
      kind: 'pull' | 'push',
      reference: string,
      lines: (signal: AbortSignal) => AsyncGenerator<Progress>,
      again: () => void,
      after: () => Promise<void>,
      platform?: string,
    ): number => {
      const running = get().tasks.find(
        (task) =>
          task.kind === kind && task.reference === reference && task.platform === platform && task.state === 'running',
      );
      if (running) return running.id;
      const id = add(kind, reference, again, platform);
      const abort = new AbortController();
      cancels.set(id, () => abort.abort());
      const work = async (say: Reporter) => {
        try {
          for await (const line of lines(abort.signal)) say.line(line);
        } catch (error) {
          if (!abort.signal.aborted) throw error;
        }
        return abort.signal.aborted;
      };
      void run(id, work, after);
      return id;
    };

    const fill = (
      kind: TaskKind,
      archive: Archive,
      reference: string,
      start: (desk: number) => boolean,
      again: () => void,
      after: () => Promise<void>,
    ): number | undefined => {
      let say: Reporter | undefined;
      let began = false;
      const transfer = begin((desk) => (began = start(desk)), {
        progress: (bytes, total) => say?.bytes(bytes, total),
        line: (line) => say?.line(line),
        stage: (stage) => say?.stage(stage),
      });
      if (!began) return undefined;
      const id = add(kind, reference, again);
      archives.set(id, archive);
      cancels.set(id, () => fileDesk().cancel(transfer.id));
      const work = async (reporting: Reporter) => {
        say = reporting;
        say.bytes(0, archive.size);
        return (await transfer.end).type !== 'done';
      };
      void run(id, work, after);
      return id;
    };
    const load = (kind: 'load' | 'import', archive: Archive, as?: { reference?: string }): number | undefined =>
      fill(
        kind,
        archive,
        archive.name,
        (desk) => fileDesk().loadImages(desk, handedOf(archive), as),
        () => load(kind, archive, as),
        () => get().loadImages(),
      );

    const build = (folder: Archive, how: ImageBuild): number | undefined =>
      fill(
        'build',
        folder,
        how.reference,
        (desk) => fileDesk().buildImage(desk, handedOf(folder), how),
        () => build(folder, how),
        () => get().loadImages(),
      );

    const save = async (kind: TaskKind, reference: string, start: (desk: number) => void, again: () => void) => {
      let say: Reporter | undefined;
      let early: [bytes: number, total?: number] | undefined;
      // Where to is asked first; the first word of progress comes after.
      let began: () => void = () => undefined;
      const first = new Promise<void>((resolve) => (began = resolve));
      const transfer = begin(start, {
        progress: (bytes, total) => {
          early = [bytes, total];
          say?.bytes(bytes, total);
          began();
        },
      });
      transfer.end.then(began, began);
      await first;
      // Nothing has moved: the person changed their mind, or it failed at once.
      if (
        early === undefined &&
        (await transfer.end.then(
          ({ type }) => type === 'cancelled',
          () => false,
        ))
      )
        return;
      const id = add(kind, reference, again);
      cancels.set(id, () => fileDesk().cancel(transfer.id));
      await run(
        id,
        async (reporting) => {
          say = reporting;
          say.bytes(...(early ?? [0]));
          return (await transfer.end).type !== 'done';
        },
        async () => undefined,
      );
    };

    return {
      tasks: [],
      pull: (reference, platform) =>
        stream(
          'pull',
          reference,
          (signal) => client.images.pull(reference, { signal, ...(platform !== undefined && { platform }) }),
          () => get().pull(reference, platform),
          async () => {
            get().forgetNewer(reference);
            await get().loadImages();
          },
          platform,
        ),
      push: (reference) =>
        stream(
          'push',
          reference,
          (signal) => client.images.push(reference, { signal }),
          () => get().push(reference),
          async () => undefined,
        ),
      saveImages: (references, name) =>
        save(
          'save',
          name,
          (desk) => fileDesk().saveImages(desk, { images: references, name }),
          () => void get().saveImages(references, name),
        ),
      loadArchive: (archive) => load('load', archive),
      importArchive: (archive, reference) => load('import', archive, reference === undefined ? {} : { reference }),
      buildImage: build,
      retryTask(id) {
        const again = agains.get(id);
        forget([id]);
        again?.();
      },
      cancelTask: (id) => cancels.get(id)?.(),
      dismissTask: (id) => forget([id]),
      archiveOf: (id) => archives.get(id),
      ...volumeTasks(client, get, { add, run, save, fill, onCancel: (id, cancel) => void cancels.set(id, cancel) }),
    };
  };
