import { useState } from 'react';
import { Lightbulb } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { CompareInsight, LayerStep } from '../../../main/contract/layers.js';
import { useLayerWords } from './words.js';

/** What stands out, the most important first; the rest on demand. */
export function Insights({
  insights,
  steps,
  onGo,
}: {
  insights: readonly CompareInsight[];
  steps: readonly LayerStep[];
  /** To the layer that it is about. */
  onGo(layer: number): void;
}) {
  const { t } = useTranslation();
  const words = useLayerWords();
  const [all, setAll] = useState(false);
  if (insights.length === 0) return null;
  return (
    <div className="layer-insights">
      <Lightbulb className="icon s14 c-bad" aria-hidden />
      <ul aria-label={t('layers.insights')}>
        {(all ? insights : insights.slice(0, 1)).map((insight, index) => {
          const { command, text } = words.insight(insight, steps);
          return (
            <li key={index}>
              <button type="button" className="link-plain" onClick={() => onGo(insight.Layer)}>
                <b>{command}</b> {text}
              </button>
            </li>
          );
        })}
      </ul>
      {insights.length > 1 && (
        <button type="button" className="btn small ghost" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('layers.fewer') : t('layers.more', { count: insights.length - 1 })}
        </button>
      )}
    </div>
  );
}
