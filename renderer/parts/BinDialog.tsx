import { useEffect, useRef, useState } from 'react';
import { ArchiveRestore, Box, Database, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../main/client/index.js';
import type { Bin } from '../../main/contract/bin.js';
import { messageOf, useEngine, useEngineStore } from '../store/index.js';
import { Button, IconButton } from '../ui/Button.js';
import { useNow } from '../ui/clock.js';
import { Dialog } from '../ui/Dialog.js';
import { Empty } from '../ui/Empty.js';
import { Problem } from '../ui/Field.js';
import { ago, bytes, span } from '../ui/format.js';
import { notifyDone, notifyFailed } from '../ui/notify.js';
import { useShown } from '../ui/use-shown.js';
import { useExplain } from './explain.js';
import { freeName } from './removal.js';
import { useEngineName } from './RemoveDialog.js';
import { freeVolumeName, nameOfVolume } from './volumes/names.js';

/** Sizes are counted by the engine in its own time, and no event tells when. */
const RECOUNT_MS = 1500;
const ALL = 'all';

/** A container or a volume that was removed. */
interface Binned {
  kind: 'container' | 'volume';
  Id: string;
  Name: string;
  /** What people know it by. */
  shown: string;
  Removed: string;
  Until: string;
  Size: number | null;
  /** Of a container. */
  Image?: string;
}

/** Both kinds, what was removed last first. */
const allIn = (bin: Bin | undefined): Binned[] =>
  [
    ...(bin?.Containers ?? []).map((one): Binned => ({ ...one, kind: 'container', shown: one.Name })),
    ...(bin?.Volumes ?? []).map((one): Binned => ({
      ...one,
      kind: 'volume',
      shown: nameOfVolume({ Name: one.Name, Anonymous: true }),
    })),
  ].sort((a, b) => Date.parse(b.Removed) - Date.parse(a.Removed));

interface Trouble {
  id: string;
  problem: string;
  /** Its name is taken: the one it could have. */
  other: string | undefined;
}

/** What was removed and can be brought back. What nothing brings back is asked for in its place. */
export function BinDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const bin = useEngine((state) => state.bin);
  const engine = useEngineName();
  const explain = useExplain();
  const isShown = useShown();
  /** The id that is asked about, or all of them. */
  const [asking, setAsking] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>();
  const [said, setSaid] = useState('');
  const body = useRef<HTMLDivElement>(null);
  const binned = allIn(bin);
  useRecount(binned.some(({ Size }) => Size === null));

  /** The button that was pressed goes with its line: what has the focus once that is drawn, else the way out. */
  const wanted = useRef<string>(undefined);
  const focus = (selector: string) => (wanted.current = selector);
  useEffect(() => {
    if (wanted.current === undefined || busy) return;
    const dialog = body.current?.closest('[role="dialog"]');
    (dialog?.querySelector<HTMLElement>(wanted.current) ?? dialog?.querySelector<HTMLElement>('[data-close]'))?.focus();
    wanted.current = undefined;
  });
  const ask = (what: string | undefined) => {
    const before = asking;
    setAsking(what);
    setTrouble(undefined);
    focus(what !== undefined ? '[data-keep]' : before === ALL ? '[data-empty]' : `[data-delete="${before}"]`);
  };
  /** `title`: what a notice is called where it went wrong and this has been closed by then. */
  const run = async (act: () => Promise<string>, id: string, title: string, otherwise?: () => string) => {
    setBusy(true);
    setTrouble(undefined);
    try {
      const words = await act();
      if (!isShown()) return notifyDone(words);
      setSaid(words);
      setAsking(undefined);
      focus('[data-restore]');
    } catch (error) {
      const problem = explain(messageOf(error));
      if (!isShown()) return notifyFailed(title, problem);
      const taken = error instanceof ApiError && error.kind === 'conflict';
      setAsking(undefined);
      setTrouble({ id, problem, other: taken ? otherwise?.() : undefined });
      focus(taken && otherwise ? '[data-other]' : '[data-restore]');
    }
    setBusy(false);
  };
  const restore = ({ Id, Name, kind, shown }: Binned, name?: string) =>
    void run(
      async () => {
        const restored = await store.getState().restoreFromBin(Id, name);
        const back = kind === 'volume' && restored.Name === Name ? shown : restored.Name;
        return [t('bin.back', { name: back }), ...restored.Warnings].join(' ');
      },
      Id,
      t('bin.notBack', { name: shown }),
      () =>
        kind === 'volume'
          ? freeVolumeName(shown, store.getState().volumes)
          : freeName(Name, store.getState().containers ?? []),
    );
  const remove = ({ Id, shown }: Binned) =>
    void run(
      async () => {
        await store.getState().removeFromBin(Id);
        return t('bin.deleted', { name: shown });
      },
      Id,
      t('action.failedTo.remove', { name: shown }),
    );
  const empty = () =>
    void run(
      async () => {
        await store.getState().emptyBin();
        return t('bin.emptied');
      },
      ALL,
      t('bin.empty'),
    );

  return (
    <Dialog
      width="wide"
      title={t('bin.title')}
      description={t('bin.text')}
      // Escape takes back the question first.
      onClose={() => (asking === undefined ? onClose() : ask(undefined))}
      focus={binned.length > 0 ? '[data-restore]' : '[data-close]'}
      footer={
        asking === ALL ? (
          <>
            <span className="grow" role="alert">
              {t('bin.askEmpty', { count: binned.length })}
            </span>
            <Button variant="ghost" shortcut="Esc" onClick={() => ask(undefined)} data-keep>
              {t('common.cancel')}
            </Button>
            <Button variant="danger-fill" icon={Trash2} disabled={busy} onClick={empty}>
              {t('bin.emptyNow')}
            </Button>
          </>
        ) : (
          <>
            {binned.length > 0 && (
              <Button icon={Trash2} disabled={busy} onClick={() => ask(ALL)} data-empty>
                {t('bin.empty')}
              </Button>
            )}
            <span className="grow" />
            <Button shortcut="Esc" onClick={onClose} data-close>
              {t('common.close')}
            </Button>
          </>
        )
      }
    >
      <div ref={body} className="bin">
        {binned.length === 0 ? (
          <Empty icon={ArchiveRestore} title={t('bin.noneTitle')}>
            {t('bin.noneText')}
          </Empty>
        ) : (
          <ul className="victims bin-list" aria-label={t('bin.title')}>
            {binned.map((one) => (
              <li key={one.Id}>
                <Line
                  one={one}
                  asking={asking === one.Id}
                  busy={busy}
                  onAsk={() => ask(one.Id)}
                  onKeep={() => ask(undefined)}
                  onRestore={() => restore(one)}
                  onDelete={() => remove(one)}
                />
                {trouble?.id === one.Id && (
                  <div className="bin-line">
                    <div className="grow">
                      <Problem>{trouble.problem}</Problem>
                    </div>
                    {trouble.other !== undefined && (
                      <Button
                        size="small"
                        icon={ArchiveRestore}
                        disabled={busy}
                        onClick={() => restore(one, trouble.other)}
                        data-other
                      >
                        {t('bin.restoreAs', { name: trouble.other })}
                      </Button>
                    )}
                  </div>
                )}
              </li>
            ))}
          </ul>
        )}
        {trouble?.id === ALL && <Problem>{trouble.problem}</Problem>}
        <p className="s12 t2" role="status">
          {said}
        </p>
        <p className="s12 t3">
          {bin && t('bin.total', { size: bytes(bin.Size), limit: bytes(bin.Limit) })}{' '}
          {t('remove.engine', { name: engine })}
        </p>
      </div>
    </Dialog>
  );
}

