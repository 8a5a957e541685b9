import { useState, type ReactNode } from 'react';
import { ChartSpline } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect, ContainerSummary } from '../../../../main/contract/containers.js';
import { useEngine } from '../../../store/index.js';
import { Chart, type Series } from '../../../ui/Chart.js';
import { Empty } from '../../../ui/Empty.js';
import { Problem } from '../../../ui/Field.js';
import { bytes } from '../../../ui/format.js';
import { Scroller } from '../../../ui/Scroller.js';
import { Segments } from '../../../ui/Segments.js';
import { cpusOf } from '../limits.js';
import { rates, spans, type Span } from './usage.js';
import { useUsage } from './use-usage.js';

/** What a container uses: over the last minutes, and over an hour. */
export function Stats({ container, inspect }: { container: ContainerSummary; inspect: ContainerInspect }) {
  const { t, i18n } = useTranslation();
  const processors = useEngine((state) => state.info?.NCPU);
  const memoryOfAll = useEngine((state) => state.info?.MemTotal) ?? 0;
  const running = container.State === 'running' || container.State === 'paused';
  const memoryLimit = inspect.HostConfig.Memory;
  const { samples, problem } = useUsage(container.Id, running, memoryLimit || memoryOfAll);
  const [span, setSpan] = useState<Span>('minutes');
  const shown = samples[span];
  const last = shown.at(-1);
  const until = last?.at ?? 0;
  const from = until - spans[span].length;
  const at = shown.map((sample) => sample.at);

  const number = (value: number, digits = 1) => value.toLocaleString(i18n.language, { maximumFractionDigits: digits });
  const percent = (value: number) => t('stats.percent', { value: number(value) });
  const speed = (value: number) => t('stats.speed', { amount: bytes(value) });
  const time = (moment: number) => new Date(moment).toLocaleTimeString(i18n.language, { hourCycle: 'h23' });
  const cpus = cpusOf(inspect.HostConfig);
  const draw = (
    key: 'cpu' | 'memory' | 'network' | 'disk' | 'pids',
    now: string,
    more: ReactNode,
    series: Series[],
    { format, floor, limit }: { format(value: number): string; floor: number; limit?: number },
  ) => {
    const known = series.flatMap(({ values }) => values).filter((value) => value !== undefined);
    const highest = known.length > 0 ? format(Math.max(...known)) : '–';
    return (
      <section className="stat" key={key}>
        <h3>{t(`stats.${key}`)}</h3>
        <p className="num">
          <b>{now}</b> <span className="t3">{more}</span>
        </p>
        <Chart
          label={t('stats.said', { what: t(`stats.${key}`), now, highest })}
          at={at}
          from={from}
          until={until}
          series={series}
          format={format}
          floor={floor}
          limit={limit}
          time={time}
        />
      </section>
    );
  };
  const two = (first: 'netRx' | 'blockRead', second: 'netTx' | 'blockWrite'): Series[] => [
    { name: t(`stats.${first}`), values: rates(shown, first) },
    { name: t(`stats.${second}`), values: rates(shown, second) },
  ];
  const network = two('netRx', 'netTx');
  const disk = two('blockRead', 'blockWrite');
  const nowOf = (pair: Series[]) =>
    pair
      .map(({ name, values }) => `${name} ${speed(values.findLast((value) => value !== undefined) ?? 0)}`)
      .join(' · ');

  if (!last && !problem && !running)
    return (
      <Empty icon={ChartSpline} title={t('stats.offTitle')}>
        {t('stats.offText')}
      </Empty>
    );
  return (
    <>
      <div className="log-tools">
        <Segments<Span>
          label={t('stats.span')}
          value={span}
          onChange={setSpan}
          options={[
            { value: 'minutes', label: t('stats.minutes') },
            { value: 'hour', label: t('stats.hour') },
          ]}
        />
        <span className="grow" />
        <span className="s11 t3">
          {!running ? t('stats.stopped') : span === 'hour' && last ? t('stats.since', { time: time(at[0] ?? 0) }) : ''}
        </span>
      </div>
      <Scroller label={t('drawer.stats')}>
        {problem !== undefined && (
          <div style={{ padding: 16 }}>
            <Problem>{t('stats.failed', { error: problem })}</Problem>
          </div>
        )}
        <div className="stats">
          {draw(
            'cpu',
            last?.cpu === undefined ? '–' : percent(last.cpu),
            cpus > 0
              ? t('stats.ofCpus', { count: cpus, cpus: number(cpus, 2) })
              : processors !== undefined && t('stats.ofCpus', { count: processors, cpus: number(processors) }),
            [{ values: shown.map(({ cpu }) => cpu) }],
            { format: percent, floor: 2, ...(cpus > 0 && { limit: cpus * 100 }) },
          )}
          {draw(
            'memory',
            last ? bytes(last.memory) : '–',
            memoryLimit > 0 ? t('stats.ofLimit', { limit: bytes(memoryLimit) }) : t('stats.noLimit'),
            [{ values: shown.map(({ memory }) => memory) }],
            { format: bytes, floor: 1e6, ...(memoryLimit > 0 && { limit: memoryLimit }) },
          )}
          {draw(
            'network',
            last ? nowOf(network) : '–',
            last && t('stats.total', { first: bytes(last.netRx), second: bytes(last.netTx) }),
            network,
            { format: speed, floor: 1000 },
          )}
          {draw(
            'disk',
            last ? nowOf(disk) : '–',
            last && t('stats.total', { first: bytes(last.blockRead), second: bytes(last.blockWrite) }),
            disk,
            { format: speed, floor: 1000 },
          )}
          {draw(
            'pids',
            last ? number(last.pids, 0) : '–',
            inspect.HostConfig.PidsLimit && inspect.HostConfig.PidsLimit > 0
              ? t('stats.ofLimit', { limit: number(inspect.HostConfig.PidsLimit, 0) })
              : t('stats.noLimit'),
            [{ values: shown.map(({ pids }) => pids) }],
            { format: (value) => number(value, 0), floor: 4 },
          )}
        </div>
      </Scroller>
    </>
  );
}
