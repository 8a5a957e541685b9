import type { ReactElement } from 'react';
import { ContextMenu, DropdownMenu } from 'radix-ui';
import { Check, type LucideIcon } from 'lucide-react';
import { clsx } from 'clsx';

export type MenuEntry =
  | 'line'
  | { heading: string }
  | {
      label: string;
      icon?: LucideIcon;
      shortcut?: string;
      danger?: boolean;
      /** One of several that is the case now; undefined where that is no question. */
      checked?: boolean;
      /** The menu stays open: several may be chosen. */
      stay?: boolean;
      disabled?: boolean;
      onSelect(): void;
    };

/** Menus that wait: what they hold is asked for only when they open. */
interface MenuProps {
  label: string;
  entries(): MenuEntry[];
  children: ReactElement;
  /** It is open as soon as it is there. */
  defaultOpen?: boolean;
}

function Entries({ entries, kind }: { entries: MenuEntry[]; kind: typeof DropdownMenu | typeof ContextMenu }) {
  const { CheckboxItem, Item, Label, Separator } = kind;
  return entries.map((entry, index) =>
    entry === 'line' ? (
      <Separator key={index} className="menu-line" />
    ) : 'heading' in entry ? (
      <Label key={index} className="menu-heading">
        {entry.heading}
      </Label>
    ) : entry.checked !== undefined ? (
      <CheckboxItem
        key={index}
        className="menu-item"
        checked={entry.checked}
        disabled={entry.disabled}
        onSelect={(event) => {
          if (entry.stay) event.preventDefault();
          entry.onSelect();
        }}
      >
        <Check className={clsx('icon', !entry.checked && 'off')} aria-hidden />
        <span>{entry.label}</span>
        {entry.shortcut && <kbd aria-hidden>{entry.shortcut}</kbd>}
      </CheckboxItem>
    ) : (
      <Item
        key={index}
        className={clsx('menu-item', entry.danger && 'danger')}
        disabled={entry.disabled}
        onSelect={entry.onSelect}
      >
        {entry.icon && <entry.icon className="icon" aria-hidden />}
        <span>{entry.label}</span>
        {entry.shortcut && <kbd aria-hidden>{entry.shortcut}</kbd>}
      </Item>
    ),
  );
}

const stop = (event: { stopPropagation(): void }) => event.stopPropagation();

/** The button's menu. */
export function Menu({ label, entries, children, defaultOpen }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false} defaultOpen={defaultOpen}>
      <DropdownMenu.Trigger asChild>{children}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          aria-label={label}
          align="end"
          sideOffset={4}
          collisionPadding={8}
          onKeyDown={stop}
          onClick={stop}
        >
          <Open entries={entries} kind={DropdownMenu} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** The same menu under the right button and the menu key. */
export function RightClickMenu({ label, entries, children }: MenuProps) {
  return (
    <ContextMenu.Root modal={false}>
      <ContextMenu.Trigger asChild>{children}</ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Content className="menu" aria-label={label} collisionPadding={8} onKeyDown={stop} onClick={stop}>
          <Open entries={entries} kind={ContextMenu} />
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}

const Open = ({ entries, kind }: { entries(): MenuEntry[]; kind: typeof DropdownMenu | typeof ContextMenu }) => (
  <Entries entries={entries()} kind={kind} />
);
