import type { Shape } from './container-state.js';

const drawings: Record<Shape, { tone: string; draw: React.ReactNode }> = {
  run: { tone: 'run', draw: <circle cx="6" cy="6" r="4.6" fill="currentColor" /> },
  healthy: {
    tone: 'run',
    draw: (
      <>
        <circle cx="6" cy="6" r="6" fill="currentColor" />
        <path
          d="M3.3 6.2 5.2 8l3.5-3.8"
          fill="none"
          stroke="var(--surface)"
          strokeWidth="1.6"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </>
    ),
  },
  starting: {
    tone: 'busy',
    draw: (
      <>
        <circle cx="1.6" cy="6" r="1.7" fill="currentColor" />
        <circle cx="6" cy="6" r="1.7" fill="currentColor" />
        <circle cx="10.4" cy="6" r="1.7" fill="currentColor" opacity=".5" />
      </>
    ),
  },
  unhealthy: {
    tone: 'bad',
    draw: (
      <>
        <path d="M6 .4 12 11.3H0Z" fill="currentColor" stroke="currentColor" strokeWidth=".8" strokeLinejoin="round" />
        <path d="M6 4.4v3M6 9.4v.01" stroke="var(--surface)" strokeWidth="1.5" strokeLinecap="round" />
      </>
    ),
  },
  paused: {
    tone: 'pause',
    draw: (
      <>
        <rect x="2" y="1.5" width="2.8" height="9" rx="1" fill="currentColor" />
        <rect x="7.2" y="1.5" width="2.8" height="9" rx="1" fill="currentColor" />
      </>
    ),
  },
  restarting: {
    tone: 'busy',
    draw: (
      <path
        d="M10.6 6A4.6 4.6 0 1 1 8.9 2.4M9.4 .4v2.6H6.8"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.7"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    ),
  },
  exited: {
    tone: 'off',
    draw: <circle cx="6" cy="6" r="4.3" fill="none" stroke="currentColor" strokeWidth="1.7" />,
  },
  failed: {
    tone: 'fail',
    draw: <path d="M2 2l8 8M10 2l-8 8" stroke="currentColor" strokeWidth="2.3" strokeLinecap="round" />,
  },
  created: {
    tone: 'off',
    draw: (
      <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.1 1.9" />
    ),
  },
  moving: {
    tone: 'busy',
    draw: (
      <>
        <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" strokeWidth="1.7" opacity=".28" />
        <path
          className="spin"
          d="M6 1.4A4.6 4.6 0 0 1 10.6 6"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.8"
          strokeLinecap="round"
        />
      </>
    ),
  },
};

export const toneOf = (shape: Shape): string => `c-${drawings[shape].tone}`;

/** The drawn state; the word beside it is what is read out. */
export const ShapeIcon = ({ shape }: { shape: Shape }) => (
  <svg className={`shape ${toneOf(shape)}`} viewBox="0 0 12 12" aria-hidden>
    {drawings[shape].draw}
  </svg>
);
