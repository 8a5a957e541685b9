import type { StateCreator } from 'zustand';
import type { Client } from '../../main/client/index.js';
import { messageOf, type Store } from './index.js';
import { advance, noProgress, Speed, sums, type PullProgress } from './pull-progress.js';

/** A pull: it goes on whatever page is shown. */
export interface Task {
  id: number;
  reference: string;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  startedAt: number;
  endedAt?: number;
  progress: PullProgress;
  /** Bytes per second, 0 while nothing moves. */
  speed: number;
  problem?: string;
}

export interface TasksSlice {
  tasks: Task[];
  /** Starts to pull, or finds the pull of the same reference that is under way. Never rejects: the task tells. `platform`: another than the engine's. */
  pull(reference: string, platform?: string): number;
  cancelTask(id: number): void;
  dismissTask(id: number): void;
}

/** Progress lines come faster than a screen is drawn. */
const redrawEvery = 100;

export const tasksSlice =
  (client: Client): StateCreator<Store, [], [], TasksSlice> =>
  (set, get) => {
    const aborts = new Map<number, AbortController>();
    let lastId = 0;
    const change = (id: number, part: Partial<Task>) =>
      set((state) => ({ tasks: state.tasks.map((task) => (task.id === id ? { ...task, ...part } : task)) }));

    const run = async (id: number, reference: string, platform: string | undefined, signal: AbortSignal) => {
      const speed = new Speed();
      let progress = noProgress;
      let drawn = 0;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const draw = () => {
        timer = undefined;
        drawn = Date.now();
        change(id, { progress, speed: speed.sample(drawn, sums(progress).current) });
      };
      try {
        for await (const line of client.images.pull(reference, {
          signal,
          ...(platform !== undefined && { platform }),
        })) {
          progress = advance(progress, line);
          timer ??= setTimeout(draw, Math.max(0, redrawEvery - (Date.now() - drawn)));
        }
        change(id, { state: 'done', progress });
        await get().loadImages();
      } catch (error) {
        if (signal.aborted) change(id, { state: 'cancelled', progress });
        else change(id, { state: 'failed', progress, problem: messageOf(error) });
      } finally {
        clearTimeout(timer);
        aborts.delete(id);
        change(id, { endedAt: Date.now(), speed: 0 });
      }
    };

    return {
      tasks: [],
      pull(reference, platform) {
        const running = get().tasks.find((task) => task.reference === reference && task.state === 'running');
        if (running) return running.id;
        const id = (lastId += 1);
        const abort = new AbortController();
        aborts.set(id, abort);
        const task: Task = { id, reference, state: 'running', startedAt: Date.now(), progress: noProgress, speed: 0 };
        const retried = (other: Task) =>
          other.reference === reference && other.state !== 'running' && other.state !== 'done';
        set((state) => ({ tasks: [task, ...state.tasks.filter((other) => !retried(other))] }));
        void run(id, reference, platform, abort.signal);
        return id;
      },
      cancelTask: (id) => aborts.get(id)?.abort(),
      dismissTask: (id) => set((state) => ({ tasks: state.tasks.filter((task) => task.id !== id) })),
    };
  };
