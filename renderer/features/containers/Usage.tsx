import { useEffect, useState } from 'react';
import { createStore, useStore } from 'zustand';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { SPARK_POINTS, type StatsSlice, type Used } from '../../store/stats-slice.js';
import { bytes } from '../../ui/format.js';
import { Sparkline } from '../../ui/Sparkline.js';

/** Percent of one processor from where on a number is worth a look. */
const HIGH = 80;

const uses = ({ State }: ContainerSummary) => State === 'running' || State === 'paused';
const newest = (used: Used | undefined): number | undefined => used?.cpu.at(-1);
const Nothing = () => <span className="t3">–</span>;

export function CpuCell({ container }: { container: ContainerSummary }) {
  const { t } = useTranslation();
  const used = useEngine((state) => state.used[container.Id]);
  const cpu = newest(used);
  if (!uses(container) || !used || cpu === undefined) return <Nothing />;
  const high = cpu >= HIGH;
  return (
    <span className="usage num s12">
      <Sparkline values={used.cpu} points={SPARK_POINTS} high={high} />
      <span className={high ? 'share c-bad b5' : 'share'}>{t('containers.percent', { percent: cpu.toFixed(1) })}</span>
    </span>
  );
}

export function MemoryCell({ container }: { container: ContainerSummary }) {
  const memory = useEngine((state) => state.used[container.Id]?.usage.memory);
  if (!uses(container) || memory === undefined) return <Nothing />;
  return <span className="num s12">{bytes(memory)}</span>;
}

/** The sum of what runs among them. */
export function useTotal(members: ContainerSummary[], what: 'cpu' | 'memory'): number | undefined {
  return useEngine(({ used }) => {
    let sum: number | undefined;
    for (const member of members) {
      const one = uses(member) ? used[member.Id] : undefined;
      const value = what === 'cpu' ? newest(one) : one?.usage.memory;
      if (value !== undefined) sum = (sum ?? 0) + value;
    }
    return sum;
  });
}

export function TotalCpu({ members }: { members: ContainerSummary[] }) {
  const { t } = useTranslation();
  const total = useTotal(members, 'cpu');
  return (
    <span className="num">{total === undefined ? '–' : t('containers.percent', { percent: total.toFixed(1) })}</span>
  );
}

export function TotalMemory({ members }: { members: ContainerSummary[] }) {
  const total = useTotal(members, 'memory');
  return <span className="num">{total === undefined ? '–' : bytes(total)}</span>;
}

/** More are asked for as "all": a request is a line of text. */
const MOST_IDS = 300;
const SETTLE_MS = 200;
const AGAIN_MS = 1000;

/** Which rows can be seen: told by the table, heard only where it matters, so that scrolling draws nothing else again. */
export function createSight() {
  const store = createStore<{ rows: ContainerSummary[] }>(() => ({ rows: [] }));
  return { store, set: (rows: ContainerSummary[]) => store.setState({ rows }) };
}

/** Draws nothing: follows what the rows in sight use, or all that are given. */
export function FollowStats({
  sight,
  all,
}: {
  sight: ReturnType<typeof createSight>;
  all: ContainerSummary[] | undefined;
}) {
  const rows = useStore(sight.store, (state) => state.rows);
  useFollowedStats(all ?? rows);
  return null;
}

/** Follows what these containers use while the window can be seen and the engine answers. */
function useFollowedStats(containers: ContainerSummary[]): void {
  const store = useEngineStore();
  const ready = useEngine(
    (state) => state.connection.state === 'ready' && (state.features?.can?.includes('stats') ?? false),
  );
  const seen = useVisible();
  const ids = containers.filter(uses).map(({ Id }) => Id);
  const wanted = ids.length > MOST_IDS ? 'all' : ids.sort().join(',');
  useEffect(() => {
    if (!ready || !seen || !wanted) return;
    const stop = new AbortController();
    const request = wanted === 'all' ? {} : { ids: wanted.split(',') };
    let timer: ReturnType<typeof setTimeout>;
    const follow = () =>
      void store
        .getState()
        .followStats(request, stop.signal)
        .catch(() => undefined)
        .then(() => {
          if (!stop.signal.aborted) timer = setTimeout(follow, AGAIN_MS);
        });
    // What scrolls past is not asked for.
    timer = setTimeout(follow, SETTLE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [store, ready, seen, wanted]);
}

function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const changed = () => setVisible(!document.hidden);
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  }, []);
  return visible;
}

const nothingUsed: StatsSlice['used'] = {};

/** What rows are ordered by where the order is one of use: they change places every few seconds at most, and not under the pointer. */
export function useOrderOfUse(byUse: boolean): StatsSlice['used'] {
  const store = useEngineStore();
  const [used, setUsed] = useState(nothingUsed);
  useEffect(() => {
    if (!byUse) return;
    const look = () => {
      if (!document.hidden && !document.querySelector('.grid-row:hover')) setUsed(store.getState().used);
    };
    const first = setTimeout(look, 1500);
    const timer = setInterval(look, 5000);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [byUse, store]);
  return byUse ? used : nothingUsed;
}
