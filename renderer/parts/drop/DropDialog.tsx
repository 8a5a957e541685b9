import { useLayoutEffect, useState, type CSSProperties, type KeyboardEvent } from 'react';
import { Dialog as Radix, RadioGroup } from 'radix-ui';
import {
  Boxes,
  FolderInput,
  Hammer,
  HardDrive,
  Link,
  PackageOpen,
  PackagePlus,
  Play,
  X,
  type LucideIcon,
} from 'lucide-react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import type { FolderFacts } from '../../../main/contract/mounts.js';
import type { DropAnchor, DropTarget } from '../../store/drop.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import type { DropItem } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyButton } from '../../ui/Copy.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { useReturnFocus } from '../../ui/return-focus.js';
import { isRunning, nameOf } from '../container-state.js';
import { appliesOf } from '../mounts/use-previews.js';
import { useAnswer } from '../use-answer.js';
import { isReplaceable } from '../volumes/names.js';
import { Details } from './Details.js';
import { shortened } from './paths.js';
import { useActs } from './use-acts.js';
import { useDraft } from './use-draft.js';
import { nameOfFolder, offersFor, suggestion, type Offer, type Way } from './ways.js';

const icons: Record<Way, LucideIcon> = {
  mount: Link,
  copy: FolderInput,
  run: Play,
  volume: HardDrive,
  build: Hammer,
  import: PackageOpen,
  restore: PackagePlus,
};

/** Until the engine has told: what dropping told. */
const guess = ({ path, folder }: DropItem): FolderFacts => ({
  ...{ Path: path, Kind: folder ? 'directory' : 'file', Files: 0, Size: 0, Counted: false },
  ...{ Dockerfile: null, Archive: null, Owner: null, Warnings: [] },
});

export interface DropDialogProps {
  target: DropTarget;
  items: DropItem[];
  anchor?: DropAnchor | undefined;
  seen?: (() => void) | undefined;
  onClose(): void;
}

