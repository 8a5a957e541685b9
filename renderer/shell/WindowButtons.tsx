import { Menu as MenuIcon, Minus, Square, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Platform } from '../../main/contract/bridge.js';
import { useSurface } from '../store/surface.js';
import { IconButton } from '../ui/Button.js';
import { Menu } from '../ui/Menu.js';

/** What a frame would have; and Quit, which must not live in a tray alone. */
export function WindowButtons({ platform }: { platform: Platform }) {
  const { t } = useTranslation();
  const { window: act } = window.slipway.shell;
  const ask = useSurface((surface) => surface.open);
  return (
    <>
      <Menu
        label={t('window.menu')}
        entries={() => [
          { label: t('palette.shortcuts'), shortcut: '?', onSelect: () => ask({ kind: 'shortcuts' }) },
          'line',
          ...(platform.tray ? [{ label: t('window.close'), onSelect: () => void act('close') }] : []),
          { label: t('window.quit'), onSelect: () => void act('quit') },
        ]}
      >
        <button type="button" className="icon-btn" aria-label={t('window.menu')}>
          <MenuIcon className="icon s14" aria-hidden />
        </button>
      </Menu>
      <span className="window-buttons">
        <IconButton small icon={Minus} label={t('window.minimize')} onClick={() => void act('minimize')} />
        <IconButton
          small
          icon={Square}
          iconSize={12}
          label={t('window.maximize')}
          onClick={() => void act('maximize')}
        />
        <IconButton small icon={X} label={t('window.close')} onClick={() => void act('close')} />
      </span>
    </>
  );
}
