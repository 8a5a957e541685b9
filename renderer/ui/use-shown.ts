import { useCallback, useEffect, useRef } from 'react';

/** Whether the component is shown still: for what ends after it may have been closed. */
export function useShown(): () => boolean {
  const shown = useRef(false);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  return useCallback(() => shown.current, []);
}
