import { useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { ArrowDown, ArrowUp, Search, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../ui/Button.js';
import { Dialog } from '../ui/Dialog.js';
import type { ScreenSettings } from './screen.js';
import type { Snapshot, TerminalSession } from './session.js';

export const useSession = (session: TerminalSession): Snapshot =>
  useSyncExternalStore(session.subscribe, session.snapshot);

/** Shows a session: its screen, find, and the question before a paste of several lines. */
export function TerminalView({
  session,
  settings,
  focus,
  title,
  onZoom,
  children,
}: {
  session: TerminalSession;
  settings: Omit<ScreenSettings, 'label'>;
  /** Puts the cursor in when shown. */
  focus: boolean;
  /** What runs here, said in the corner. */
  title?: string;
  onZoom(step: 1 | -1 | 0): void;
  /** Below the screen: how it ended, and the way on. */
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const { finding, paste } = useSession(session);
  const label = t('terminal.input');
  const { fontSize, scrollback, screenReader } = settings;
  const wantsFocus = useRef(focus);
  const first = useRef({ fontSize, scrollback, screenReader, label });
  useEffect(() => {
    if (!host.current) return;
    return session.mount(host.current, first.current, wantsFocus.current);
  }, [session]);
  useEffect(() => {
    first.current = { fontSize, scrollback, screenReader, label };
    session.apply(first.current);
  }, [session, fontSize, scrollback, screenReader, label]);
  useEffect(() => {
    session.hearZoom(onZoom);
  }, [session, onZoom]);
  return (
    <div className="term-pane">
      <div className="term-host" ref={host} data-terminal />
      {title !== undefined && !finding && (
        <span className="term-title cut" aria-hidden>
          {title}
        </span>
      )}
      {finding && <Find session={session} />}
      {children}
      {paste && (
        <Dialog
          width="narrow"
          title={t('terminal.pasteTitle', { count: paste.lines })}
          description={t('terminal.pasteText')}
          onClose={() => session.answerPaste(false)}
          onSubmit={() => session.answerPaste(true)}
          focus="button[type=submit]"
          footer={
            <>
              <span className="grow" />
              <Button variant="ghost" shortcut="Esc" onClick={() => session.answerPaste(false)}>
                {t('common.cancel')}
              </Button>
              <Button variant="primary" type="submit" shortcut="↵">
                {t('terminal.paste')}
              </Button>
            </>
          }
        >
          <pre className="raw well" style={{ maxHeight: 180, overflow: 'auto' }}>
            {paste.text.slice(0, 2000)}
          </pre>
        </Dialog>
      )}
    </div>
  );
}

function Find({ session }: { session: TerminalSession }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [missing, setMissing] = useState(false);
  const find = (direction: 'next' | 'previous', wanted = text) =>
    setMissing(wanted !== '' && !session.find(wanted, direction));
  return (
    <div className="term-find" role="search">
      <label className="filter">
        <Search className="icon s14" aria-hidden />
        <input
          autoFocus
          value={text}
          aria-label={t('terminal.find')}
          placeholder={t('terminal.find')}
          onChange={(event) => {
            setText(event.target.value);
            find('next', event.target.value);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') find(event.shiftKey ? 'previous' : 'next');
            else if (event.key === 'Escape') session.setFinding(false);
            else return;
            event.preventDefault();
            event.stopPropagation();
          }}
        />
        <span className="s11" role="status">
          {missing && t('terminal.notFound')}
        </span>
      </label>
      <IconButton small icon={ArrowUp} label={t('terminal.findPrevious')} onClick={() => find('previous')} />
      <IconButton small icon={ArrowDown} label={t('terminal.findNext')} onClick={() => find('next')} />
      <IconButton small icon={X} label={t('common.close')} onClick={() => session.setFinding(false)} />
    </div>
  );
}