interface LineProps {
  one: Binned;
  asking: boolean;
  busy: boolean;
  onAsk(): void;
  onKeep(): void;
  onRestore(): void;
  onDelete(): void;
}

function Line({ one, asking, busy, onAsk, onKeep, onRestore, onDelete }: LineProps) {
  const { t } = useTranslation();
  const now = useNow(10_000);
  const { kind, Id, shown: Name, Image, Removed, Until, Size } = one;
  const Icon = kind === 'volume' ? Database : Box;
  if (asking)
    return (
      <div className="bin-line">
        <span className="grow" role="alert">
          {t('bin.askDelete', { name: Name })}
        </span>
        <Button size="small" variant="ghost" shortcut="Esc" onClick={onKeep} data-keep>
          {t('common.cancel')}
        </Button>
        <Button size="small" variant="danger-fill" disabled={busy} onClick={onDelete}>
          {t('bin.delete')}
        </Button>
      </div>
    );
  return (
    <div className="bin-line">
      <Icon className="icon s14 t3" aria-hidden />
      <div className="grow">
        <div className="cut b6">{Name}</div>
        <div className={kind === 'volume' ? 'cut s11 t3' : 'cut mono s11 t3'}>{Image ?? t('bin.volume')}</div>
      </div>
      <div className="right num s12">
        <div className="t2">{t('bin.removed', { ago: ago(t, now - Date.parse(Removed)) })}</div>
        <div className="t3">
          {t('bin.left', { span: span(t, Date.parse(Until) - now) })}
          {' · '}
          {Size === null ? t('bin.counting') : bytes(Size)}
        </div>
      </div>
      <Button
        size="small"
        icon={ArchiveRestore}
        disabled={busy}
        aria-label={t('bin.restoreOne', { name: Name })}
        onClick={onRestore}
        data-restore
      >
        {t('bin.restore')}
      </Button>
      <IconButton
        small
        icon={Trash2}
        disabled={busy}
        label={t('bin.deleteOne', { name: Name })}
        onClick={onAsk}
        data-delete={Id}
      />
    </div>
  );
}

/** Reads the bin again while something in it is not counted yet. */
function useRecount(counting: boolean): void {
  const store = useEngineStore();
  useEffect(() => {
    const load = () =>
      void store
        .getState()
        .loadBin()
        .catch(() => undefined);
    load();
    if (!counting) return;
    const timer = setInterval(load, RECOUNT_MS);
    return () => clearInterval(timer);
  }, [store, counting]);
}
