import type { StateCreator } from 'zustand';
import { ApiError, type Client } from '../../main/client/index.js';
import type {
  Changed,
  ChangeProgress,
  ContainerChange,
  FieldChange,
  HistoryEntry,
} from '../../main/contract/changes.js';
import type { EngineEvent } from '../../main/contract/events.js';
import { messageOf, type Store } from './index.js';

/** What is wished of a container: to be different, or to be again as it was at an entry of its history. */
export type Wish = { change: ContainerChange } | { revertTo: number };

/** `undoing`: called off. `lost`: the engine went. Of both the container's history tells how they end. */
export type ChangeState = 'running' | 'undoing' | 'lost' | 'done' | 'rolled-back' | 'cancelled' | 'failed';

/** A change of a container: it goes on whatever page is shown. */
export interface ChangeTask {
  id: number;
  container: string;
  /** As the container was called when this began; once it is done, as it is called then. */
  name: string;
  wish: Wish;
  state: ChangeState;
  /** Undefined while nothing needs time. */
  stage?: ChangeProgress['Stage'];
  /** When it came to this stage. */
  stageAt?: number;
  /** It is being given back what it had: `starting` is with that. */
  back?: boolean;
  endedAt?: number;
  changes?: FieldChange[];
  restarted?: boolean;
  warnings?: string[];
  /** Why it did not stay, in the engine's words. */
  problem?: string;
  /** And why what was there before does not run either. */
  error?: string;
  /** The entry of the history to go back to in order to undo it. */
  undoTo?: number;
}

export interface ChangesSlice {
  changes: ChangeTask[];
  /** Starts to change, or finds the change of the same container that is under way. Never rejects: the task tells. */
  change(container: { id: string; name: string }, wish: Wish): number;
  /** Undoes what is not known to work yet. */
  cancelChange(id: number): void;
  dismissChange(id: number): void;
  changesHear(event: EngineEvent): void;
  /** Looks up what became of changes whose end this window did not see. */
  findOutChanges(): Promise<void>;
}

/** Whether this engine changes containers that are there, and remembers. */
export const canChange = ({ features }: Pick<Store, 'features'>): boolean => features?.can?.includes('change') ?? false;
export const hasHistory = ({ features }: Pick<Store, 'features'>): boolean =>
  features?.can?.includes('history') ?? false;

export const isUnderWay = ({ state }: Pick<ChangeTask, 'state'>): boolean =>
  state === 'running' || state === 'undoing' || state === 'lost';

const isEnd = ({ Kind }: HistoryEntry): boolean => Kind === 'changed' || Kind === 'reverted' || Kind === 'rolled-back';

/** What it is called after these changes. */
const nameAfter = (changes: FieldChange[], before: string): string => {
  const to = changes.find(({ Field }) => Field === 'Name')?.To;
  return typeof to === 'string' ? to : before;
};

