import type { ReactNode } from 'react';
import { clsx } from 'clsx';

/** Names and what they are, one to a line. */
export const Facts = ({ children }: { children: ReactNode }) => <dl className="facts">{children}</dl>;

export const Fact = ({ name, mono, children }: { name: string; mono?: boolean; children: ReactNode }) => (
  <>
    <dt>{name}</dt>
    <dd className={clsx(mono ? 'mono' : 'num')}>{children}</dd>
  </>
);
