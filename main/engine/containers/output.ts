import { conflict, invalid, messageOf, notImplemented } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import { openHistory, readLog, type LogView } from '../logs/index.js';
import type { AttachStream } from '../../contract/streams.js';
import { Attachment } from './attachment.js';
import { timeBound } from './clock.js';
import { parseDetachKeys } from './detach-keys.js';
import { logAttributes } from './log-attributes.js';
import type { Ledger } from './ledger.js';
import type { HelperRoom } from './rooms.js';
import type { ContainerPaths } from './paths.js';

export interface AttachRequest {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  stream: boolean;
  logs: boolean;
  /** How many entries of what was before, the last ones: `all` or a number. */
  tail?: string | undefined;
  detachKeys?: string | undefined;
}

export interface LogsRequest {
  follow: boolean;
  stdout: boolean;
  stderr: boolean;
  timestamps: boolean;
  details: boolean;
  /** Unix seconds, with a fraction or without; empty or `0`: no bound. */
  since?: string | undefined;
  until?: string | undefined;
  /** `all` or a number. */
  tail?: string | undefined;
  /** Ends the following of a log whose reader has gone. */
  signal?: AbortSignal;
}

const log = createLog('containers');

/** What containers say and hear: joined as it happens, or read from what was stored. */
export class Output {
  readonly #ledger: Ledger;
  readonly #helper: HelperRoom;

  constructor(ledger: Ledger, helper: HelperRoom) {
    this.#ledger = ledger;
    this.#helper = helper;
  }

  /** Works before the start too: then the stream begins with the first byte. */
  async attach(reference: string, request: AttachRequest): Promise<AttachStream> {
    const container = this.#ledger.find(reference);
    const { record } = container;
    const detachKeys = parseDetachKeys(request.detachKeys);
    if (container.status === 'paused') {
      throw conflict(`container ${reference} is paused, unpause the container before attach`);
    }
    if (container.status === 'restarting') {
      throw conflict(`container ${reference} is restarting, wait until the container is running`);
    }
    if (container.removal) throw conflict(`container ${reference} is being removed`);
    const paths = this.#ledger.pathsOf(container.id);
    const attachment = new Attachment({
      ...request,
      lend: (...errand) => this.#helper.lend(...errand),
      tty: record.config.Tty,
      framed: !record.config.Tty,
      stdin: request.stdin && request.stream && record.config.OpenStdin,
      detachKeys,
      onDetach: () => this.#ledger.publish(container, 'detach'),
    });
    const view: LogView = {
      stdout: request.stdout,
      stderr: request.stderr,
      framed: !record.config.Tty,
      timestamps: false,
    };
    // The lock holds a start or an end off, so that it is either before or after this.
    using _ = await this.#ledger.lock(container);
    if (!container.live || !request.stream) {
      if (request.logs) attachment.send(readLog(paths.log, { ...view, tail: entries(request.tail) }));
      if (request.stream) container.pending.add(attachment);
      else attachment.finish();
    } else if (request.logs) await this.#attachWithHistory(attachment, paths, view, entries(request.tail));
    else await this.#attachNow(attachment, paths);
    this.#ledger.publish(container, 'attach');
    return attachment;
  }

  /** What was written to the log, and with `follow` what is being written until the container ends. */
  logs(reference: string, request: LogsRequest): { tty: boolean; chunks: AsyncIterable<Uint8Array> } {
    const container = this.#ledger.find(reference);
    const { config, hostConfig } = container.record;
    if (!request.stdout && !request.stderr) throw invalid('Bad parameters: you must choose at least one stream');
    if (hostConfig.LogConfig.Type === 'none') {
      throw notImplemented('configured logging driver does not support reading');
    }
    const since = timeBound(request.since);
    const until = timeBound(request.until);
    const follow = request.follow && container.live ? eitherOf(container.live.ended, request.signal) : undefined;
    const chunks = readLog(this.#ledger.pathsOf(container.id).log, {
      stdout: request.stdout,
      stderr: request.stderr,
      framed: !config.Tty,
      timestamps: request.timestamps,
      ...(request.details && { details: logAttributes(container.record) }),
      tail: entries(request.tail),
      ...(since && { since }),
      ...(until && { until }),
      ...(follow && { follow }),
    });
    return { tty: config.Tty, chunks };
  }

  async #attachNow(attachment: Attachment, { stateDir }: ContainerPaths): Promise<void> {
    try {
      await attachment.connect(stateDir);
    } catch (error) {
      // It ended just now: the client gets an empty stream, as it would a moment later.
      log.debug(`attach: ${messageOf(error)}`);
      attachment.finish();
    }
  }

  /** What was logged, then the stream, without a gap and with nothing twice: the monitor says where the stream begins. */
  async #attachWithHistory(attachment: Attachment, paths: ContainerPaths, view: LogView, tail?: number): Promise<void> {
    // The files are opened before; had one been rotated by the time the stream begins, its position would mean another file.
    for (let attempt = 0; ; attempt++) {
      const history = await openHistory(paths.log);
      try {
        const done = await attachment.connectAfter(paths.stateDir, async ({ log: end }) =>
          (await history.current()) || attempt >= 5 ? history.read(end, view, tail) : undefined,
        );
        if (!done || attachment.closed) await history[Symbol.asyncDispose]();
        if (done) return attachment.finish();
      } catch (error) {
        await history[Symbol.asyncDispose]();
        log.debug(`attach: ${messageOf(error)}`);
        attachment.send(readLog(paths.log, { ...view, tail }));
        return attachment.finish();
      }
    }
  }
}

/** Undefined: all. */
const entries = (tail = 'all'): number | undefined => (/^\d+$/.test(tail) ? Number(tail) : undefined);

/** Resolves with the first to come. */
const eitherOf = (ended: Promise<unknown>, signal?: AbortSignal): Promise<unknown> =>
  signal
    ? Promise.race([ended, new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))])
    : ended;
