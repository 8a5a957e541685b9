import { conflict, messageOf, unavailable } from '../../base/errors.js';
import { shortId } from '../../base/ids.js';
import { createLog } from '../../base/log.js';
import type { Change } from '../../base/store.js';
import type { Changed, ChangeProgress, FieldChange } from '../../contract/changes.js';
import { now } from './clock.js';
import type { Container } from './container.js';
import { patched, shownPatches } from './difference.js';
import type { Ending } from './ending.js';
import { healthProbe, readHealth } from './health.js';
import { letGoOfImages } from './image-mounts.js';
import type { Ledger } from './ledger.js';
import { formerVolumes } from './mount-plan.js';
import { volumesOf, type ContainerRecord, type MountPoint, type Trial } from './record.js';
import type { Removal } from './removal.js';
import type { ContainersOptions } from './rooms.js';
import type { Runs } from './runs.js';

type TrialsOptions = Pick<ContainersOptions, 'images' | 'snapshots' | 'volumes'>;

interface TrialsParts {
  ending: Ending;
  removal: Removal;
  runs: Runs;
}

export interface TrialCall {
  /** Aborted: it is undone. */
  signal?: AbortSignal | undefined;
  report?: ((progress: ChangeProgress) => void) | undefined;
}

/** How much longer than its health check may take it is waited for. */
const GRACE_MS = 5_000;
const LONGEST_REASON = 300;
/** The longest that a timer can wait. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

const log = createLog('containers');

/**
 * Restarts a container with another configuration and watches how it does. Where it does not do well it is given back the earlier one and started
 * again. Each step is in its row before it is made, so that the next engine goes on where this one was killed.
 */
export class Trials {
  readonly #options: TrialsOptions;
  readonly #ledger: Ledger;
  readonly #parts: TrialsParts;
  readonly #closing = new AbortController();

  constructor(options: TrialsOptions, ledger: Ledger, parts: TrialsParts) {
    this.#options = options;
    this.#ledger = ledger;
    this.#parts = parts;
  }

  /** What is on trial stays so: the next engine sees to it. */
  close(): void {
    this.#closing.abort();
  }

  /** Goes on with what another engine began. */
  resume(container: Container): void {
    const { record } = container;
    const name = record.trial?.name;
    if (name !== undefined && !this.#ledger.holderOf(name)) this.#ledger.takeName(container.id, name);
    this.#options.images.setRunning(container.id, true);
    this.run(container).catch((error: unknown) => {
      if (this.#closing.signal.aborted) return;
      log.error(
        `the change of container ${shortId(container.id)} could not be brought to its end: ${messageOf(error)}`,
      );
    });
  }

  /** From wherever its record says that it is to the end. */
  async run(container: Container, call: TrialCall = {}): Promise<Pick<Changed, 'Changes' | 'RolledBack'>> {
    for (;;) {
      const { trial } = container.record;
      if (!trial || this.#closing.signal.aborted)
        throw unavailable('the engine ends: the next one goes on with the change');
      switch (trial.stage) {
        case 'stop':
          await this.#begin(container, trial, call);
          break;
        case 'try': {
          const reason = await this.#verdict(container, trial, call);
          if (reason === undefined) return this.#accept(container, trial);
          await this.#mark(container, { ...trial, stage: 'undo', reason });
          break;
        }
        case 'undo':
          await this.#goBack(container, trial, call);
          break;
        case 'back':
          return this.#settleBack(container, trial);
      }
    }
  }

  /** Stops it and lets it go with the change. */
  async #begin(container: Container, trial: Trial, call: TrialCall): Promise<void> {
    call.report?.({ Stage: 'stopping' });
    using _ = await this.#stopped(container);
    if (call.signal?.aborted) return await this.#launchBack(container, { ...trial, reason: CANCELLED }, call);
    const { image, runtime, mounts, patches } = trial;
    Object.assign(container.record, patched(container.record, patches, 'To'), {
      ...(image && { image: image.to }),
      ...(mounts && { mounts: mounts.to }),
      ...(runtime && { runtime: runtime.to }),
      trial: { ...trial, stage: 'try', since: now() } satisfies Trial,
    });
    call.report?.({ Stage: 'starting' });
    await this.#launch(container, (change) => {
      if (!image) return;
      this.#options.images.hold(change, image.to.id, container.id);
      this.#options.snapshots.rebase(change, container.id, image.to.chainId);
    }).catch(async (error: unknown) => {
      Object.assign(container.record, {
        trial: { ...trial, stage: 'undo', reason: `it does not start: ${messageOf(error)}` },
      });
      await this.#ledger.save(container);
    });
  }

