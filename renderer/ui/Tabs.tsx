import type { ReactNode } from 'react';
import { Tabs as Radix } from 'radix-ui';

export interface Tab {
  id: string;
  label: string;
  content: ReactNode;
}

/** Tabs in the manner of the ARIA practices; only the chosen panel is mounted. */
export function Tabs({
  label,
  tabs,
  value,
  onChange,
}: {
  label: string;
  tabs: Tab[];
  value: string;
  onChange(id: string): void;
}) {
  return (
    <Radix.Root value={value} onValueChange={onChange} className="panel" activationMode="manual">
      <Radix.List className="tabs" aria-label={label}>
        {tabs.map((tab) => (
          <Radix.Trigger key={tab.id} value={tab.id}>
            {tab.label}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.id} value={tab.id} className="panel" tabIndex={-1}>
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
