import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '../ui/Copy.js';
import { Segments } from '../ui/Segments.js';
import { Scroller } from '../ui/Scroller.js';

function Value({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  const { t } = useTranslation();
  const key = name === undefined ? null : <span className="k">{name}: </span>;
  if (value === null || typeof value !== 'object')
    return (
      <div className="leaf">
        {key}
        <span className={`v-${value === null ? 'null' : typeof value}`}>{JSON.stringify(value) ?? 'null'}</span>
      </div>
    );
  const entries = Object.entries(value);
  if (entries.length === 0)
    return (
      <div className="leaf">
        {key}
        <span className="v-null">{Array.isArray(value) ? '[]' : '{}'}</span>
      </div>
    );
  return (
    <details open={depth < 2}>
      <summary>
        {key}
        <span className="count">{t('inspect.items', { count: entries.length })}</span>
      </summary>
      {entries.map(([child, inner]) => (
        <Value key={child} name={child} value={inner} depth={depth + 1} />
      ))}
    </details>
  );
}

/** A document of the engine's, as a tree or as it came. */
export function JsonTree({ document }: { document: object }) {
  const { t } = useTranslation();
  const [view, setView] = useState<'tree' | 'raw'>('tree');
  const raw = useMemo(() => JSON.stringify(document, null, 2), [document]);
  return (
    <>
      <div className="log-tools">
        <Segments<'tree' | 'raw'>
          label={t('inspect.view')}
          value={view}
          onChange={setView}
          options={[
            { value: 'tree', label: t('inspect.tree') },
            { value: 'raw', label: t('inspect.raw') },
          ]}
        />
        <span className="grow" />
        <CopyButton text={raw} label={t('inspect.copy')} />
      </div>
      <Scroller label={t('drawer.inspect')}>
        {view === 'raw' ? (
          <pre className="raw">{raw}</pre>
        ) : (
          <div className="tree">
            {Object.entries(document).map(([name, value]) => (
              <Value key={name} name={name} value={value} depth={1} />
            ))}
          </div>
        )}
      </Scroller>
    </>
  );
}