  async #goBack(container: Container, trial: Trial, call: TrialCall): Promise<void> {
    call.report?.({ Stage: 'rolling-back' });
    using _ = await this.#stopped(container);
    await this.#launchBack(container, trial, call);
  }

  /** Lets it go as it was before; called with its lock held. That this fails too is in its record. */
  async #launchBack(container: Container, trial: Trial, { report }: TrialCall): Promise<void> {
    const { image, runtime, mounts, patches } = trial;
    Object.assign(container.record, patched(container.record, patches, 'From'), {
      ...(image && { image: image.from }),
      ...(mounts && { mounts: mounts.from }),
      ...(runtime && { runtime: runtime.from }),
      error: '',
      trial: { ...trial, stage: 'back', since: now() } satisfies Trial,
    });
    report?.({ Stage: 'starting' });
    await this.#launch(container, (change) => {
      if (image) this.#options.snapshots.rebase(change, container.id, image.from.chainId);
    }).catch((error: unknown) =>
      log.warn(`container ${shortId(container.id)} does not start as it was before either: ${messageOf(error)}`),
    );
  }

  #launch(container: Container, also: (change: Change) => void): Promise<void> {
    container.backoff = 0;
    container.record.restartCount = 0;
    return this.#parts.runs.launch(container, also);
  }

  /** The lock of the container once it does not run. */
  async #stopped(container: Container): Promise<Disposable> {
    for (;;) {
      const lock = await this.#ledger.lock(container);
      if (!container.removal && !container.live) {
        this.#parts.runs.restarts.callOff(container);
        return lock;
      }
      lock[Symbol.dispose]();
      refuseRemoved(container);
      await this.#parts.ending.stop(container);
    }
  }

  async #mark(container: Container, trial: Trial): Promise<void> {
    using _ = await this.#ledger.lock(container);
    container.record.trial = trial;
    await this.#ledger.save(container);
  }

  /** Why it cannot stay so; undefined: it can. */
  async #verdict(container: Container, trial: Trial, { signal, report }: TrialCall): Promise<string | undefined> {
    const { record } = container;
    const probe = healthProbe(record.config);
    let since = Date.parse(trial.since ?? '') || Date.now();
    const patience = probe
      ? probe.startPeriodMs + (probe.retries + 1) * (probe.intervalMs + probe.timeoutMs) + GRACE_MS
      : trial.watch;
    // Another engine was killed before it let it go, or the machine took it along: that says nothing of it.
    if (!container.live && (record.startedAt < (trial.since ?? '') || record.bootId !== this.#parts.runs.bootId)) {
      const failed = await this.#again(container);
      if (failed !== undefined) return failed;
      since = Date.now();
    }
    report?.({ Stage: 'watching' });
    for (;;) {
      const { live } = container;
      if (this.#closing.signal.aborted) throw unavailable('the engine ends: the next one goes on with the change');
      if (signal?.aborted) return CANCELLED;
      if (!live) return this.#endInWords(container);
      const status = probe && record.health?.Status;
      if (status === 'healthy') return undefined;
      if (status === 'unhealthy') return this.#illnessInWords(container);
      const left = since + patience - Date.now();
      if (left <= 0)
        return probe ? `it did not become healthy within ${Math.ceil(patience / 1000)} seconds` : undefined;
      await this.#something(container, left, signal);
    }
  }

  async #again(container: Container): Promise<string | undefined> {
    using _ = await this.#ledger.lock(container);
    try {
      await this.#launch(container, () => undefined);
      return undefined;
    } catch (error) {
      return `it does not start: ${messageOf(error)}`;
    }
  }

  async #illnessInWords({ id }: Container): Promise<string> {
    const health = await readHealth(this.#ledger.pathsOf(id).stateDir);
    const said = health?.Log.at(-1)?.Output.trim();
    return `it became unhealthy${said ? `: ${said.slice(0, LONGEST_REASON)}` : ''}`;
  }

  /** Who is stopped by somebody or ends well has not failed. */
  #endInWords({ record }: Container): string | undefined {
    if (record.stoppedByHand || record.exitCode === 0) return undefined;
    const why = record.oomKilled ? ', for want of memory' : record.error ? `: ${record.error}` : '';
    return `it ended with exit code ${record.exitCode}${why}`;
  }

  /** Its end, another state of its health, the end of the wait or of the call. */
  async #something(container: Container, milliseconds: number, signal?: AbortSignal): Promise<void> {
    const closing = this.#closing.signal;
    let watcher: () => void = () => undefined;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      watcher = resolve;
      container.watchers.add(watcher);
      void container.live?.ended.then(resolve);
      timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_WAIT_MS));
      for (const one of [signal, closing]) one?.addEventListener('abort', watcher);
    });
    clearTimeout(timer);
    container.watchers.delete(watcher);
    for (const one of [signal, closing]) one?.removeEventListener('abort', watcher);
  }

  async #accept(container: Container, trial: Trial): Promise<{ Changes: FieldChange[] }> {
    const { record, id } = container;
    using _ = await this.#ledger.lock(container);
    refuseRemoved(container);
    const before = record.name;
    const Changes = shownPatches(trial.patches);
    delete record.trial;
    if (trial.name !== undefined) record.name = trial.name;
    const { mounts } = trial;
    if (mounts) record.former = formerVolumes({ ...record, mounts: mounts.from }, mounts.to);
    await this.#settle(container, (change) => {
      if (mounts) this.#letGo(change, record, mounts.from, mounts.to);
      if (trial.image && trial.image.from.id !== trial.image.to.id)
        this.#options.images.release(change, trial.image.from.id, id);
      const kind =
        trial.revertTo === undefined ? { Kind: 'changed' as const } : { Kind: 'reverted' as const, To: trial.revertTo };
      this.#ledger.history.put(change, id, { ...kind, Changes });
    });
    if (trial.name !== undefined) {
      this.#ledger.freeName(before);
      this.#ledger.publish(container, 'rename', { oldName: `/${before}` });
    }
    this.#ledger.publish(container, 'update');
    return { Changes };
  }

  async #settleBack(container: Container, trial: Trial): Promise<Pick<Changed, 'Changes' | 'RolledBack'>> {
    const { record, id } = container;
    const { reason: Reason = '' } = trial;
    const Changes = shownPatches(trial.patches);
    if (!container.live && record.startedAt < (trial.since ?? '') && record.error === '') await this.#again(container);
    using _ = await this.#ledger.lock(container);
    refuseRemoved(container);
    const failed = !container.live && record.error ? { Error: record.error } : {};
    delete record.trial;
    const { mounts } = trial;
    await this.#settle(container, (change) => {
      if (mounts) this.#letGo(change, record, mounts.to, mounts.from);
      if (trial.image && trial.image.from.id !== trial.image.to.id)
        this.#options.images.release(change, trial.image.to.id, id);
      this.#ledger.history.put(change, id, { Kind: 'rolled-back', Changes, Reason, ...failed });
    });
    if (trial.name !== undefined) this.#ledger.freeName(trial.name);
    this.#ledger.publish(container, 'update');
    return { Changes, RolledBack: { Reason, ...failed } };
  }

  /** The volumes and images that it does not have mounted any more; what is in them stays. */
  #letGo(change: Change, record: ContainerRecord, before: MountPoint[], after: MountPoint[]): void {
    letGoOfImages(change, { record, before, after }, this.#options);
    const gone = new Set(volumesOf({ mounts: before }));
    for (const name of volumesOf({ mounts: after })) gone.delete(name);
    this.#options.volumes.release(change, record.id, [], gone);
  }

  /** From here on its policy, `--rm` and its network are what they always are. */
  async #settle(container: Container, also: (change: Change) => void): Promise<void> {
    const { runs, removal } = this.#parts;
    const { record } = container;
    if (container.live) return this.#ledger.save(container, {}, also);
    this.#options.images.setRunning(container.id, false);
    const comesBack = !record.stoppedByHand && runs.restarts.wanted(container);
    if (comesBack) runs.restarts.promise(container, 0);
    (await this.#ledger.saveEnded(container, also))();
    if (record.hostConfig.AutoRemove && record.error === '') void removal.removeQuietly(container);
  }
}

const CANCELLED = 'it was called off before it was known to work';

function refuseRemoved({ removal, record }: Container): void {
  if (removal) throw conflict(`container ${record.name} is being removed`);
}
