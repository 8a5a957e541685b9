import { useState } from 'react';
import { Box, CornerDownRight, Link2Off, Plus, Unlink } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { nameOf } from '../../parts/container-state.js';
import { useAnswer } from '../../parts/use-answer.js';
import { canChange } from '../../store/changes-slice.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CheckLine, Field } from '../../ui/Field.js';
import { navigate, pathTo } from '../../ui/route.js';
import { chainOf, entryOf, type Link } from './volumes-from.js';

/** Whose mounts a container has as well, and whose those have: a picture that can be walked through, and changed. */
export function VolumesFrom({
  container,
  sources,
  fixed,
}: {
  container: ContainerSummary;
  sources: string[];
  fixed: boolean;
}) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const changeable = useEngine(canChange) && !fixed;
  const readAt = useEngine((state) => state.containersAt);
  const open = useSurface((surface) => surface.open);
  const [adding, setAdding] = useState(false);
  const { value: chain = [] } = useAnswer(
    () =>
      chainOf(sources, async (name) => {
        try {
          const { Id, Name, HostConfig } = await store.client.containers.inspect(name);
          return { id: Id, name: Name.replace(/^\//, ''), sources: HostConfig.VolumesFrom ?? [] };
        } catch {
          return undefined;
        }
      }),
    `${sources.join('\0')} ${readAt}`,
  );
  const name = nameOf(container);
  const change = (VolumesFrom: string[]) =>
    open({ kind: 'change-container', id: container.Id, change: { HostConfig: { VolumesFrom } } });
  if (sources.length === 0 && !changeable) return null;
  return (
    <section className="volumes-from" aria-label={t('mounts.fromTitle')}>
      <h3 className="facts-title">{t('mounts.fromTitle')}</h3>
      <p className="s12 t3">{t(sources.length > 0 ? 'mounts.fromText' : 'mounts.fromNone', { name })}</p>
      {chain.length > 0 && (
        <div className="chain" role="group" aria-label={wordsOf(t('mounts.takes'), { name, sources: chain })}>
          <span className="chain-node self">
            <Box className="icon s14" aria-hidden />
            <b>{name}</b>
          </span>
          <Sources
            links={chain}
            remove={changeable ? (link) => change(sources.filter((entry) => entry !== link.entry)) : undefined}
          />
        </div>
      )}
      {changeable &&
        (adding ? (
          <AddSource
            own={container}
            taken={chain.flatMap(({ id }) => id ?? [])}
            onAdd={(entry) => {
              setAdding(false);
              change([...sources, entry]);
            }}
            onCancel={() => setAdding(false)}
          />
        ) : (
          <Button size="small" icon={Plus} onClick={() => setAdding(true)}>
            {t('mounts.addSource')}
          </Button>
        ))}
    </section>
  );
}

/** The picture in words: who takes from whom. */
function wordsOf(takes: string, { name, sources }: Pick<Link, 'name' | 'sources'>): string {
  const own = sources.length > 0 ? [`${name} ${takes} ${sources.map((one) => one.name).join(', ')}`] : [];
  return [...own, ...sources.map((one) => wordsOf(takes, one)).filter((words) => words !== '')].join('; ');
}

function Sources({ links, remove }: { links: Link[]; remove?: ((link: Link) => void) | undefined }) {
  const { t } = useTranslation();
  return (
    <ul className="chain-sources">
      {links.map((link) => {
        const { id, name, entry, readOnly, sources } = link;
        return (
          <li key={entry}>
            <span className="row g4">
              <CornerDownRight className="icon s14 t3 chain-arrow" aria-hidden />
              {id === undefined ? (
                <span className="chain-node gone">
                  <Link2Off className="icon s14 t3" aria-hidden />
                  <span className="cut">{name}</span>
                  <span className="s11 t3">{t('mounts.sourceGone')}</span>
                </span>
              ) : (
                <button
                  type="button"
                  className="chain-node"
                  onClick={() => navigate(pathTo('containers', id, 'mounts'))}
                >
                  <Box className="icon s14 t2" aria-hidden />
                  <span className="cut">{name}</span>
                </button>
              )}
              {readOnly && <span className="tag">{t('mounts.readOnly')}</span>}
              {remove && (
                <IconButton
                  icon={Unlink}
                  small
                  label={t('mounts.removeSource', { name })}
                  onClick={() => remove(link)}
                />
              )}
            </span>
            {sources.length > 0 && <Sources links={sources} />}
          </li>
        );
      })}
    </ul>
  );
}

function AddSource({
  own,
  taken,
  onAdd,
  onCancel,
}: {
  own: ContainerSummary;
  taken: string[];
  onAdd(entry: string): void;
  onCancel(): void;
}) {
  const { t } = useTranslation();
  const containers = useEngine((state) => state.containers) ?? [];
  const others = containers.filter(({ Id }) => Id !== own.Id && !taken.includes(Id));
  const [chosen, setChosen] = useState(others[0]?.Id ?? '');
  const [readOnly, setReadOnly] = useState(false);
  if (others.length === 0) return <p className="s12 t3">{t('mounts.noOther')}</p>;
  const add = () => {
    const other = others.find(({ Id }) => Id === chosen);
    if (other) onAdd(entryOf({ container: nameOf(other), readOnly }));
  };
  return (
    <form
      className="add-source"
      onSubmit={(event) => {
        event.preventDefault();
        add();
      }}
    >
      <Field label={t('mounts.sourceContainer')}>
        <select className="input" value={chosen} onChange={(event) => setChosen(event.target.value)}>
          {others.map((one) => (
            <option key={one.Id} value={one.Id}>
              {nameOf(one)}
            </option>
          ))}
        </select>
      </Field>
      <CheckLine label={t('mounts.readOnlySwitch')} checked={readOnly} onChange={setReadOnly} />
      <div className="row g8">
        <Button variant="primary" type="submit">
          {t('mounts.addIt')}
        </Button>
        <Button variant="ghost" onClick={onCancel}>
          {t('common.cancel')}
        </Button>
      </div>
    </form>
  );
}
