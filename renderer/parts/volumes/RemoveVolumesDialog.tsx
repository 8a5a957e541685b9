import { useState } from 'react';
import { CircleAlert, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngine, useEngineStore } from '../../store/index.js';
import { knowsVolumes } from '../../store/volumes-slice.js';
import { Button } from '../../ui/Button.js';
import { CopyButton } from '../../ui/Copy.js';
import { Dialog } from '../../ui/Dialog.js';
import { bytes } from '../../ui/format.js';
import { useShown } from '../../ui/use-shown.js';
import { joinCommand } from '../command-line.js';
import { useEngineName } from '../RemoveDialog.js';
import { sayStays } from '../stays.js';
import { Holders } from './Holders.js';
import { nameOfVolume } from './names.js';
import { removeVolumes } from './removal.js';
import { useVolumes } from './use-volumes.js';

/**
 * Of those that are used it says by whom: they stay. The others go, to the bin where there is one. What could not be removed stays in the
 * list with its reason; the focus is on Cancel.
 */
export function RemoveVolumesDialog({ names, onClose }: { names: string[]; onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  const undoable = useEngine(knowsVolumes);
  const volumes = useVolumes();
  const shown = useShown();
  const [left, setLeft] = useState(names);
  const [done, setDone] = useState<number>();
  const [problems, setProblems] = useState<Record<string, string>>({});
  const rowOf = (name: string) => volumes?.find(({ Name }) => Name === name);
  const free = left.filter((name) => (rowOf(name)?.Users.length ?? 0) === 0);
  const held = left.length - free.length;
  const only = left.length === 1 ? left[0] : undefined;
  const onlyRow = only === undefined ? undefined : rowOf(only);
  const called = onlyRow ? nameOfVolume(onlyRow) : (only ?? '');
  const busy = done !== undefined;

  const remove = async () => {
    if (busy || free.length === 0) return;
    setDone(0);
    const failed = await removeVolumes(store, t, free, { onOne: () => setDone((count = 0) => count + 1) });
    const kept = left.filter((name) => failed[name] !== undefined);
    if (kept.length === 0) return onClose();
    if (!shown()) return sayStays(t, failed);
    setLeft(kept);
    setProblems(failed);
    setDone(undefined);
  };
  const title =
    free.length === 0
      ? only !== undefined
        ? t('volumes.remove.usedTitle', { name: called })
        : t('volumes.remove.usedTitleMany', { count: held })
      : only !== undefined
        ? t('remove.title', { name: called })
        : t('volumes.remove.title', { count: free.length });
  const text = [
    free.length > 0 && (undoable ? t('volumes.remove.keeps', { count: free.length }) : t('volumes.remove.loses')),
    held > 0 &&
      (free.length > 0 ? t('volumes.remove.someHeld', { count: held }) : t('volumes.remove.held', { count: held })),
  ].filter((part) => part !== false);
  // What goes stands before what stays.
  const ordered = left.toSorted((a, b) => Number(free.includes(b)) - Number(free.includes(a)));
  return (
    <Dialog
      width={left.length > 1 ? 'normal' : 'narrow'}
      title={title}
      description={text.join(' ')}
      onClose={onClose}
      onSubmit={() => void remove()}
      focus="[data-cancel]"
      footer={
        <>
          {!undoable && free.length > 0 && (
            // docker volume rm knows no bin: where there is one, it is not the same.
            <CopyButton text={`docker volume rm ${joinCommand(free)}`} label={t('common.copyAsCommand')} />
          )}
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
            {free.length === 0 ? t('common.close') : t('common.cancel')}
          </Button>
          {free.length > 0 && (
            <Button variant="danger-fill" type="submit" icon={Trash2} disabled={busy}>
              {busy
                ? t('remove.busy', { done, count: free.length })
                : only !== undefined
                  ? t('remove.submitOne')
                  : t('remove.submitMany', { count: free.length })}
            </Button>
          )}
        </>
      }
    >
      <ul className="victims" aria-label={t('volumes.remove.list')}>
        {ordered.map((name) => {
          const row = rowOf(name);
          const problem = problems[name];
          return (
            <li key={name} className="victim">
              <span className="victim-line">
                {problem !== undefined && <CircleAlert className="icon s14 c-fail" aria-hidden />}
                <span className="grow cut b6" title={name}>
                  {row ? nameOfVolume(row) : name}
                </span>
                <span className="s12 t3 num">{row && row.Size !== null && bytes(row.Size)}</span>
              </span>
              {problem !== undefined && <span className="s12 t2 select">{problem}</span>}
              {row && <Holders volume={row} />}
            </li>
          );
        })}
      </ul>
      <p className="s12 t3">{t('remove.engine', { name: engine })}</p>
    </Dialog>
  );
}
