import { useId, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';

export interface Series {
  /** Said beside its value where there are several. */
  name?: string;
  /** One for each moment; undefined where it is not known. */
  values: (number | undefined)[];
}

/** The drawing's own units; it is stretched to where it stands. */
const wide = 600;
const tall = 100;

/**
 * Values over time: the first series filled, the second a dashed line. What it says is also said in words; a pointer or the arrow keys ask for one
 * moment.
 */
export function Chart({
  label,
  at,
  from,
  until,
  series,
  limit,
  floor,
  format,
  time,
}: {
  /** What is drawn and what it comes to, in words. */
  label: string;
  /** Unix milliseconds of each value, rising. */
  at: number[];
  from: number;
  until: number;
  series: Series[];
  /** A line that the values are held against. */
  limit?: number;
  /** The least that the top of the drawing stands for: a whisper is not drawn as a storm. */
  floor: number;
  format(value: number): string;
  time(at: number): string;
}) {
  const box = useRef<HTMLDivElement>(null);
  const clip = useId();
  const [index, setIndex] = useState<number>();
  const known = series.flatMap(({ values }) => values).filter((value) => value !== undefined);
  const highest = Math.max(floor, ...known) * 1.08;
  const top = limit !== undefined && limit < highest * 4 ? Math.max(highest, limit * 1.08) : highest;
  const x = (moment: number) => ((moment - from) / Math.max(1, until - from)) * wide;
  const y = (value: number) => tall - (value / top) * tall;
  const step = medianStep(at);

  const runs = (values: (number | undefined)[]): [number, number][][] => {
    const lines: [number, number][][] = [];
    let last = -Infinity;
    at.forEach((moment, place) => {
      const value = values[place];
      if (value === undefined || moment < from) return;
      if (moment - last > step * 3.5) lines.push([]);
      lines.at(-1)?.push([x(moment), y(value)]);
      last = moment;
    });
    return lines;
  };
  const path = (points: [number, number][]) =>
    points.map(([left, height], place) => `${place === 0 ? 'M' : 'L'}${left.toFixed(1)} ${height.toFixed(1)}`).join('');

  const pick = (event: PointerEvent) => {
    const area = box.current?.getBoundingClientRect();
    if (!area || at.length === 0) return;
    const moment = from + ((event.clientX - area.left) / area.width) * (until - from);
    let nearest = 0;
    at.forEach((each, place) => {
      if (Math.abs(each - moment) < Math.abs((at[nearest] ?? 0) - moment)) nearest = place;
    });
    setIndex(nearest);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (move === undefined || at.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    setIndex(Math.min(Math.max((index ?? at.length) + move, 0), at.length - 1));
  };
  const moment = index === undefined ? undefined : at[index];
  const picked =
    index === undefined || moment === undefined
      ? undefined
      : `${time(moment)} · ${series
          .map(({ name, values }) => {
            const value = values[index];
            return `${name ? `${name} ` : ''}${value === undefined ? '–' : format(value)}`;
          })
          .join(' · ')}`;
  return (
    <div
      ref={box}
      className="chart"
      role="slider"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, at.length - 1)}
      aria-valuenow={index ?? Math.max(0, at.length - 1)}
      aria-valuetext={picked ?? label}
      aria-readonly
      tabIndex={0}
      onPointerMove={pick}
      onPointerLeave={() => setIndex(undefined)}
      onBlur={() => setIndex(undefined)}
      onKeyDown={onKeyDown}
    >
      <svg viewBox={`0 0 ${wide} ${tall}`} preserveAspectRatio="none" aria-hidden>
        <clipPath id={clip}>
          <rect width={wide} height={tall} />
        </clipPath>
        <path className="grid-lines" d={`M0 ${tall / 2}H${wide}M0 0.5H${wide}`} />
        <g clipPath={`url(#${clip})`}>
          {series.map(({ name, values }, place) => (
            <g key={name ?? place} className={place === 0 ? 'first' : 'second'}>
              {runs(values).map((points, part) => (
                <g key={part}>
                  {place === 0 && points.length > 1 && (
                    <path
                      className="area"
                      d={`${path(points)}L${points.at(-1)?.[0] ?? 0} ${tall}L${points[0]?.[0] ?? 0} ${tall}Z`}
                    />
                  )}
                  <path className="line" d={points.length > 1 ? path(points) : `${path(points)}h0.01`} />
                </g>
              ))}
            </g>
          ))}
        </g>
        {limit !== undefined && limit <= top && <path className="limit" d={`M0 ${y(limit)}H${wide}`} />}
        {moment !== undefined && <path className="cursor" d={`M${x(moment)} 0V${tall}`} />}
      </svg>
      <span className="chart-top" aria-hidden>
        {format(top / 1.08)}
      </span>
      {picked !== undefined && (
        <span className="chart-said num" role="status">
          {picked}
        </span>
      )}
    </div>
  );
}

function medianStep(at: number[]): number {
  const steps = at.slice(1).map((moment, index) => moment - (at[index] ?? moment));
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 1000;
}
