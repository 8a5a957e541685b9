import type { ReactNode } from 'react';
import { ArrowRight, Check, Info, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { FolderFacts } from '../../../main/contract/mounts.js';
import type { DropTarget } from '../../store/drop.js';
import { useEngine } from '../../store/index.js';
import { person } from '../../ui/desktop.js';
import { CheckLine, Field, Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Segments } from '../../ui/Segments.js';
import { nameOf } from '../container-state.js';
import { namedImages } from '../image-names.js';
import { newNameProblem, NewNameField } from '../NewName.js';
import { familiar } from '../reference.js';
import { explainAttach, explainObstacle } from '../mounts/reasons.js';
import { cleanPath, joined } from './places.js';
import type { Draft, OwnerChoice } from './use-draft.js';
import type { Who } from './user.js';
import { nameOfFolder, warningsOf, type Way } from './ways.js';

/** What an owner is called who has no number in there. */
const NOBODY = 65534;

interface Part {
  target: DropTarget;
  facts: FolderFacts[];
  draft: Draft;
  /** The container's, image's or volume's. */
  name: string;
}

/** What the chosen way has to be told, and what it comes to. */
export function Details({ way, ...part }: Part & { way: Way }) {
  const { t } = useTranslation();
  const { facts } = part;
  const warned = warningsOf(way, way === 'mount' && part.draft.preview ? [...facts, part.draft.preview] : facts);
  const panels: Record<Way, () => ReactNode> = {
    mount: () => <MountDetails {...part} />,
    run: () => <RunDetails {...part} />,
    copy: () => <CopyDetails {...part} />,
    volume: () => <VolumeDetails {...part} />,
    build: () => <BuildDetails {...part} />,
    import: () => <p className="t2">{t('drop.importText', { count: facts.length })}</p>,
    restore: () => <VolumeChoice {...part} replaces />,
  };
  return (
    <>
      {warned.map((warning) => (
        <Note key={warning} serious>
          {t(`drop.warnings.${warning}`)}{' '}
          {way !== 'build' && part.draft.readOnlyFirst && warning === warned.at(-1) && t('drop.readOnlyFirst')}
        </Note>
      ))}
      {panels[way]()}
    </>
  );
}

function Note({ serious, children }: { serious?: boolean; children: ReactNode }) {
  const Icon = serious ? TriangleAlert : Info;
  return (
    <div className="drop-note" role="note">
      <Icon className="icon s14" aria-hidden />
      <span>{children}</span>
    </div>
  );
}

function ExpectedFacts({ facts }: { facts: string[] }) {
  const { t } = useTranslation();
  return (
    <ul className="drop-facts" aria-label={t('drop.factsLabel')}>
      {facts.map((fact) => (
        <li key={fact}>
          <Check className="icon s14" aria-hidden />
          {fact}
        </li>
      ))}
    </ul>
  );
}

function PathField({
  draft,
  label,
  hint,
  name,
}: {
  draft: Draft;
  label: string;
  hint?: string | undefined;
  name: string;
}) {
  const { t } = useTranslation();
  const { path, places, say, wrong } = draft;
  const problem = wrong === 'path' ? t('drop.pathWrong') : wrong === 'path-root' ? t('drop.pathRoot') : undefined;
  return (
    <div className="drop-path">
      <Field label={label} hint={hint} {...(problem !== undefined && { problem })}>
        <input
          className="input mono"
          name="path"
          value={path}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => say({ path: event.target.value })}
        />
      </Field>
      {places.length > 0 && (
        <div className="drop-places" role="group" aria-label={t('drop.placeHint', { name })}>
          {places.map((place) => (
            <button
              key={place.path}
              type="button"
              className="chip"
              aria-pressed={place.path === path}
              onClick={() => say({ path: place.path })}
            >
              <span className="mono cut">{place.path}</span>
              <span className="s11 t3">{t(`drop.places.${place.why}`)}</span>
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function Access({ draft }: { draft: Draft }) {
  const { t } = useTranslation();
  return (
    <div className="drop-labelled">
      <span className="drop-label">{t('drop.access')}</span>
      <Segments
        label={t('drop.access')}
        value={draft.readOnly ? 'ro' : 'rw'}
        onChange={(value) => draft.say({ readOnly: value === 'ro' })}
        options={[
          { value: 'rw', label: t('drop.readWrite') },
          { value: 'ro', label: t('drop.readOnly') },
        ]}
      />
    </div>
  );
}

function useWho(): (who: Who | undefined) => string {
  const { t } = useTranslation();
  return (who) =>
    who === undefined ? t('drop.unknown') : who.uid === person().uid ? t('drop.you') : (who.name ?? String(who.uid));
}

/** Whose they are on both sides. */
function OwnerPreview({ disk, inside, label }: { disk: Who | undefined; inside: Who | undefined; label: string }) {
  const { t } = useTranslation();
  const nameDisk = useWho();
  return (
    <div className="drop-labelled">
      <span className="drop-label">{t('drop.owner')}</span>
      <div className="drop-owner">
        <div>
          <span className="s11 t3">{t('drop.onDisk')}</span>
          <span>
            <b>{nameDisk(disk)}</b> <span className="mono s11 t3">{disk?.uid}</span>
          </span>
        </div>
        <ArrowRight className="icon s14 t3" aria-hidden />
        <div>
          <span className="s11 t3 cut">{label}</span>
          <span>
            <b>{inside === undefined ? t('drop.unknown') : (inside.name ?? inside.uid)}</b>{' '}
            {inside?.name !== undefined && <span className="mono s11 t3">{inside.uid}</span>}
          </span>
        </div>
      </div>
    </div>
  );
}

const whoOf = ({ Uid, Gid, User }: { Uid: number; Gid: number; User: string | null }): Who => ({
  ...{ uid: Uid, gid: Gid },
  ...(User !== null && { name: User }),
});

function ContainerChoice({ draft }: { draft: Draft }) {
  const { t } = useTranslation();
  const containers = useEngine((state) => state.containers) ?? [];
  return (
    <Field label={t('drop.container')}>
      <select
        className="input"
        value={draft.container}
        onChange={(event) => draft.say({ container: event.target.value })}
      >
        {containers.map((container) => (
          <option key={container.Id} value={container.Id}>
            {nameOf(container)}
          </option>
        ))}
      </select>
    </Field>
  );
}

function MountDetails({ target, facts, draft }: Part) {
  const { t } = useTranslation();
  const containers = useEngine((state) => state.containers) ?? [];
  const found = containers.find(({ Id }) => Id === draft.container);
  const name = found ? nameOf(found) : '';
  const { preview, previewProblem, path } = draft;
  const at = draft.wishes[0]?.Target ?? path;
  const clean = cleanPath(path) ?? path;
  const beside = joined(clean, nameOfFolder(facts[0]?.Path ?? ''));
  const owner = preview?.Owner;
  const hides = preview?.Target.Kind === 'directory' && preview.Target.Hidden > 0 ? preview.Target : undefined;
  const expected =
    preview?.Applies === 'live'
      ? [t('drop.facts.noRestart'), t('drop.facts.atOnce'), t('drop.facts.kept')]
      : preview?.Applies === 'restart'
        ? [t('drop.facts.restart'), t('drop.facts.kept')]
        : preview
          ? [t('drop.facts.next'), t('drop.facts.kept')]
          : [];
  return (
    <>
      {target.kind !== 'container' && <ContainerChoice draft={draft} />}
      <PathField
        draft={draft}
        label={t('drop.path', { name })}
        hint={facts.length > 1 ? t('drop.pathBelow', { count: facts.length }) : undefined}
        name={name}
      />
      <Access draft={draft} />
      <OwnerPreview
        disk={owner ? whoOf(owner.Disk) : facts[0]?.Owner ? whoOf(facts[0].Owner) : undefined}
        inside={owner ? whoOf(owner.Inside) : undefined}
        label={t('drop.insideOf', { name })}
      />
      {(draft.sameIds || (owner?.Inside.Uid === NOBODY && owner.Disk.Uid !== NOBODY)) && (
        <CheckLine
          label={t('mounts.idMap')}
          hint={t('mounts.idMapHint')}
          checked={draft.sameIds}
          onChange={(sameIds) => draft.say({ sameIds })}
        />
      )}
      {hides && (
        <Note>
          {t('drop.hidden', { count: hides.Hidden, path: at, names: hides.Names.slice(0, 3).join(', ') })}{' '}
          {facts.length === 1 && (
            <button type="button" className="link" onClick={() => draft.say({ path: beside })}>
              {t('drop.hiddenBeside', { path: beside })}
            </button>
          )}
        </Note>
      )}
      {preview?.Target.Kind === 'mounted' && <Note>{t('drop.mountedThere', { path: at })}</Note>}
      {preview?.Applies === 'restart' && preview.Reason !== null && (
        <Note>{t('drop.restartReason', { name, reason: explainObstacle(t, preview.Reason) })}</Note>
      )}
      {previewProblem !== undefined && <Problem>{explainAttach(t, previewProblem)}</Problem>}
      <ExpectedFacts facts={expected} />
    </>
  );
}

function RunDetails({ target, facts, draft, name }: Part) {
  const { t } = useTranslation();
  const images = useEngine((state) => state.images) ?? [];
  const references = [...new Set(namedImages(images).flatMap((row) => (row.repository ? [row.reference] : [])))];
  return (
    <>
      {target.kind !== 'image' && (
        <Field label={t('drop.image')}>
          <select className="input" value={draft.image} onChange={(event) => draft.say({ image: event.target.value })}>
            <option value="">{t('drop.imageLater')}</option>
            {references.sort().map((reference) => (
              <option key={reference}>{reference}</option>
            ))}
          </select>
        </Field>
      )}
      <PathField
        draft={draft}
        label={t('drop.pathNew')}
        hint={facts.length > 1 ? t('drop.pathBelow', { count: facts.length }) : undefined}
        name={name || draft.image}
      />
      <Access draft={draft} />
      <ExpectedFacts facts={[t('drop.facts.form')]} />
    </>
  );
}

function OwnerChoiceField({ facts, draft, label }: { facts: FolderFacts[]; draft: Draft; label: string }) {
  const { t } = useTranslation();
  const disk = facts[0]?.Owner ? whoOf(facts[0].Owner) : undefined;
  const { owner, owners, inside, who } = draft;
  const words: Record<OwnerChoice, string> = {
    there: t('drop.owners.there'),
    root: t('drop.owners.root'),
    user: t('drop.owners.user', { name: inside?.user?.name ?? inside?.user?.uid ?? '' }),
    keep: t('drop.owners.keep'),
  };
  const kept: Who | undefined = disk && { uid: disk.uid, gid: disk.gid };
  return (
    <>
      <OwnerPreview disk={disk} inside={owner === 'keep' ? kept : who} label={label} />
      <div className="drop-labelled">
        <Segments
          label={t('drop.owner')}
          value={owner}
          onChange={(value) => draft.say({ owner: value })}
          options={owners.map((value) => ({ value, label: words[value] }))}
        />
        <span className="hint">{t(`drop.ownerHint.${owner}`)}</span>
      </div>
    </>
  );
}

function ContentChoice({ facts, draft }: { facts: FolderFacts[]; draft: Draft }) {
  const { t } = useTranslation();
  if (facts.length !== 1 || facts[0]?.Kind !== 'directory') return null;
  return (
    <CheckLine
      label={t('drop.content')}
      hint={t('drop.contentHint')}
      checked={draft.content}
      onChange={(content) => draft.say({ content })}
    />
  );
}

function useAmount(facts: FolderFacts[]): string {
  const { t, i18n } = useTranslation();
  const count = facts.reduce((sum, each) => sum + each.Files, 0);
  const size = facts.reduce((sum, each) => sum + each.Size, 0);
  const number = count.toLocaleString(i18n.language);
  const whole = facts.every(({ Counted }) => Counted);
  if (!whole && count + size === 0) return t('drop.counting');
  return whole
    ? `${t('drop.files', { count, number })}, ${bytes(size)}`
    : `${t('drop.moreFiles', { number })}, ${t('drop.moreThan', { size: bytes(size) })}`;
}

function CopyDetails({ facts, draft, name }: Part) {
  const { t } = useTranslation();
  const amount = useAmount(facts);
  const clean = cleanPath(draft.path) ?? '/';
  const hint =
    facts.length > 1
      ? t('drop.pathCopiesMany')
      : draft.content
        ? t('drop.pathContent')
        : t('drop.pathCopies', { path: joined(clean, nameOfFolder(facts[0]?.Path ?? '')) });
  return (
    <>
      <PathField draft={draft} label={t('drop.path', { name })} hint={hint} name={name} />
      <ContentChoice facts={facts} draft={draft} />
      <OwnerChoiceField facts={facts} draft={draft} label={t('drop.insideOf', { name })} />
      <ExpectedFacts facts={[t('drop.facts.copies', { amount }), t('drop.facts.task')]} />
    </>
  );
}

function BuildDetails({ facts, draft }: Part) {
  const { t } = useTranslation();
  const amount = useAmount(facts);
  const { reference, taken, say } = draft;
  const problem = newNameProblem(reference);
  return (
    <>
      <NewNameField
        name={{
          text: reference,
          type: (text) => say({ reference: text }),
          shown: problem,
          failure: undefined,
        }}
        label={t('drop.buildName')}
        hint={taken ? t('drop.buildMoves', { reference: familiar(reference) }) : t('drop.buildNameHint')}
      />
      <div className="drop-labelled">
        <span className="drop-label">{t('drop.buildBy')}</span>
        <span className="mono">{facts[0]?.Dockerfile}</span>
      </div>
      <ExpectedFacts facts={[t('drop.facts.sends', { amount }), t('drop.facts.task'), t('drop.facts.thenRun')]} />
    </>
  );
}

/** A new volume or one that is there. */
function VolumeChoice({ target, draft, replaces }: Part & { replaces?: boolean }) {
  const { t } = useTranslation();
  const { newVolume, volume, volumes, wrong, say } = draft;
  if (target.kind === 'volume')
    return replaces ? <Note serious>{t('drop.volumeReplace', { name: volume })}</Note> : null;
  return (
    <>
      {volumes.length > 0 && (
        <div className="drop-labelled">
          <span className="drop-label">{t('drop.volumeWhich')}</span>
          <Segments
            label={t('drop.volumeWhich')}
            value={newVolume ? 'new' : 'have'}
            onChange={(value) => say({ newVolume: value === 'new' })}
            options={[
              { value: 'new', label: t('drop.volumeNew') },
              { value: 'have', label: t('drop.volumeHave') },
            ]}
          />
        </div>
      )}
      {newVolume ? (
        <Field
          label={t('drop.volumeName')}
          {...(wrong === 'volume-name' && { problem: t('drop.volumeBad') })}
          {...(wrong === 'volume-there' && { problem: t('drop.volumeThere') })}
        >
          <input
            className="input mono"
            name="volume"
            value={volume}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => say({ newName: event.target.value })}
          />
        </Field>
      ) : (
        <Field label={t('drop.volumeName')}>
          <select
            className="input mono"
            name="volume"
            value={volume}
            onChange={(event) => say({ haveName: event.target.value })}
          >
            {volumes.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </Field>
      )}
      {replaces && !newVolume && volume !== '' && <Note serious>{t('drop.volumeReplace', { name: volume })}</Note>}
    </>
  );
}

function VolumeDetails(part: Part) {
  const { t } = useTranslation();
  const { facts, draft } = part;
  const amount = useAmount(facts);
  return (
    <>
      <VolumeChoice {...part} />
      <ContentChoice facts={facts} draft={draft} />
      <OwnerChoiceField facts={facts} draft={draft} label={t('drop.inside')} />
      <ExpectedFacts
        facts={[
          t('drop.facts.copies', { amount }),
          t('drop.facts.task'),
          ...(draft.newVolume ? [t('drop.facts.whole')] : []),
        ]}
      />
    </>
  );
}
