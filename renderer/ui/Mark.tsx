/** Slipway's mark: a container sliding down a slip made of layers, into the tide. */
export const Mark = () => (
  <svg className="logo" viewBox="0 0 64 64" aria-hidden>
    <defs>
      <linearGradient id="mark-ground" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stopColor="#22414f" />
        <stop offset="1" stopColor="#0d1c26" />
      </linearGradient>
      <linearGradient id="mark-box" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stopColor="#ff9467" />
        <stop offset="1" stopColor="#ee6a3f" />
      </linearGradient>
      <linearGradient id="mark-sea" x1="0" y1="0" x2="0" y2="1">
        <stop offset="0" stopColor="#62dbe6" />
        <stop offset="1" stopColor="#1f9fb4" />
      </linearGradient>
      <clipPath id="mark-cut">
        <rect x="2" y="2" width="60" height="60" rx="15" />
      </clipPath>
    </defs>
    <g clipPath="url(#mark-cut)">
      <rect x="2" y="2" width="60" height="60" fill="url(#mark-ground)" />
      <path d="M2 29.5 62 56v6H2Z" fill="#eaf4f6" />
      <path d="M2 37.6 57 62H2Z" fill="#9cb8c2" />
      <path d="M2 46 38 62H2Z" fill="#5f8492" />
      <g transform="rotate(23.8 28 30)">
        <rect x="14" y="17.8" width="29" height="21.6" rx="3.6" fill="url(#mark-box)" />
        <path
          d="M21.2 23v11.2M28.5 23v11.2M35.8 23v11.2"
          stroke="#7a2a10"
          strokeOpacity=".45"
          strokeWidth="2.6"
          strokeLinecap="round"
        />
      </g>
      <path d="M2 54.2c5-3.4 10-3.4 15 0s10 3.4 15 0 10-3.4 15 0 10 3.4 15 0V64H2Z" fill="url(#mark-sea)" />
    </g>
    <rect x="2.5" y="2.5" width="59" height="59" rx="14.5" fill="none" stroke="#fff" strokeOpacity=".14" />
  </svg>
);
