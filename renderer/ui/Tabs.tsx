import { useEffect, useRef, useState, type ReactNode, type RefObject } from 'react';
import { ChevronDown } from 'lucide-react';
import { Tabs as Radix } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { clsx } from 'clsx';
import { Menu } from './Menu.js';

export interface Tab {
  id: string;
  label: string;
  content: ReactNode;
}

/**
 * Tabs in the manner of the ARIA practices; only the chosen panel is mounted. Where they have no room they scroll, and a menu at the
 * end names them all.
 */
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
  const { t } = useTranslation();
  const list = useRef<HTMLDivElement>(null);
  const { before, after } = useOverflow(list);
  const crowded = before || after;
  useEffect(() => {
    list.current?.querySelector('[data-state="active"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [value, crowded]);
  return (
    <Radix.Root value={value} onValueChange={onChange} className="panel" activationMode="manual">
      <div className="tabs-line">
        <Radix.List
          ref={list}
          className={clsx('tabs', before && 'more-before', after && 'more-after')}
          aria-label={label}
          onWheel={(event) => event.deltaX === 0 && list.current?.scrollBy({ left: event.deltaY })}
        >
          {tabs.map((tab) => (
            <Radix.Trigger
              key={tab.id}
              value={tab.id}
              // Else the same press goes on to what has the focus by then, which may be a question that was asked just now.
              onKeyDown={(event) => {
                if (event.key !== 'Enter' && event.key !== ' ') return;
                event.preventDefault();
                onChange(tab.id);
              }}
            >
              {tab.label}
            </Radix.Trigger>
          ))}
        </Radix.List>
        {crowded && (
          <Menu
            label={t('common.allTabs')}
            entries={() =>
              tabs.map((tab) => ({ label: tab.label, checked: tab.id === value, onSelect: () => onChange(tab.id) }))
            }
          >
            <button type="button" className="icon-btn small" aria-label={t('common.allTabs')}>
              <ChevronDown className="icon s14" aria-hidden />
            </button>
          </Menu>
        )}
      </div>
      {tabs.map((tab) => (
        <Radix.Content key={tab.id} value={tab.id} className="panel" tabIndex={-1}>
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}

/** Whether there is more of it to either side than is in sight. */
function useOverflow(ref: RefObject<HTMLElement | null>): { before: boolean; after: boolean } {
  const [over, setOver] = useState({ before: false, after: false });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const look = () => {
      const before = element.scrollLeft > 1;
      const after = element.scrollLeft + element.clientWidth < element.scrollWidth - 1;
      setOver((last) => (last.before === before && last.after === after ? last : { before, after }));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [ref]);
  return over;
}
