import { Check, EyeOff, LoaderCircle, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { MountOwner, MountWish } from '../../../main/contract/mounts.js';
import { CheckLine, Problem } from '../../ui/Field.js';
import { Access, ExpectedFacts, Note, OwnerPreview, PathField, whoOf } from './fields.js';
import { cleanPath, joined, pathProblem, type PlaceOffer } from './inside.js';
import { Owner } from './Owner.js';
import { explainAttach, explainObstacle } from './reasons.js';
import { appliesOf, type Foreseen } from './use-previews.js';
import type { Who } from './user.js';

/** What an owner is called who has no number in there. */
const NOBODY = 65534;

/** What is said of a mount by a person, and what that comes to. */
export interface Mounting {
  path: string;
  places: PlaceOffer[];
  readOnly: boolean;
  sameIds: boolean;
  wishes: MountWish[];
  /** One for each wish. */
  foreseen: Foreseen[];
  say(part: { path?: string; readOnly?: boolean; sameIds?: boolean }): void;
}

const ownersOf = (foreseen: Foreseen[]): MountOwner[] =>
  foreseen.flatMap(({ preview }) => (preview?.Owner ? [preview.Owner] : []));

const sameOwner = (one: MountOwner, other: MountOwner): boolean =>
  one.Disk.Uid === other.Disk.Uid && one.Inside.Uid === other.Inside.Uid;

/** Where in a container one or several things are mounted, how, and what that comes to. */
export function MountFields({
  mounting,
  name,
  owner,
}: {
  mounting: Mounting;
  /** The container's. */
  name: string;
  /** Whose they are on this machine, until the engine has said more. */
  owner?: Who | undefined;
}) {
  const { t } = useTranslation();
  const { path, places, readOnly, sameIds, wishes, foreseen, say } = mounting;
  const several = wishes.length > 1;
  const owners = ownersOf(foreseen);
  const [first] = owners;
  const differ = first !== undefined && owners.some((other) => !sameOwner(first, other));
  const nobodys = owners.some(({ Disk, Inside }) => Inside.Uid === NOBODY && Disk.Uid !== NOBODY);
  const applies = appliesOf(foreseen);
  const obstacle = foreseen.find(({ preview }) => preview?.Applies === 'restart')?.preview?.Reason;
  const expected = {
    live: [t('drop.facts.noRestart'), t('drop.facts.atOnce'), t('drop.facts.kept')],
    restart: [t('drop.facts.restart'), t('drop.facts.kept')],
    'next-start': [t('drop.facts.next'), t('drop.facts.kept')],
  };
  return (
    <>
      <PathField
        path={path}
        places={places}
        problem={path === '' ? undefined : pathProblem(path)}
        label={t('drop.path', { name })}
        hint={several ? t('drop.pathBelow', { count: wishes.length }) : undefined}
        name={name}
        onChange={(next) => say({ path: next })}
      />
      <Access readOnly={readOnly} onChange={(next) => say({ readOnly: next })} />
      {!differ && (
        <OwnerPreview
          disk={first ? whoOf(first.Disk) : owner}
          inside={first && whoOf(first.Inside)}
          label={t('drop.insideOf', { name })}
        />
      )}
      {(sameIds || nobodys) && (
        <CheckLine
          label={t('mounts.idMap')}
          hint={t('mounts.idMapHint')}
          checked={sameIds}
          onChange={(next) => say({ sameIds: next })}
        />
      )}
      {several ? (
        <Lands wishes={wishes} foreseen={foreseen} owners={differ} />
      ) : (
        <Alone wish={wishes[0]} foreseen={foreseen[0]} path={path} say={say} />
      )}
      {obstacle != null && <Note>{t('drop.restartReason', { name, reason: explainObstacle(t, obstacle) })}</Note>}
      <ExpectedFacts facts={applies ? expected[applies] : []} />
    </>
  );
}

/** What is at the place of a single one. */
function Alone({
  wish,
  foreseen,
  path,
  say,
}: Pick<Mounting, 'path' | 'say'> & { wish: MountWish | undefined; foreseen: Foreseen | undefined }) {
  const { t } = useTranslation();
  const { Kind, Hidden = 0, Names = [] } = foreseen?.preview?.Target ?? {};
  const at = wish?.Target ?? path;
  const name = wish?.Source.split('/').findLast((part) => part !== '');
  const beside = joined(cleanPath(path) ?? path, name ?? '');
  return (
    <>
      {Kind === 'directory' && Hidden > 0 && (
        <Note>
          {t('drop.hidden', { count: Hidden, path: at, names: Names.slice(0, 3).join(', ') })}{' '}
          {name !== undefined && (
            <button type="button" className="link" onClick={() => say({ path: beside })}>
              {t('drop.hiddenBeside', { path: beside })}
            </button>
          )}
        </Note>
      )}
      {Kind === 'mounted' && <Note>{t('drop.mountedThere', { path: at })}</Note>}
      {foreseen?.problem !== undefined && <Problem>{explainAttach(t, foreseen.problem)}</Problem>}
    </>
  );
}

/** Where each of several lands, and what is there now. */
function Lands({ wishes, foreseen, owners }: { wishes: MountWish[]; foreseen: Foreseen[]; owners: boolean }) {
  const { t } = useTranslation();
  return (
    <div className="drop-labelled">
      <span className="drop-label">{t('drop.lands')}</span>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls can be reached by keyboard */}
      <ul className="drop-lands" aria-label={t('drop.lands')} tabIndex={0}>
        {wishes.map(({ Target }, at) => {
          const { preview, problem } = foreseen[at] ?? {};
          const { Kind, Hidden = 0, Names = [] } = preview?.Target ?? {};
          const hidden = Kind === 'directory' && Hidden > 0;
          const wrong = problem !== undefined;
          const Icon = wrong ? TriangleAlert : !preview ? LoaderCircle : hidden || Kind === 'mounted' ? EyeOff : Check;
          const words = wrong
            ? explainAttach(t, problem)
            : !preview
              ? t('drop.landing.asking')
              : hidden
                ? t('drop.landing.hides', { count: Hidden, names: Names.slice(0, 3).join(', ') })
                : Kind === 'mounted'
                  ? t('drop.landing.mounted')
                  : Kind === 'file'
                    ? t('drop.landing.file')
                    : t(Kind === 'directory' ? 'drop.landing.empty' : 'drop.landing.free');
          return (
            <li key={Target} className={wrong ? 'c-fail' : undefined}>
              <Icon className="icon s14" aria-hidden />
              <span className="mono cut" title={Target}>
                {Target}
              </span>
              <span className="s12 t2">
                {words} {owners && preview?.Owner && <Owner owner={preview.Owner} />}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
