import { useEffect, useMemo, useState } from 'react';
import { Eraser } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../main/client/index.js';
import type { DiskImage, DiskUsage } from '../../main/contract/disk.js';
import { hasDisk } from '../store/disk-slice.js';
import { messageOf, useEngine, useEngineStore } from '../store/index.js';
import { useSurface } from '../store/surface.js';
import { Button, IconButton } from '../ui/Button.js';
import { useNow } from '../ui/clock.js';
import { Problem } from '../ui/Field.js';
import { ago, bytes } from '../ui/format.js';
import { useShown } from '../ui/use-shown.js';
import { joinCommand } from './command-line.js';
import { freedBy, nameOfDisk, victimsOf, withoutParents, type PruneScope } from './disk-parts.js';
import { useExplain } from './explain.js';
import { PruneDialog, PruneLine } from './PruneDialog.js';
import { sayStays } from './stays.js';

/** Opens the dialog below, `plain` without words; not there where the engine cannot say what would go. */
export function PruneImagesButton({ plain = false }: { plain?: boolean }) {
  const { t } = useTranslation();
  const offered = useEngine(hasDisk);
  const ready = useEngine(({ connection }) => connection.state === 'ready');
  const ask = useSurface((surface) => surface.open);
  if (!offered) return null;
  const open = () => ask({ kind: 'prune-images', scope: 'unused' });
  if (plain)
    return <IconButton icon={Eraser} iconSize={16} label={t('prune.openImages')} disabled={!ready} onClick={open} />;
  return (
    <Button icon={Eraser} disabled={!ready} onClick={open}>
      {t('prune.open')}
    </Button>
  );
}

/** What came of one of them: undefined: it is gone. */
type Outcome = { problem: string | undefined };

/** The exact list of the images that go and what that gives back, before anything goes; then what came of each. */
export function PruneImagesDialog({ scope: wanted, onClose }: { scope: PruneScope; onClose(): void }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const store = useEngineStore();
  const { disk, problem } = useDisk();
  const [scope, setScope] = useState(wanted);
  const [spared, setSpared] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const shown = useShown();
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>();
  const victims = useMemo(() => (disk ? victimsOf(disk, scope) : []), [disk, scope]);
  const chosen = useMemo(() => withoutParents(victims.filter(({ Id }) => !spared.has(Id))), [victims, spared]);
  const going = useMemo(() => new Set(chosen.map(({ Id }) => Id)), [chosen]);
  const freed = useMemo(() => (disk ? freedBy(disk.Layers, going) : 0), [disk, going]);
  const gone = [...(outcomes?.values() ?? [])].filter((outcome) => outcome.problem === undefined).length;

  const prune = async () => {
    if (busy || outcomes || chosen.length === 0) return;
    setBusy(true);
    setOutcomes(new Map());
    const stay: Record<string, string> = {};
    for (const image of chosen) {
      const problem = await removed(image);
      setOutcomes((before) => new Map(before).set(image.Id, { problem }));
      if (problem !== undefined) stay[nameOfDisk(image)] = problem;
    }
    if (!shown()) return sayStays(t, stay);
    setBusy(false);
  };
  /** By its names, so that nothing goes that got another one meanwhile. Why it stays, or undefined. */
  const removed = async ({ Id, Names }: DiskImage): Promise<string | undefined> => {
    for (const reference of Names.length > 0 ? Names : [Id]) {
      try {
        await store.getState().removeImage(reference);
      } catch (error) {
        // What was made from it has taken it along.
        if (error instanceof ApiError && error.kind === 'not-found') continue;
        return error instanceof ApiError && error.kind === 'conflict' ? t('prune.inUse') : explain(messageOf(error));
      }
    }
    return undefined;
  };
  /** What was made from an image goes with it. */
  const toggle = (id: string, goes: boolean) =>
    setSpared((before) => {
      const after = new Set(before);
      if (!goes) return after.add(id);
      for (const each of familyOf(victims, id)) after.delete(each);
      return after;
    });

  return (
    <PruneDialog<PruneScope>
      title={t('prune.title')}
      description={t('prune.text')}
      stage={!outcomes ? 'asked' : busy ? 'going' : 'over'}
      scope={{
        label: t('prune.which'),
        options: [
          { value: 'unused', label: t('prune.unused') },
          { value: 'dangling', label: t('prune.dangling') },
        ],
        value: scope,
        onChange: setScope,
      }}
      list={{ label: t('prune.list'), busy: !disk && !problem }}
      before={problem && <Problem>{explain(problem)}</Problem>}
      none={disk && victims.length === 0 ? <p className="t2">{t(`prune.none.${scope}`)}</p> : undefined}
      status={
        outcomes
          ? busy
            ? t('prune.progress', { done: outcomes.size, count: chosen.length })
            : t('prune.done', { gone, count: chosen.length })
          : disk && victims.length > 0 && t('prune.total', { count: chosen.length, size: bytes(freed) })
      }
      submit={{
        label: t('prune.submit', { count: chosen.length, size: bytes(freed) }),
        disabled: chosen.length === 0,
      }}
      command={
        chosen.length > 0
          ? `docker rmi ${joinCommand(chosen.flatMap(({ Id, Names }) => (Names.length > 0 ? Names : [Id])))}`
          : undefined
      }
      onSubmit={() => void prune()}
      onClose={onClose}
    >
      {(outcomes ? chosen : victims).map((image) => (
        <Victim
          key={image.Id}
          image={image}
          goes={going.has(image.Id)}
          outcome={outcomes?.get(image.Id)}
          waiting={outcomes !== undefined}
          onToggle={(goes) => toggle(image.Id, goes)}
        />
      ))}
    </PruneDialog>
  );
}

function Victim({
  image,
  goes,
  outcome,
  waiting,
  onToggle,
}: {
  image: DiskImage;
  goes: boolean;
  outcome: Outcome | undefined;
  waiting: boolean;
  onToggle(goes: boolean): void;
}) {
  const { t } = useTranslation();
  const now = useNow(60_000);
  const name = nameOfDisk(image);
  const named = image.Names.length > 0;
  return (
    <PruneLine
      name={name}
      named={named}
      tag={named ? undefined : t('images.untagged')}
      more={image.Names.length > 1 ? image.Names.slice(1).join(', ') : undefined}
      problem={outcome?.problem}
      size={bytes(image.Unique + image.Compressed)}
      aside={image.Shared > 0 ? t('prune.shares', { size: bytes(image.Shared) }) : ago(t, now - image.Created * 1000)}
      state={!waiting ? 'asked' : !outcome ? 'waiting' : outcome.problem === undefined ? 'gone' : 'failed'}
      goes={goes}
      choose={t('prune.choose', { name })}
      onToggle={onToggle}
    />
  );
}

/** An image and all that was made from it. */
function familyOf(images: DiskImage[], id: string): string[] {
  const children = images.find(({ Id }) => Id === id)?.Children ?? [];
  return [id, ...children.flatMap((child) => familyOf(images, child))];
}

/** The engine's answer at the moment when it is asked for: what is shown is what goes. */
function useDisk(): { disk: DiskUsage | undefined; problem: string | undefined } {
  const { client } = useEngineStore();
  const [disk, setDisk] = useState<DiskUsage>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let there = true;
    client.slipway.disk().then(
      (answer) => there && setDisk(answer),
      (error: unknown) => there && setProblem(messageOf(error)),
    );
    return () => void (there = false);
  }, [client]);
  return { disk, problem };
}
