import type { ContainerStatus, ContainerWait } from '../../contract/containers.js';
import type { Attachment } from './attachment.js';
import type { Live } from './live.js';
import { NEVER, type ContainerRecord } from './record.js';

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** A container in memory: its record, what of it is alive, and who waits for it. */
export class Container {
  live: Live | undefined;
  /** Set while its restart policy waits to let it go again. */
  restarting: { cancel(): void } | undefined;
  /** Milliseconds until the next restart. */
  backoff = 0;
  removal: Promise<void> | undefined;
  /** The same, but into the bin. */
  discarding: Promise<unknown> | undefined;
  dead = false;
  /** Why its last run did not end by itself. */
  lost: string | undefined;
  /** What its last run left is still being cleared away. */
  cleanup: Promise<void> = Promise.resolve();
  /** Attached before there is a process. */
  readonly pending = new Set<Attachment>();
  readonly execs = new Set<string>();
  /** Who still uses the files of a run, which may be over. */
  readonly uses = new Set<Promise<void>>();
  /** Told when its health is another. */
  readonly watchers = new Set<() => void>();
  readonly #waiters = new Set<{ condition: WaitCondition; resolve: (result: ContainerWait) => void }>();

  constructor(readonly record: ContainerRecord) {}

  get id(): string {
    return this.record.id;
  }

  get status(): ContainerStatus {
    if (this.removal) return 'removing';
    if (this.dead) return 'dead';
    if (this.live) return this.record.paused ? 'paused' : 'running';
    if (this.restarting) return 'restarting';
    return this.record.startedAt === NEVER ? 'created' : 'exited';
  }

  /** As Docker counts: a container between two runs of its restart policy is running. */
  get running(): boolean {
    return this.live !== undefined || this.restarting !== undefined;
  }

  stir(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  /** Nothing is left of the run before that another one would meet. */
  async settled(): Promise<void> {
    await Promise.all([this.cleanup, ...this.uses]);
  }

  /** Registered at once, so that no end from here on is missed. */
  wait(condition: WaitCondition, signal?: AbortSignal): Promise<ContainerWait> {
    if (condition === 'not-running' && !this.running) return Promise.resolve(this.#result());
    return new Promise((resolve) => {
      const waiter = { condition, resolve };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', () => this.#waiters.delete(waiter), { once: true });
    });
  }

  /** `failure`: why what is waited for will not come. */
  wake(conditions: WaitCondition[], failure?: string): void {
    for (const waiter of [...this.#waiters]) {
      if (!conditions.includes(waiter.condition)) continue;
      this.#waiters.delete(waiter);
      const result = this.#result();
      // Removal is what was waited for; how the process ended is its own story, unless the removal belongs to a run that was cut off.
      const cutOff = this.record.hostConfig.AutoRemove ? this.lost : undefined;
      const error = waiter.condition === 'removed' ? (failure ?? cutOff) : result.Error?.Message;
      waiter.resolve({ StatusCode: result.StatusCode, ...(error && { Error: { Message: error } }) });
    }
  }

  #result(): ContainerWait {
    const { exitCode, error } = this.record;
    return { StatusCode: exitCode, ...(error && { Error: { Message: error } }) };
  }
}
