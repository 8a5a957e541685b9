import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LayerStep } from '../../../main/contract/layers.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { bytes } from '../../ui/format.js';
import { stepWords } from './words.js';

/** What one step of the history did, in its own words and in numbers. */
export function StepDetails({ step }: { step: LayerStep }) {
  const { t, i18n } = useTranslation();
  const [original, setOriginal] = useState(false);
  const { Layer, Original, Command, Created } = step;
  const shown = original ? Original : stepWords(t, step);
  return (
    <div className="step-details">
      <div className="row g8">
        <code className="grow select" title={shown}>
          {shown}
        </code>
        {Original !== '' && Original !== Command && (
          <button
            type="button"
            className="btn small ghost"
            aria-pressed={original}
            onClick={() => setOriginal(!original)}
          >
            {t('layers.original')}
          </button>
        )}
        {shown !== '' && <CopyIconButton text={shown} label={t('layers.copyCommand')} />}
      </div>
      <p className="facts-line num">
        {Layer ? (
          <>
            <span>{t(Layer.Writable ? 'layers.writableLayer' : 'layers.readOnlyLayer', { number: Layer.Number })}</span>
            <span>{bytes(Layer.Size)}</span>
            <span title={t('layers.counts', { added: Layer.Added, changed: Layer.Changed, removed: Layer.Removed })}>
              <span className="c-add">+{Layer.Added.toLocaleString(i18n.language)}</span>{' '}
              <span className="c-mod">~{Layer.Changed.toLocaleString(i18n.language)}</span>{' '}
              <span className="c-del">−{Layer.Removed.toLocaleString(i18n.language)}</span>
            </span>
            {Layer.Wasted > 0 && <span className="c-bad">{t('layers.wastedOf', { size: bytes(Layer.Wasted) })}</span>}
          </>
        ) : (
          <span>{t('layers.noFilesChanged')}</span>
        )}
        {Created > 0 && (
          <span>{new Date(Created * 1000).toLocaleDateString(i18n.language, { dateStyle: 'medium' })}</span>
        )}
      </p>
    </div>
  );
}
