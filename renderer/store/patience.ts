import type { Transport } from '../../main/contract/bridge.js';

/** How long a question may wait before the window says that the engine is busy. Acts may take as long as they take. */
const PATIENCE_MS = 3000;

/**
 * The same transport, watched: `onWaiting` hears since when a question waits for its answer to begin, once that is longer than patience
 * goes, and undefined when the engine answers again.
 */
export function watched(transport: Transport, onWaiting: (since: number | undefined) => void): Transport {
  const late = new Set<object>();
  const settle = (call: object) => {
    if (late.delete(call) && late.size === 0) onWaiting(undefined);
  };
  return {
    ...transport,
    async send(request, options) {
      if (request.method !== 'GET') return transport.send(request, options);
      const call = {};
      const since = Date.now();
      const timer = setTimeout(() => {
        late.add(call);
        if (late.size === 1) onWaiting(since);
      }, PATIENCE_MS);
      try {
        return await transport.send(request, options);
      } finally {
        clearTimeout(timer);
        settle(call);
      }
    },
  };
}
