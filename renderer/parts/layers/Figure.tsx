import type { ReactNode } from 'react';

/** A number that counts, under its name. */
export const Figure = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="figure">
    <span className="k">{name}</span>
    <span className="v num">{children}</span>
  </div>
);

export const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
