import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../main/contract/containers.js';
import type { Verb } from '../store/containers-slice.js';
import { messageOf, useEngineStore } from '../store/index.js';
import { useSurface } from '../store/surface.js';
import { notifyDone, notifyFailed } from '../ui/notify.js';
import { fits } from './container-actions.js';
import { nameOf } from './container-state.js';

export type BulkVerb = Exclude<Verb, 'remove'>;

/** What came of one of many; `problem` is the engine's sentence. */
export interface BulkResult {
  id: string;
  name: string;
  problem: string | undefined;
}

/** So many at once: an engine has other things to do too. */
const AT_ONCE = 8;

/** Does one thing to many, and says of each what came of it. */
export async function actOnMany(
  containers: { id: string; name: string }[],
  act: (id: string) => Promise<void>,
  onResult: (result: BulkResult) => void = () => undefined,
): Promise<BulkResult[]> {
  const results: BulkResult[] = new Array<BulkResult>(containers.length);
  const queue = containers.entries();
  const lane = async () => {
    for (const [index, { id, name }] of queue) {
      const problem = await act(id).then(() => undefined, messageOf);
      const result = { id, name, problem };
      results[index] = result;
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}

/** Says what came of many where they are not listed one by one; the way to that list stands beside. */
export function useSayResults(): (verb: BulkVerb, results: BulkResult[]) => void {
  const { t } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  return (verb, results) => {
    const failed = results.filter(({ problem }) => problem !== undefined);
    const [first] = failed;
    if (!first) notifyDone(t(`bulk.done.${verb}`, { count: results.length }));
    else if (results.length === 1)
      notifyFailed(t(`action.failedTo.${verb}`, { name: first.name }), first.problem ?? '');
    else
      notifyFailed(
        t(`bulk.failed.${verb}`, { failed: failed.length, count: results.length }),
        failed.map(({ name }) => name).join(', '),
        { label: t('bulk.list'), act: () => ask({ kind: 'bulk-results', verb, results }) },
      );
  };
}

/** Acts on those that a verb fits. What failed is listed one by one beside what did not; only a single failure is a notice. */
export function useBulk(): (verb: BulkVerb, containers: ContainerSummary[]) => Promise<void> {
  const store = useEngineStore();
  const offer = useSurface((surface) => surface.offer);
  const say = useSayResults();
  return async (verb, containers) => {
    const fitting = containers.filter((container) => fits(verb, container));
    const results = await actOnMany(
      fitting.map((container) => ({ id: container.Id, name: nameOf(container) })),
      (id) => store.getState().actOn(id, verb),
    );
    const failed = results.filter(({ problem }) => problem !== undefined);
    // One that went well is seen in its row.
    if (results.length <= 1 && failed.length === 0) return;
    const listed = results.length > 1 && failed.length > 0 && offer({ kind: 'bulk-results', verb, results });
    if (!listed) say(verb, results);
  };
}
