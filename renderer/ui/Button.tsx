import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import type { LucideIcon } from 'lucide-react';
import { clsx } from 'clsx';
import { Tip } from './Tip.js';

type Rest = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> & { ref?: Ref<HTMLButtonElement> };

export interface ButtonProps extends Rest {
  variant?: 'plain' | 'primary' | 'ghost' | 'danger' | 'danger-fill';
  size?: 'normal' | 'small' | 'large';
  icon?: LucideIcon;
  shortcut?: string;
  children: ReactNode;
}

/** A button with words; the filled one is what Enter does. */
export function Button({
  variant = 'plain',
  size = 'normal',
  icon: Icon,
  shortcut,
  children,
  className,
  type = 'button',
  ...rest
}: ButtonProps) {
  return (
    <button
      type={type}
      className={clsx('btn', variant !== 'plain' && variant, size !== 'normal' && size, className)}
      {...rest}
    >
      {Icon && <Icon className="icon" aria-hidden />}
      {children}
      {shortcut && <kbd aria-hidden>{shortcut}</kbd>}
    </button>
  );
}

export interface IconButtonProps extends Rest {
  /** Its name: read out, and shown as a tooltip. */
  label: string;
  icon: LucideIcon;
  small?: boolean;
  iconSize?: 12 | 14 | 16;
  shortcut?: string;
}

export function IconButton({ label, icon: Icon, small, iconSize = 14, shortcut, className, ...rest }: IconButtonProps) {
  return (
    <Tip text={label} shortcut={shortcut}>
      <button type="button" aria-label={label} className={clsx('icon-btn', small && 'small', className)} {...rest}>
        <Icon className={clsx('icon', iconSize !== 16 && `s${iconSize}`)} aria-hidden />
      </button>
    </Tip>
  );
}
