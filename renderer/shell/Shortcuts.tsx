import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/Button.js';
import { Dialog } from '../ui/Dialog.js';

const shortcuts = [
  [['Ctrl K'], 'palette'],
  [['Ctrl 1', '…', 'Ctrl 6'], 'pages'],
  [['/'], 'filter'],
  [['↑', '↓', 'J', 'K'], 'rows'],
  [['Space'], 'select'],
  [['Ctrl A'], 'selectAll'],
  [['↵'], 'open'],
  [['Esc'], 'close'],
  [['S'], 'startStop'],
  [['R'], 'restart'],
  [['L'], 'logs'],
  [['T'], 'terminal'],
  [['E'], 'edit'],
  [['A'], 'addFolder'],
  [['R'], 'runImage'],
  [['P'], 'pullImage'],
  [['T'], 'tagImage'],
  [['R'], 'runVolume'],
  [['B'], 'backUpVolume'],
  [['Del'], 'remove'],
  [['Ctrl Z'], 'undo'],
  [['Ctrl F'], 'find'],
  [['Ctrl Shift C', 'Ctrl Shift V'], 'copyPaste'],
  [['Ctrl Shift F'], 'terminalFind'],
  [['Ctrl Tab'], 'nextTerminal'],
  [['F6', 'Shift F6', 'Ctrl Shift Esc'], 'regions'],
  [['?'], 'help'],
] as const;

export function ShortcutsDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  return (
    <Dialog
      title={t('shortcuts.title')}
      onClose={onClose}
      onSubmit={onClose}
      focus="button[type=submit]"
      footer={
        <>
          <span className="grow" />
          <Button type="submit" shortcut="Esc">
            {t('common.close')}
          </Button>
        </>
      }
    >
      <dl className="shortcuts">
        {shortcuts.map(([keys, what]) => (
          <Fragment key={what}>
            <dt className="keys">
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(`shortcuts.${what}`)}</dd>
          </Fragment>
        ))}
      </dl>
    </Dialog>
  );
}
