import type { ByteDuplex, Transport } from '../contract/bridge.js';
import type {
  ContainerCreate,
  ContainerCreated,
  ContainerInspect,
  ContainerSummary,
  ContainerTop,
  ContainerUpdate,
  ContainerWait,
} from '../contract/containers.js';
import type { Filters } from '../contract/filters.js';
import type { ContainerStats } from '../contract/stats.js';
import { archiveAt } from './files-at.js';
import { getJson, open, postJson, segment, send, upgrade, withQuery, type Cancel } from './request.js';
import { demultiplex, plainOutput, readJsonLines, readText, type Output } from './streams.js';

export interface AttachOptions {
  stdin?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  /** Follow what happens; default. */
  stream?: boolean;
  /** Replay what was before. */
  logs?: boolean;
  /** Of that only the last so many entries. Ours; another engine replays all. */
  tail?: number;
  detachKeys?: string;
}

export interface LogsOptions {
  follow?: boolean;
  stdout?: boolean;
  stderr?: boolean;
  since?: string | number;
  until?: string | number;
  tail?: number | 'all';
  timestamps?: boolean;
  details?: boolean;
  /** Whether the container has a tty, when the caller knows; otherwise the engine is asked. */
  tty?: boolean;
}

export const containersClient = (transport: Transport) => {
  const at = (id: string, verb: string) => `/containers/${segment(id)}/${verb}`;
  const act = (id: string, verb: string, values: Parameters<typeof withQuery>[1] = {}) =>
    send(transport, 'POST', withQuery(at(id, verb), values));

  return {
    ...archiveAt(transport, '/containers'),

    list: (options: { all?: boolean; limit?: number; size?: boolean; filters?: Filters } = {}) =>
      getJson<ContainerSummary[]>(transport, withQuery('/containers/json', options)),

    inspect: (id: string, options: { size?: boolean } = {}) =>
      getJson<ContainerInspect>(transport, withQuery(at(id, 'json'), options)),

    create: (body: ContainerCreate, options: { name?: string; platform?: string } = {}) =>
      postJson<ContainerCreated>(transport, withQuery('/containers/create', options), body),

    start: (id: string, options: { detachKeys?: string } = {}) => act(id, 'start', options),
    stop: (id: string, options: { t?: number; signal?: string } = {}) => act(id, 'stop', options),
    restart: (id: string, options: { t?: number; signal?: string } = {}) => act(id, 'restart', options),
    kill: (id: string, signal?: string) => act(id, 'kill', { signal }),
    pause: (id: string) => act(id, 'pause'),
    unpause: (id: string) => act(id, 'unpause'),
    rename: (id: string, name: string) => act(id, 'rename', { name }),
    resize: (id: string, rows: number, cols: number) => act(id, 'resize', { h: rows, w: cols }),

    remove: (id: string, options: { force?: boolean; v?: boolean; link?: boolean } = {}) =>
      send(transport, 'DELETE', withQuery(`/containers/${segment(id)}`, options)),

    prune: (filters?: Filters) =>
      postJson<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>(
        transport,
        withQuery('/containers/prune', { filters }),
      ),

    top: (id: string, psArgs?: string) =>
      getJson<ContainerTop>(transport, withQuery(at(id, 'top'), { ps_args: psArgs })),

    /** Changes limits and restart policy of a container, also while it runs. Warnings say what this machine cannot limit. */
    update: (id: string, body: ContainerUpdate) =>
      postJson<{ Warnings: string[] | null }>(transport, at(id, 'update'), body),

    /** What it uses, a look each second. */
    async stats(id: string, cancel: Cancel = {}): Promise<AsyncGenerator<ContainerStats>> {
      const { body } = await open(
        transport,
        { method: 'GET', path: withQuery(at(id, 'stats'), { stream: true }) },
        cancel,
      );
      return readJsonLines<ContainerStats>(body);
    },

    /**
     * Registers at once: when the promise of `wait` resolves, the engine is waiting, so the container may be started. `result` is
     * the end itself.
     */
    async wait(
      id: string,
      condition: 'not-running' | 'next-exit' | 'removed' = 'not-running',
      options: Cancel = {},
    ): Promise<{ result: Promise<ContainerWait> }> {
      const { body } = await open(
        transport,
        { method: 'POST', path: withQuery(at(id, 'wait'), { condition }) },
        options,
      );
      const result = readText(body).then((text) => JSON.parse(text) as ContainerWait);
      result.catch(() => undefined);
      return { result };
    },

    /** Raw bytes each way: the terminal's with a tty, else frames for `demultiplex`. Works before `start`, so no byte is missed. */
    attach: (id: string, { stream = true, ...options }: AttachOptions): Promise<ByteDuplex> =>
      upgrade(transport, withQuery(at(id, 'attach'), { stream, ...options })),

    /** What was written, and with `follow` what is being written until the container ends. */
    async *logs(id: string, options: LogsOptions = {}, cancel: Cancel = {}): AsyncGenerator<Output> {
      const { tty, stdout = true, stderr = true, ...query } = options;
      const raw = tty ?? (await getJson<ContainerInspect>(transport, at(id, 'json'))).Config.Tty;
      const path = withQuery(at(id, 'logs'), { stdout, stderr, ...query });
      const { body } = await open(transport, { method: 'GET', path }, cancel);
      yield* raw ? plainOutput(body) : demultiplex(body);
    },
  };
};
