import { memo, useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { knowsVolumes, usersAreTold } from '../../store/volumes-slice.js';
import { useNow } from '../../ui/clock.js';
import { CheckLine } from '../../ui/Field.js';
import { ago, bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { useShown } from '../../ui/use-shown.js';
import { joinCommand } from '../command-line.js';
import { PruneDialog, PruneLine, type PruneState } from '../PruneDialog.js';
import { sayStays } from '../stays.js';
import { nameOfVolume, usageOf } from './names.js';
import { removeVolumes } from './removal.js';
import { useVolumes, useWatchVolumes } from './use-volumes.js';

type Scope = 'anonymous' | 'unused';

/** The exact list of the volumes that go and what that gives back, before anything goes; then what came of each. */
export function PruneVolumesDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  const store = useEngineStore();
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

  const over = problems !== undefined;
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
    <PruneDialog<Scope>
      title={t('volumes.prune.title')}
      description={t('volumes.prune.text')}
      stage={!going ? 'asked' : over ? 'over' : 'going'}
      scope={{
        label: t('volumes.prune.which'),
        options: [
          { value: 'unused', label: t('volumes.prune.unused') },
          { value: 'anonymous', label: t('volumes.prune.anonymous') },
        ],
        value: scope,
        onChange: setScope,
      }}
      list={{ label: t('volumes.prune.list') }}
      none={
        going ? undefined : !volumes ? (
          <Loading waitingFor={t('common.loading')} />
        ) : victims.length === 0 ? (
          <p className="t2">{t(`volumes.prune.none.${scope}`)}</p>
        ) : undefined
      }
      extra={
        undoable &&
        !going && (
          <CheckLine
            label={t('volumes.prune.keep')}
            hint={keep ? t('volumes.prune.keepHint') : t('volumes.prune.loses')}
            checked={keep}
            onChange={setKeep}
          />
        )
      }
      status={
        going
          ? over
            ? t('volumes.prune.done', { gone: going.length - failed, count: going.length })
            : t('prune.progress', { done: finished.size, count: going.length })
          : victims.length > 0 &&
            (undoable
              ? t('volumes.prune.total', { count: chosen.length, size: bytes(sizeOf(chosen)) })
              : t('volumes.prune.totalUnsized', { count: chosen.length }))
      }
      submit={{ label: t('volumes.prune.submit', { count: chosen.length }), disabled: chosen.length === 0 }}
      command={
        chosen.length > 0 && !binning ? `docker volume rm ${joinCommand(chosen.map(({ Name }) => Name))}` : undefined
      }
      onSubmit={() => void prune()}
      onClose={onClose}
    >
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
    </PruneDialog>
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
  state: PruneState;
  problem: string | undefined;
  onToggle(name: string, goes: boolean): void;
}) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const name = nameOfVolume(row);
  return (
    <PruneLine
      name={name}
      named={!row.Anonymous}
      tag={row.Anonymous ? t('volumes.anonymous') : undefined}
      more={row.CreatedBy ? t('volumes.madeWith', { name: row.CreatedBy.Name }) : undefined}
      problem={problem}
      size={row.Size === null ? '–' : bytes(row.Size)}
      aside={ago(t, now - Date.parse(row.LastWrite ?? row.Created))}
      state={state}
      goes={goes}
      choose={t('volumes.prune.choose', { name })}
      onToggle={(next) => onToggle(row.Name, next)}
    />
  );
});
