import { useTranslation } from 'react-i18next';
import { Problem } from '../../ui/Field.js';
import { useAnswer } from '../../parts/use-answer.js';
import { useEngineStore } from '../../store/index.js';
import { useNow } from '../../ui/clock.js';
import { ago, bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { Scroller } from '../../ui/Scroller.js';
import type { ImageTabProps } from './tabs.js';

/** `/bin/sh -c #(nop) COPY …` is how old builders wrote what was not run. */
const tidy = (command: string): string =>
  command
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/^\/bin\/sh -c /, 'RUN ')
    .replace(/ # buildkit$/, '')
    .trim();

/** How an image was made, newest on top. */
export function History({ row }: ImageTabProps) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const now = useNow(60_000);
  const { value: history, problem } = useAnswer(() => client.images.history(row.reference), row.key);
  if (!history)
    return problem ? (
      <div style={{ padding: 16 }}>
        <Problem>{t('inspect.failed', { error: problem })}</Problem>
      </div>
    ) : (
      <Loading waitingFor={t('common.loading')} />
    );
  const largest = Math.max(1, ...history.map((item) => item.Size));
  return (
    <Scroller label={t('drawer.history')}>
      <p className="s12 t3" style={{ padding: '10px 16px 0' }}>
        {t('images.layersHint')}
      </p>
      <ol className="stack">
        {history.map((item, index) => (
          <li key={index} className={item.Size === 0 ? 'empty-layer' : undefined}>
            {item.CreatedBy ? (
              <code title={tidy(item.CreatedBy)}>{tidy(item.CreatedBy)}</code>
            ) : (
              <span className="s12 t3">{item.Comment || t('images.missingCommand')}</span>
            )}
            <span className="size">
              {item.Size === 0 ? t('images.noLayer') : bytes(item.Size)}
              {item.Created > 0 && ` · ${ago(t, now - item.Created * 1000)}`}
            </span>
            {item.Size > 0 && (
              <span className="bar" aria-hidden>
                <i style={{ width: `${Math.max(1, (item.Size / largest) * 100)}%` }} />
              </span>
            )}
          </li>
        ))}
      </ol>
    </Scroller>
  );
}
