import type { Transport } from '../contract/bridge.js';
import type { Collected, DiskUsage, SelfChecked, SelfCheckLine } from '../contract/disk.js';
import { ApiError } from './errors.js';
import { getJson, open, postJson, type Cancel } from './request.js';
import { readJsonLines } from './streams.js';

/** Where an engine's bytes are, and whether they are still what they were. */
export const diskClient = (transport: Transport) => ({
  disk: () => getJson<DiskUsage>(transport, '/slipway/disk'),
  /** Gives back what belongs to nothing. */
  collect: () => postJson<Collected>(transport, '/slipway/disk/collect'),
  /** Looks at every blob and layer, and makes good what it can; `onLine` hears of it on the way. */
  async selfCheck({ onLine, ...cancel }: Cancel & { onLine?: (line: SelfCheckLine) => void } = {}): Promise<
    SelfChecked['Done']
  > {
    const { body } = await open(transport, { method: 'POST', path: '/slipway/self-check' }, cancel);
    for await (const line of readJsonLines<SelfCheckLine | { error: string }>(body)) {
      if ('error' in line) throw new ApiError('system', line.error);
      if ('Done' in line) return line.Done;
      onLine?.(line);
    }
    throw new ApiError('unavailable', 'the engine went before the self-check was done');
  },
});
