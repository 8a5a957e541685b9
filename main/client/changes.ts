import type { Transport } from '../contract/bridge.js';
import type { Changed, ChangePreview, ChangeProgress, ContainerChange, HistoryEntry } from '../contract/changes.js';
import { ApiError } from './errors.js';
import { getJson, jsonRequest, open, postJson, segment, withQuery, type Cancel } from './request.js';
import { readJsonLines } from './streams.js';

export interface ChangeOptions extends Cancel {
  /** False: rather not at all than with a restart. */
  restart?: boolean;
  /** How many seconds a container without a health check must go on to count as well. */
  watch?: number;
  onProgress?: (progress: ChangeProgress) => void;
}

/** Changing containers that are there, and what happened to them. */
export const changesClient = (transport: Transport) => {
  const at = (id: string, verb: string): string => `/slipway/containers/${segment(id)}/${verb}`;

  async function make(
    path: string,
    body: unknown,
    { restart, watch, onProgress, ...cancel }: ChangeOptions = {},
  ): Promise<Changed> {
    const query = { watch, ...(restart === false && { restart: 0 }) };
    const { body: lines } = await open(transport, jsonRequest('POST', withQuery(path, query), body), cancel);
    for await (const line of readJsonLines<Changed | ChangeProgress | { error: string }>(lines)) {
      if ('error' in line) throw new ApiError('system', line.error);
      if ('Id' in line) return line;
      onProgress?.(line);
    }
    throw new ApiError(
      'unavailable',
      'the engine went before the change was made: its history tells what became of it',
    );
  }

  return {
    /** What a change would come to. */
    previewChange: (id: string, change: ContainerChange) =>
      postJson<ChangePreview>(transport, withQuery(at(id, 'change'), { preview: true }), change),
    /** Aborting the signal undoes what is not known to work yet. */
    change: (id: string, change: ContainerChange, options?: ChangeOptions) => make(at(id, 'change'), change, options),
    /** What happened to it, newest first. */
    history: (id: string) => getJson<HistoryEntry[]>(transport, at(id, 'history')),
    previewRevert: (id: string, seq: number) =>
      postJson<ChangePreview>(transport, withQuery(at(id, 'revert'), { preview: true }), { Seq: seq }),
    /** Back to the configuration that it had at that entry of its history. */
    revert: (id: string, seq: number, options?: ChangeOptions) => make(at(id, 'revert'), { Seq: seq }, options),
  };
};
