import { memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { CircleAlert, CircleCheck, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { knowsVolumes, usersAreTold } from '../../store/volumes-slice.js';
import { Button } from '../../ui/Button.js';
import { CopyButton } from '../../ui/Copy.js';
import { useNow } from '../../ui/clock.js';
import { Dialog } from '../../ui/Dialog.js';
import { CheckLine } from '../../ui/Field.js';
import { ago, bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { Segments } from '../../ui/Segments.js';
import { useShown } from '../../ui/use-shown.js';
import { joinCommand } from '../command-line.js';
import { useEngineName } from '../RemoveDialog.js';
import { nameOfVolume, usageOf } from './names.js';
import { removeVolumes, sayStays } from './removal.js';
import { useVolumes, useWatchVolumes } from './use-volumes.js';

type Scope = 'anonymous' | 'unused';

/** The exact list of the volumes that go and what that gives back, before anything goes; then what came of each. */
export function PruneVolumesDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const engine = useEngineName();
  useWatchVolumes();
  const told = useEngine(usersAreTold);
  const listed = useVolumes();
  // Until it is known who uses them, each would look unused.
  const volumes = told ? listed : undefined;
  const shown = useShown();
  const undoable = useEngine(knowsVolumes);
  const [scope, setScope] = useState<Scope>('unused');
  const [keep, setKeep] = useState(true);
  const [spared, setSpared] = useState<ReadonlySet<string>>(new Set());
  const [going, setGoing] = useState<VolumeOverview[]>();
  const [finished, setFinished] = useState<ReadonlySet<string>>(new Set());
  const [problems, setProblems] = useState<Record<string, string>>();
  const victims = useMemo(
    () =>
      (volumes ?? [])
        .filter((row) => usageOf(row) === 'unused' && (scope === 'unused' || row.Anonymous))
        .sort((a, b) => (b.Size ?? 0) - (a.Size ?? 0) || nameOfVolume(a).localeCompare(nameOfVolume(b))),
    [volumes, scope],
  );
  const chosen = victims.filter(({ Name }) => !spared.has(Name));
  const sizeOf = (rows: VolumeOverview[]) => rows.reduce((sum, { Size }) => sum + (Size ?? 0), 0);
  const binning = undoable && keep;

  const body = useRef<HTMLDivElement>(null);
  const over = problems !== undefined;
  // The button that was pressed is gone with the question.
  useEffect(() => {
    if (over) body.current?.closest('[role="dialog"]')?.querySelector<HTMLElement>('[data-cancel]')?.focus();
  }, [over]);
  const onToggle = useCallback(
    (name: string, goes: boolean) =>
      setSpared((before) => {
        const after = new Set(before);
        if (goes) after.delete(name);
        else after.add(name);
        return after;
      }),
    [],
  );
  const prune = async () => {
    if (going || chosen.length === 0) return;
    setGoing(chosen);
    const failed = await removeVolumes(
      store,
      t,
      chosen.map(({ Name }) => Name),
      { forGood: !binning, onOne: (name) => setFinished((before) => new Set(before).add(name)) },
    );
    if (Object.keys(failed).length === 0) return onClose();
    if (!shown()) return sayStays(t, failed);
    setProblems(failed);
  };
  const failed = Object.keys(problems ?? {}).length;
  return (
    <Dialog
      width="wide"
      title={t('volumes.prune.title')}
      description={t('volumes.prune.text')}
      onClose={onClose}
      onSubmit={() => void prune()}
      focus="[data-cancel]"
      footer={
        going ? (
          <>
            <span className="grow" />
            <Button variant="primary" shortcut="Esc" disabled={!over} onClick={onClose} data-cancel>
              {t('common.close')}
            </Button>
          </>
        ) : (
          <>
            {chosen.length > 0 && !binning && (
              <CopyButton
                text={`docker volume rm ${joinCommand(chosen.map(({ Name }) => Name))}`}
                label={t('common.copyAsCommand')}
              />
            )}
            <span className="grow" />
            <Button variant="ghost" shortcut="Esc" onClick={onClose} data-cancel>
              {t('common.cancel')}
            </Button>
            <Button variant="danger-fill" type="submit" icon={Trash2} disabled={chosen.length === 0}>
              {t('volumes.prune.submit', { count: chosen.length })}
            </Button>
          </>
        )
      }
    >
      <div className="prune" ref={body}>
        {!going && (
          <Segments<Scope>
            label={t('volumes.prune.which')}
            options={[
              { value: 'unused', label: t('volumes.prune.unused') },
              { value: 'anonymous', label: t('volumes.prune.anonymous') },
            ]}
            value={scope}
            onChange={setScope}
          />
        )}
        {!volumes && !going ? (
          <Loading waitingFor={t('common.loading')} />
        ) : victims.length === 0 && !going ? (
          <p className="t2">{t(`volumes.prune.none.${scope}`)}</p>
        ) : (
          <ul className="victims prune-list" aria-label={t('volumes.prune.list')}>
            {(going ?? victims).map((row) => (
              <Victim
                key={row.Name}
                row={row}
                goes={!spared.has(row.Name)}
                state={
                  !going
                    ? 'asked'
                    : problems?.[row.Name] !== undefined
                      ? 'failed'
                      : finished.has(row.Name)
                        ? 'gone'
                        : 'waiting'
                }
                problem={problems?.[row.Name]}
                onToggle={onToggle}
              />
            ))}
          </ul>
        )}
        {undoable && !going && (
          <CheckLine
            label={t('volumes.prune.keep')}
            hint={keep ? t('volumes.prune.keepHint') : t('volumes.prune.loses')}
            checked={keep}
            onChange={setKeep}
          />
        )}
        <p className="s12 t2" role="status">
          {going
            ? over
              ? t('volumes.prune.done', { gone: going.length - failed, count: going.length })
              : t('prune.progress', { done: finished.size, count: going.length })
            : victims.length > 0 &&
              (undoable
                ? t('volumes.prune.total', { count: chosen.length, size: bytes(sizeOf(chosen)) })
                : t('volumes.prune.totalUnsized', { count: chosen.length }))}
        </p>
        <p className="s12 t3">{t('remove.engine', { name: engine })}</p>
      </div>
    </Dialog>
  );
}

/** A line; of hundreds that go one after the other only the one that went is drawn again. */
const Victim = memo(function Victim({
  row,
  goes,
  state,
  problem,
  onToggle,
}: {
  row: VolumeOverview;
  goes: boolean;
  state: 'asked' | 'waiting' | 'gone' | 'failed';
  problem: string | undefined;
  onToggle(name: string, goes: boolean): void;
}) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const name = nameOfVolume(row);
  const words = (
    <>
      <span className="grow">
        <span className={row.Anonymous ? 'mono' : 'b6'}>{name}</span>
        {row.Anonymous && <span className="t3 s12"> {t('volumes.anonymous')}</span>}
        {row.CreatedBy && (
          <span className="t3 s12 cut prune-names">{t('volumes.madeWith', { name: row.CreatedBy.Name })}</span>
        )}
        {problem !== undefined && <span className="s12 t2 select prune-names">{problem}</span>}
      </span>
      <span className="right num s12 prune-size">
        <span>{row.Size === null ? '–' : bytes(row.Size)}</span>
        <span className="t3">{ago(t, now - Date.parse(row.LastWrite ?? row.Created))}</span>
      </span>
    </>
  );
  if (state !== 'asked')
    return (
      <li>
        {state === 'waiting' ? (
          <span className="s14 prune-wait" aria-hidden />
        ) : state === 'gone' ? (
          <CircleCheck className="icon s14 c-run" aria-label={t('prune.gone')} role="img" />
        ) : (
          <CircleAlert className="icon s14 c-fail" aria-label={t('prune.stays')} role="img" />
        )}
        {words}
      </li>
    );
  return (
    <li>
      <label className="prune-line">
        <input
          type="checkbox"
          className="check"
          checked={goes}
          onChange={(event) => onToggle(row.Name, event.target.checked)}
          aria-label={t('volumes.prune.choose', { name })}
        />
        {words}
      </label>
    </li>
  );
});
