import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { CompareInsight, Difference, LayerEntry, LayerStep } from '../../../main/contract/layers.js';
import { bytes } from '../../ui/format.js';
import type { StepMark } from './layout.js';

/** What a step is called: its command, or what is known instead. */
export function stepWords(t: TFunction, { Command, Comment, Layer }: LayerStep): string {
  if (Command) return Command;
  if (Layer?.Writable) return t('layers.ownLayer');
  return Comment || t('layers.noCommand');
}

/** `+1.2 MB`, `−4 kB`, `0 B`. */
export const netBytes = (net: number): string => (net > 0 ? `+${bytes(net)}` : net < 0 ? `−${bytes(-net)}` : bytes(0));

/** Whole sentences for who does not see the picture. */
export function useLayerWords() {
  const { t } = useTranslation();
  return {
    card: (step: LayerStep, mark: StepMark | undefined): string => {
      const { Layer } = step;
      const said = [
        Layer ? t('layers.layerNumber', { number: Layer.Number }) : t('layers.noFiles'),
        stepWords(t, step),
        ...(Layer
          ? [
              bytes(Layer.Size),
              Layer.Wasted > 0 ? t('layers.wastedOf', { size: bytes(Layer.Wasted) }) : '',
              t('layers.counts', { added: Layer.Added, changed: Layer.Changed, removed: Layer.Removed }),
              t(Layer.Writable ? 'layers.writable' : 'layers.readOnly'),
            ]
          : []),
        mark ? t(`layers.mark.${mark}`) : '',
      ];
      return said.filter(Boolean).join(', ');
    },
    entry: ({ Name, Kind, Size, Change, LinkTarget }: LayerEntry): string =>
      [
        Name,
        t(`layers.kinds.${Kind}`),
        LinkTarget === undefined ? '' : t('layers.leadsTo', { target: LinkTarget }),
        Kind === 'file' || Kind === 'directory' ? bytes(Size) : '',
        Change ? t(`files.marks.${Change}`) : '',
      ]
        .filter(Boolean)
        .join(', '),
    difference: ({ Name, Before, After, Change, Net }: Difference): string =>
      [Name, t(`layers.kinds.${(After ?? Before)?.Kind ?? 'file'}`), t(`files.marks.${Change}`), netBytes(Net)].join(
        ', ',
      ),
    insight: (insight: CompareInsight, steps: readonly LayerStep[]): { command: string; text: string } => {
      const step = steps.find(({ Layer }) => Layer?.Number === insight.Layer);
      const command = step ? short(stepWords(t, step)) : t('layers.layerNumber', { number: insight.Layer });
      const size = bytes(insight.Bytes);
      switch (insight.Kind) {
        case 'frees-nothing':
          return { command, text: t('layers.insight.freesNothing', { size, path: insight.Path }) };
        case 'keeps-caches':
          return { command, text: t('layers.insight.keepsCaches', { size, path: insight.Path }) };
        case 'replaces':
          return { command, text: t('layers.insight.replaces', { size }) };
        case 'grew':
          return { command, text: t('layers.insight.grew', { size, path: insight.Path }) };
        case 'shrank':
          return { command, text: t('layers.insight.shrank', { size, path: insight.Path }) };
      }
    },
  };
}

const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);