/** The one question about folders and files: what becomes of them. */
export function DropDialog({ target, items, anchor, seen, onClose }: DropDialogProps) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const returnFocus = useReturnFocus();
  const features = useEngine((state) => state.features);
  const containers = useEngine((state) => state.containers) ?? [];
  const volumes = useEngine((state) => state.volumes);
  const paths = items.map(({ path }) => path);
  const { value: told, problem: unasked } = useAnswer(() => store.client.slipway.folders(paths), paths.join('\0'));
  const facts = told ?? items.map(guess);
  const counting = told === undefined && unasked === undefined;

  const offers = offersFor(target, facts, {
    can: (what) => features?.can?.includes(what) ?? false,
    containers: containers.length > 0,
    replaceable: (name) => volumes?.every((row) => row.Name !== name || isReplaceable(row)) ?? true,
  });
  const suggested = suggestion(target, facts, offers);
  const [chosen, setChosen] = useState<Way>();
  const open = offers.filter(({ closed }) => closed === undefined);
  const way = open.find((offer) => offer.way === chosen)?.way ?? suggested?.way;
  const draft = useDraft({ target, facts, way });
  const container = containers.find(({ Id }) => Id === draft.container);
  const name = nameOfTarget(target, container ? nameOf(container) : '');
  const what =
    items.length === 1
      ? t(items[0]?.folder ? 'drop.what.folder' : 'drop.what.file')
      : t('drop.what.items', { count: items.length });
  const title = t(`drop.title.${target.kind}`, { what, name });
  const { busy, failure, submit } = useActs({
    target,
    facts,
    counting,
    told: told !== undefined,
    way,
    draft,
    // It is a question where it was dropped on nothing.
    title:
      target.kind === 'nothing' && container ? t('drop.title.container', { what, name: nameOf(container) }) : title,
    seen,
    onClose,
  });
  const applies = appliesOf(draft.foreseen);
  const mountHow =
    applies === 'restart'
      ? 'mountRestart'
      : (applies ?? (container && !isRunning(container) ? 'next-start' : 'live')) === 'next-start'
        ? 'mountNext'
        : 'mount';
  const wordOf = (one: Way) => (one === 'mount' ? mountHow : one);

  const [content, setContent] = useState<HTMLDivElement | null>(null);
  const { place, arrow } = usePlace(content, anchor);
  const onKeyDown = (event: KeyboardEvent) => {
    const field = (event.target as HTMLElement).matches('input:not([type=checkbox]), textarea, select');
    const digit = /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && (event.altKey || !field);
    if (digit) {
      const offer = open[Number(event.key) - 1];
      if (!offer) return;
      event.preventDefault();
      setChosen(offer.way);
      content?.querySelector<HTMLElement>(`[data-way="${offer.way}"]`)?.focus();
      return;
    }
    const button = (event.target as HTMLElement).closest('button:not([role=radio])');
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || (button && !event.ctrlKey)) return;
    event.preventDefault();
    event.stopPropagation();
    void submit();
  };

  return (
    <Radix.Root open onOpenChange={(opened) => !opened && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={clsx('veil', anchor && 'drop-clear')}>
          {anchor && <div className="drop-spot" style={{ ...anchor }} aria-hidden />}
          <Radix.Content
            ref={setContent}
            className={clsx('dialog drop-dialog', arrow && `arrow-${arrow.side}`)}
            style={{ ...place, ...(arrow && ({ '--arrow': `${arrow.at}px` } as CSSProperties)) }}
            aria-describedby="drop-summary"
            onCloseAutoFocus={returnFocus}
            onOpenAutoFocus={(event) => {
              event.preventDefault();
              const box = event.target as HTMLElement;
              (box.querySelector<HTMLElement>('[role=radio][data-state=checked]') ?? box).focus();
            }}
            onKeyDown={onKeyDown}
          >
            <header className="drop-head">
              <div className="grow">
                <Radix.Title className="cut">{title}</Radix.Title>
                <p id="drop-summary" className="s12 t3 num cut" title={paths.join('\n')}>
                  <Summary facts={facts} counting={counting} />
                </p>
              </div>
              <IconButton icon={X} iconSize={16} label={t('common.close')} shortcut="Esc" onClick={onClose} />
            </header>
            <div className="drop-two">
              <div className="drop-ways">
                <RadioGroup.Root
                  aria-label={t('drop.waysLabel')}
                  value={way ?? ''}
                  onValueChange={(next) => setChosen(next as Way)}
                  className="drop-offers"
                >
                  {offers.map((offer) => (
                    <OfferLine
                      key={offer.way}
                      offer={offer}
                      words={wordOf(offer.way)}
                      dockerfile={facts[0]?.Dockerfile ?? ''}
                      digit={open.indexOf(offer) + 1}
                      suggested={suggested?.way === offer.way}
                    />
                  ))}
                </RadioGroup.Root>
                <p className="drop-reason">{suggested ? t(`drop.reasons.${suggested.reason}`) : t('drop.none')}</p>
              </div>
              <div className="drop-details">
                {way && <Details target={target} facts={facts} way={way} draft={draft} name={name} />}
                {unasked !== undefined && <Problem>{unasked}</Problem>}
                {failure !== undefined && <Problem>{failure}</Problem>}
              </div>
            </div>
            <footer className="drop-foot">
              {draft.line !== '' && <CopyButton text={draft.line} label={t('common.copyAsCommand')} />}
              <span className="grow" />
              <Button variant="ghost" shortcut="Esc" onClick={onClose}>
                {t('common.cancel')}
              </Button>
              {way && (
                <Button
                  variant="primary"
                  shortcut="↵"
                  icon={way === 'mount' && mountHow === 'mountRestart' ? Boxes : icons[way]}
                  aria-disabled={busy || draft.wrong !== undefined}
                  onClick={() => void submit()}
                >
                  {busy ? t('drop.working') : t(`drop.submit.${submitWord(way, mountHow, draft.newVolume)}`)}
                </Button>
              )}
            </footer>
          </Radix.Content>
        </Radix.Overlay>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** What Enter does: where another dialog follows, it goes on. */
function submitWord(way: Way, mountHow: string, newVolume: boolean): Way | 'mountRestart' {
  if (way === 'mount' && mountHow === 'mountRestart') return 'mountRestart';
  return way === 'restore' && !newVolume ? 'run' : way;
}

function nameOfTarget(target: DropTarget, container: string): string {
  switch (target.kind) {
    case 'image':
      return target.reference;
    case 'volume':
      return target.name;
    default:
      return container;
  }
}

function OfferLine({
  offer: { way, closed },
  words,
  dockerfile,
  digit,
  suggested,
}: {
  offer: Offer;
  words: Way | 'mountNext' | 'mountRestart';
  dockerfile: string;
  digit: number;
  suggested: boolean;
}) {
  const { t } = useTranslation();
  const Icon = icons[way];
  return (
    <RadioGroup.Item value={way} disabled={closed !== undefined} className="drop-offer" data-way={way}>
      <Icon className="icon" aria-hidden />
      <b>{t(`drop.ways.${words}`)}</b>
      {suggested ? (
        <span className="tag c-acc">{t('drop.suggested')}</span>
      ) : (
        closed === undefined && <kbd aria-hidden>{digit}</kbd>
      )}
      <span className="drop-about">
        {closed ? t(`drop.closed.${closed}`) : t(`drop.about.${words}`, { name: dockerfile })}
      </span>
    </RadioGroup.Item>
  );
}

/** Where it is and how much: `~/code/shop · 1,284 files · 38 MB · has a Dockerfile`. */
function Summary({ facts, counting }: { facts: FolderFacts[]; counting: boolean }) {
  const { t, i18n } = useTranslation();
  const [first, ...others] = facts;
  const size = facts.reduce((sum, each) => sum + each.Size, 0);
  const count = facts.reduce((sum, each) => sum + each.Files, 0);
  const whole = facts.every(({ Counted, Kind }) => Counted || !/^(?:directory|file)$/.test(Kind));
  const number = count.toLocaleString(i18n.language);
  const dockerfile = facts.length === 1 ? first?.Dockerfile : undefined;
  const path = shortened(first?.Path ?? '');
  const parts = [
    ...(counting
      ? [t('drop.counting')]
      : count > 0 || size > 0
        ? [
            whole ? t('drop.files', { count, number }) : t('drop.moreFiles', { number }),
            whole ? bytes(size) : t('drop.moreThan', { size: bytes(size) }),
          ]
        : []),
    ...(dockerfile ? [t('drop.dockerfile', { name: dockerfile })] : []),
  ];
  return (
    <>
      <span className="mono">
        {others.length === 0
          ? path
          : others.length < 3
            ? facts.map(({ Path }) => nameOfFolder(Path)).join(', ')
            : t('drop.andMore', { path: nameOfFolder(first?.Path ?? ''), count: others.length })}
      </span>
      {parts.map((part) => ` · ${part}`).join('')}
    </>
  );
}

const GAP = 14;
const EDGE = 12;

interface Placed {
  place: CSSProperties;
  arrow?: { side: 'top' | 'bottom'; at: number };
}

/** Below what it was dropped on, or above it; in the middle where there is no room for that. */
function usePlace(box: HTMLDivElement | null, anchor: DropAnchor | undefined): Placed {
  const [placed, setPlaced] = useState<Placed>({ place: {} });
  useLayoutEffect(() => {
    if (!box || !anchor) return;
    const put = () => {
      const { offsetWidth: width, offsetHeight: height } = box;
      const middle = anchor.left + anchor.width / 2;
      const left = Math.max(EDGE, Math.min(innerWidth - width - EDGE, middle - width / 2));
      const at = Math.max(24, Math.min(width - 24, middle - left));
      const below = anchor.top + anchor.height + GAP;
      const above = anchor.top - GAP - height;
      if (below + height + EDGE <= innerHeight)
        setPlaced({ place: { position: 'absolute', left, top: below }, arrow: { side: 'top', at } });
      else if (above >= EDGE)
        setPlaced({ place: { position: 'absolute', left, top: above }, arrow: { side: 'bottom', at } });
      else setPlaced({ place: {} });
    };
    put();
    const watch = new ResizeObserver(put);
    watch.observe(box);
    addEventListener('resize', put);
    return () => {
      watch.disconnect();
      removeEventListener('resize', put);
    };
  }, [box, anchor]);
  return placed;
}
