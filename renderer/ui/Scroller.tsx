import type { HTMLAttributes, Ref } from 'react';

/** What scrolls can be reached and scrolled by keyboard, and has a name. */
export function Scroller({
  label,
  className = 'scroll',
  role = 'region',
  ...rest
}: { label: string; ref?: Ref<HTMLDivElement> } & HTMLAttributes<HTMLDivElement>) {
  // Chromium before 130 gives a scroller no focus of its own.
  return <div className={className} role={role} aria-label={label} tabIndex={0} {...rest} />;
}
