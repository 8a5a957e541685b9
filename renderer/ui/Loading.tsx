import { useEffect, useState } from 'react';

/** Nothing for 300 ms, then rows to come, and after 3 s what it waits for. */
export function Loading({ waitingFor }: { waitingFor: string }) {
  const [step, setStep] = useState(0);
  useEffect(() => {
    const timers = [setTimeout(() => setStep(1), 300), setTimeout(() => setStep(2), 3000)];
    return () => timers.forEach(clearTimeout);
  }, []);
  return (
    <div className="loading" role="status" aria-label={waitingFor}>
      {step === 2 && <p className="s12 t2">{waitingFor}</p>}
      {step > 0 &&
        [180, 140, 210, 160].map((width) => (
          <div className="skeleton" key={width} aria-hidden>
            <i style={{ width }} />
            <i style={{ width: 90 }} />
            <i style={{ width: 120 }} />
          </div>
        ))}
    </div>
  );
}