export const changesSlice =
  (client: Client): StateCreator<Store, [], [], ChangesSlice> =>
  (set, get) => {
    const aborts = new Map<number, AbortController>();
    /** The newest entry of the history before each began. */
    const began = new Map<number, number>();
    let lastId = 0;
    const find = (id: number) => get().changes.find((task) => task.id === id);
    const patch = (id: number, part: Partial<ChangeTask>) =>
      set((state) => ({ changes: state.changes.map((task) => (task.id === id ? { ...task, ...part } : task)) }));

    /** While it neither runs as it did nor as it will, nothing else is offered. */
    const setPending = (container: string, on: boolean) =>
      set(({ pending: { [container]: own, ...others } }) => {
        if (own && own.verb !== 'change') return {};
        return { pending: on ? { ...others, [container]: own ?? { verb: 'change', since: Date.now() } } : others };
      });

    const end = async (id: number, state: ChangeState, part: Partial<ChangeTask> = {}) => {
      aborts.delete(id);
      began.delete(id);
      // The list first, so that nothing shows what was before.
      await get()
        .loadContainers()
        .catch(() => undefined);
      const task = find(id);
      if (task) setPending(task.container, false);
      patch(id, { ...part, state, stage: undefined, endedAt: Date.now() });
    };
    const fromHistory = async ({ id, container, name, state }: ChangeTask): Promise<boolean> => {
      const history = await client.slipway.history(container);
      const since = began.get(id) ?? Infinity;
      const at = history.findLastIndex((entry) => entry.Seq > since && isEnd(entry));
      const entry = history[at];
      if (!entry) return false;
      const { Changes: changes = [], Reason, Error: error } = entry;
      if (entry.Kind === 'rolled-back')
        await end(id, state === 'undoing' ? 'cancelled' : 'rolled-back', { changes, problem: Reason, error });
      else await end(id, 'done', { changes, name: nameAfter(changes, name), undoTo: history[at + 1]?.Seq });
      return true;
    };
    const succeed = async (task: ChangeTask, { Changes, Restarted, Warnings }: Changed) => {
      patch(task.id, { restarted: Restarted, warnings: Warnings });
      // Its entry says what to go back to. Without one it is done all the same.
      if (Changes.length > 0 && (await fromHistory(task).catch(() => false))) return;
      await end(task.id, 'done', { changes: Changes, name: nameAfter(Changes, task.name) });
    };
    const findOut = async (task: ChangeTask) => {
      try {
        await fromHistory(task);
      } catch (error) {
        if (error instanceof ApiError && error.kind === 'not-found')
          await end(task.id, 'failed', { problem: messageOf(error) });
        // Else there is no engine just now: the next one is asked.
      }
    };

    const run = async (task: ChangeTask, signal: AbortSignal) => {
      const { id, container, wish } = task;
      let begun = false;
      const onProgress = ({ Stage }: ChangeProgress) => {
        begun = true;
        patch(id, {
          stage: Stage,
          stageAt: Date.now(),
          restarted: true,
          ...(Stage === 'rolling-back' && { back: true }),
        });
        setPending(container, Stage !== 'watching');
      };
      try {
        const [newest] = await client.slipway.history(container);
        began.set(id, newest?.Seq ?? 0);
        const options = { signal, onProgress };
        const outcome =
          'change' in wish
            ? await client.slipway.change(container, wish.change, options)
            : await client.slipway.revert(container, wish.revertTo, options);
        const { Changes, RolledBack, Warnings } = outcome;
        if (RolledBack)
          await end(id, 'rolled-back', {
            ...{ changes: Changes, warnings: Warnings },
            ...{ problem: RolledBack.Reason, error: RolledBack.Error },
          });
        else await succeed(task, outcome);
      } catch (error) {
        if (!begun) return end(id, signal.aborted ? 'cancelled' : 'failed', { problem: messageOf(error) });
        patch(id, { state: signal.aborted ? 'undoing' : 'lost', stage: undefined });
        setPending(container, signal.aborted);
        await findOut(find(id) ?? task);
      }
    };

    return {
      changes: [],
      change({ id: container, name }, wish) {
        const underWay = get().changes.find((task) => task.container === container && isUnderWay(task));
        if (underWay) return underWay.id;
        const id = (lastId += 1);
        const abort = new AbortController();
        aborts.set(id, abort);
        const task: ChangeTask = { id, container, name, wish, state: 'running' };
        set((state) => ({ changes: [task, ...state.changes.filter((other) => other.container !== container)] }));
        void run(task, abort.signal);
        return id;
      },
      cancelChange: (id) => aborts.get(id)?.abort(),
      dismissChange: (id) => set((state) => ({ changes: state.changes.filter((task) => task.id !== id) })),
      changesHear({ Type, Actor }) {
        if (Type !== 'container') return;
        for (const task of get().changes)
          if (task.container === Actor.ID && (task.state === 'undoing' || task.state === 'lost')) void findOut(task);
      },
      async findOutChanges() {
        const open = get().changes.filter(({ state }) => state === 'undoing' || state === 'lost');
        await Promise.all(open.map(findOut));
      },
    };
  };
