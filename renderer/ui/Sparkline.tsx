const WIDTH = 44;
const HEIGHT = 16;

/** The latest values as a small line, the newest at the right end; what it says stands beside it as a number. */
export function Sparkline({ values, points, high }: { values: readonly number[]; points: number; high: boolean }) {
  if (values.length < 2) return <svg className="spark" width={WIDTH} height={HEIGHT} aria-hidden />;
  const most = Math.max(...values, 1);
  const from = points - values.length;
  const line = values
    .map((value, index) => {
      const x = ((from + index) * WIDTH) / (points - 1);
      const y = HEIGHT - 1.5 - (value / most) * (HEIGHT - 3);
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
  const start = ((from * WIDTH) / (points - 1)).toFixed(1);
  return (
    <svg
      className={high ? 'spark high' : 'spark'}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      aria-hidden
    >
      <path className="ground" d={`${line}L${WIDTH} ${HEIGHT}L${start} ${HEIGHT}Z`} />
      <path className="line" d={line} />
    </svg>
  );
}
