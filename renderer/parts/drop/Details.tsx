import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { FolderFacts } from '../../../main/contract/mounts.js';
import type { DropTarget } from '../../store/drop.js';
import { useEngine } from '../../store/index.js';
import { CheckLine, Field } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Segments } from '../../ui/Segments.js';
import { nameOf } from '../container-state.js';
import { namedImages } from '../image-names.js';
import { newNameProblem, NewNameField } from '../NewName.js';
import { familiar } from '../reference.js';
import { Access, ExpectedFacts, Note, OwnerPreview, PathField, Warnings, whoOf } from '../mounts/fields.js';
import { cleanPath, joined } from '../mounts/inside.js';
import { MountFields } from '../mounts/MountFields.js';
import type { Who } from '../mounts/user.js';
import type { Draft, OwnerChoice } from './use-draft.js';
import { nameOfFolder, warningsOf, type Way } from './ways.js';

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
  const warned = warningsOf(way, [
    ...facts,
    ...part.draft.foreseen.flatMap(({ preview }) => (preview ? [preview] : [])),
  ]);
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
      <Warnings warnings={warned} first={way !== 'build' && part.draft.readOnlyFirst} />
      {panels[way]()}
    </>
  );
}

const pathOf = ({ path, places, wrong, say }: Draft) => ({
  ...{ path, places, problem: wrong === 'path' || wrong === 'path-root' ? wrong : undefined },
  onChange: (next: string) => say({ path: next }),
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
  const containers = useEngine((state) => state.containers) ?? [];
  const found = containers.find(({ Id }) => Id === draft.container);
  return (
    <>
      {target.kind !== 'container' && <ContainerChoice draft={draft} />}
      <MountFields
        mounting={draft}
        name={found ? nameOf(found) : ''}
        owner={facts[0]?.Owner ? whoOf(facts[0].Owner) : undefined}
      />
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
        {...pathOf(draft)}
        label={t('drop.pathNew')}
        hint={facts.length > 1 ? t('drop.pathBelow', { count: facts.length }) : undefined}
        name={name || draft.image}
      />
      <Access readOnly={draft.readOnly} onChange={(readOnly) => draft.say({ readOnly })} />
      <HiddenNote draft={draft} />
      <ExpectedFacts facts={[t('drop.facts.form')]} />
    </>
  );
}

/** What of the image is out of sight, and what of that is wanted all the same. */
function HiddenNote({ draft }: { draft: Draft }) {
  const { t } = useTranslation();
  const { hides, kept, path, readOnly, say } = draft;
  if (!hides) return null;
  const clean = cleanPath(path.trim()) ?? path;
  const keeping = hides.keepable.filter((name) => kept.includes(joined(clean, name)));
  return (
    <>
      <Note>
        {t(hides.more ? 'drop.hiddenInImageMore' : 'drop.hiddenInImage', {
          ...{ count: hides.count, path: clean, names: hides.names.slice(0, 3).join(', ') },
        })}
      </Note>
      {!readOnly &&
        hides.keepable.map((name) => (
          <div key={name} className="drop-keep">
            <CheckLine
              label={t('drop.keep', { name })}
              checked={keeping.includes(name)}
              onChange={(on) => say({ kept: on ? [...keeping, name] : keeping.filter((each) => each !== name) })}
            />
            <span className="hint">{t('drop.keepHint', { name })}</span>
          </div>
        ))}
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
      <PathField {...pathOf(draft)} label={t('drop.path', { name })} hint={hint} name={name} />
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
