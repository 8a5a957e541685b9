import { useEffect, useState } from 'react';
import { messageOf, useEngine, useEngineStore } from '../../../store/index.js';
import { useSeen } from '../../../ui/use-seen.js';
import { follow, noSamples, ofHistory, withSample, type Samples } from './usage.js';

/** Looks while the tab is open, the container runs and the window can be seen; begins with the engine's last hour where it keeps one. */
export function useUsage(id: string, running: boolean, memoryLimit: number): { samples: Samples; problem?: string } {
  const { client } = useEngineStore();
  const can = useEngine((state) => state.features?.can);
  const ready = useEngine((state) => state.connection.state === 'ready');
  const seen = useSeen();
  const [samples, setSamples] = useState(noSamples);
  const [problem, setProblem] = useState<string>();
  const ours = can?.includes('stats') === true;
  const remembers = can?.includes('stats-history') === true;
  const looks = ready && seen;
  useEffect(() => {
    if (!looks) return;
    const abort = new AbortController();
    const look = async () => {
      setProblem(undefined);
      if (remembers) {
        const history = await client.slipway.statsHistory(id);
        if (abort.signal.aborted) return;
        setSamples(ofHistory(history, memoryLimit));
      }
      if (!running) return;
      for await (const sample of follow(client, id, ours, abort.signal))
        setSamples((before) => withSample(before, sample));
    };
    look().catch((error: unknown) => {
      if (!abort.signal.aborted) setProblem(messageOf(error));
    });
    return () => abort.abort();
    // The limit of the past is drawn as what it is now.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, id, running, looks, ours, remembers]);
  return { samples, problem };
}
