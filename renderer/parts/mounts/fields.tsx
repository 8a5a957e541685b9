/** Fields about where in a container something goes, and whose it is there. */
import type { ReactNode } from 'react';
import { ArrowRight, Check, Info, TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { FolderWarning } from '../../../main/contract/mounts.js';
import { person } from '../../ui/desktop.js';
import { Field } from '../../ui/Field.js';
import { Segments } from '../../ui/Segments.js';
import type { PlaceOffer } from './inside.js';
import type { Who } from './user.js';

export function Note({ serious, children }: { serious?: boolean; children: ReactNode }) {
  const Icon = serious ? TriangleAlert : Info;
  return (
    <div className="drop-note" role="note">
      <Icon className="icon s14" aria-hidden />
      <span>{children}</span>
    </div>
  );
}

/** What is given away; `first`: it is read only for that, at first. */
export function Warnings({ warnings, first = false }: { warnings: FolderWarning[]; first?: boolean }) {
  const { t } = useTranslation();
  return warnings.map((warning) => (
    <Note key={warning} serious>
      {t(`drop.warnings.${warning}`)} {first && warning === warnings.at(-1) && t('drop.readOnlyFirst')}
    </Note>
  ));
}

export function ExpectedFacts({ facts }: { facts: string[] }) {
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

export function PathField({
  path,
  places,
  problem,
  label,
  hint,
  name,
  onChange,
}: {
  path: string;
  places: PlaceOffer[];
  problem: 'path' | 'path-root' | undefined;
  label: string;
  hint?: string | undefined;
  /** The container's or the image's. */
  name: string;
  onChange(path: string): void;
}) {
  const { t } = useTranslation();
  const words = problem && t(problem === 'path' ? 'drop.pathWrong' : 'drop.pathRoot');
  return (
    <div className="drop-path">
      <Field label={label} hint={hint} {...(words !== undefined && { problem: words })}>
        <input
          className="input mono"
          name="path"
          value={path}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onChange(event.target.value)}
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
              onClick={() => onChange(place.path)}
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

export function Access({ readOnly, onChange }: { readOnly: boolean; onChange(readOnly: boolean): void }) {
  const { t } = useTranslation();
  return (
    <div className="drop-labelled">
      <span className="drop-label">{t('drop.access')}</span>
      <Segments
        label={t('drop.access')}
        value={readOnly ? 'ro' : 'rw'}
        onChange={(value) => onChange(value === 'ro')}
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
export function OwnerPreview({
  disk,
  inside,
  label,
}: {
  disk: Who | undefined;
  inside: Who | undefined;
  label: string;
}) {
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

export const whoOf = ({ Uid, Gid, User }: { Uid: number; Gid: number; User: string | null }): Who => ({
  ...{ uid: Uid, gid: Gid },
  ...(User !== null && { name: User }),
});
