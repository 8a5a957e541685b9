import { useEffect, useState } from 'react';
import type { ChangePreview } from '../../../main/contract/changes.js';
import type { Wish } from '../../store/changes-slice.js';
import { messageOf, useEngineStore } from '../../store/index.js';

export interface Preview {
  /** Of the wish as it was asked about last; the one before stays until the next answer is there. */
  answer?: ChangePreview;
  problem?: string;
  /** The answer is not about what is wished now. */
  waiting: boolean;
}

/** Asks the engine what a wish would come to, a moment after it or what it hangs on was changed last. Undefined: nothing is wished. */
export function usePreview(container: string, wish: Wish | undefined, delay = 0, hangsOn?: unknown): Preview {
  const { client } = useEngineStore();
  const key = JSON.stringify([wish, hangsOn]);
  const [answered, setAnswered] = useState<{ key?: string | undefined; answer?: ChangePreview; problem?: string }>({});
  useEffect(() => {
    if (wish === undefined) return;
    let current = true;
    const ask = async () => {
      try {
        const answer = await ('change' in wish
          ? client.slipway.previewChange(container, wish.change)
          : client.slipway.previewRevert(container, wish.revertTo));
        if (current) setAnswered({ key, answer });
      } catch (error) {
        if (current) setAnswered(({ answer }) => ({ key, ...(answer && { answer }), problem: messageOf(error) }));
      }
    };
    const timer = setTimeout(() => void ask(), delay);
    return () => {
      current = false;
      clearTimeout(timer);
    };
    // The wish is said by its key.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, container, key, delay]);
  if (wish === undefined) return { waiting: false };
  const { answer, problem } = answered;
  const waiting = answered.key !== key;
  return { ...(answer && { answer }), ...(problem !== undefined && !waiting && { problem }), waiting };
}
