import { useEffect, useState } from 'react';
import type { MountPreview, MountWish } from '../../../main/contract/mounts.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { turns } from '../../store/turns.js';

/** What mounting one of them would come to; neither: it is being asked. */
export interface Foreseen {
  preview?: MountPreview;
  problem?: string;
}

/** Milliseconds that somebody has to stop typing before the engine is asked. */
const PAUSE = 200;
/** For each of them the engine looks into the container. */
const AT_ONCE = 4;

/** What mounting would come to, an answer for each wish. Asked anew when the container's `state` is another. */
export function usePreviews(container: string | undefined, state: string | undefined, wishes: MountWish[]): Foreseen[] {
  const { client } = useEngineStore();
  const [said, setSaid] = useState<{ key: string; answers: Foreseen[] }>({ key: '', answers: [] });
  const key = container === undefined || wishes.length === 0 ? '' : JSON.stringify([container, wishes, state]);
  useEffect(() => {
    if (key === '') return;
    const [id, asked] = JSON.parse(key) as [string, MountWish[]];
    const stop = new AbortController();
    const { signal } = stop;
    const turn = turns(AT_ONCE);
    const tell = (at: number, answer: Foreseen) =>
      setSaid((before) => ({
        key,
        answers: asked.map((_, each) => (each === at ? answer : (before.key === key && before.answers[each]) || {})),
      }));
    const timer = setTimeout(
      () =>
        asked.forEach((wish, at) => {
          turn(
            () => client.slipway.mounts.preview(id, wish, { signal }),
            signal,
            () => undefined,
          ).then(
            (preview) => !signal.aborted && tell(at, { preview }),
            (error: unknown) => !signal.aborted && tell(at, { problem: messageOf(error) }),
          );
        }),
      PAUSE,
    );
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [client, key]);
  return wishes.map((_, at) => (said.key === key && said.answers[at]) || {});
}

/** With a restart where one of them takes one. Undefined: not known yet. */
export function appliesOf(foreseen: Foreseen[]): MountPreview['Applies'] | undefined {
  const all = foreseen.flatMap(({ preview }) => (preview ? [preview.Applies] : []));
  return all.find((each) => each === 'restart') ?? all[0];
}
