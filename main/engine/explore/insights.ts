import type { CompareInsight, LayerInsight, LayerStep } from '../../contract/layers.js';
import type { SeenComparison, SeenLayer } from '../helper/index.js';

/** Less than so many bytes is not worth a word. */
const WORTH = { removed: 100_000, caches: 1_000_000, replaced: 5_000_000, grown: 100_000 };
const AT_MOST = 8;

/** What stands out in a stack, the largest first. `layers`: bottom first. */
export function insightsOf(layers: readonly { writable: boolean; seen: SeenLayer }[]): LayerInsight[] {
  return layers
    .flatMap(({ writable, seen }, index): LayerInsight[] => {
      const Layer = index + 1;
      return writable
        ? []
        : [
            ...(seen.removes >= WORTH.removed
              ? [
                  {
                    ...{ Kind: 'frees-nothing' as const, Layer, Bytes: seen.removes },
                    Path: seen.mostRemoved?.path ?? '/',
                  },
                ]
              : []),
            ...(seen.caches >= WORTH.caches
              ? [
                  {
                    ...{ Kind: 'keeps-caches' as const, Layer, Bytes: seen.caches },
                    Path: seen.mostCaches?.path ?? '/',
                  },
                ]
              : []),
            ...(seen.replaces >= WORTH.replaced ? [{ Kind: 'replaces' as const, Layer, Bytes: seen.replaces }] : []),
          ];
    })
    .sort((a, b) => b.Bytes - a.Bytes)
    .slice(0, AT_MOST);
}

/** What stands out between two of them: where it grew and shrank, and what of `after` was not so before. */
export function compareInsights(
  { grown, shrunk }: SeenComparison,
  after: { Insights: LayerInsight[]; Steps: LayerStep[] },
  known: ReadonlySet<string>,
): CompareInsight[] {
  const isNew = (number: number) => {
    const layer = after.Steps.find((step) => step.Layer?.Number === number)?.Layer;
    return layer !== undefined && layer !== null && !known.has(layer.Id);
  };
  return [
    ...(grown && grown.bytes >= WORTH.grown
      ? [{ Kind: 'grew' as const, Layer: grown.layer + 1, Bytes: grown.bytes, Path: grown.path }]
      : []),
    ...(shrunk && shrunk.bytes >= WORTH.grown
      ? [{ Kind: 'shrank' as const, Layer: shrunk.layer + 1, Bytes: shrunk.bytes, Path: shrunk.path }]
      : []),
    ...after.Insights.filter(({ Layer }) => isNew(Layer)),
  ];
}
