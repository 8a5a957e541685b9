import { ArrowUpFromLine, Download, GitCompare, PackageOpen } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ImageActions } from '../../parts/image-actions.js';
import type { NamedImage } from '../../parts/image-names.js';
import { BulkBar, UseTally } from '../../parts/table-page/BulkBar.js';
import { useEngine } from '../../store/index.js';
import { can } from '../../store/registries-slice.js';
import { Button } from '../../ui/Button.js';
import { bytes } from '../../ui/format.js';
import { usageOf, type ImageFacts } from './filter.js';

/** What can be done with the selected images. What is pulled or pushed becomes one task each, with what came of it. */
export function ImagesBulk({
  chosen,
  facts,
  actions,
  onClear,
}: {
  chosen: NamedImage[];
  facts: ImageFacts;
  actions: ImageActions;
  onClear(): void;
}) {
  const { t } = useTranslation();
  const named = chosen.filter(({ repository }) => repository !== undefined);
  const images = new Map(chosen.map(({ id, image }) => [id, image.Size]));
  const size = [...images.values()].reduce((sum, each) => sum + each, 0);
  const comparable = useEngine(can('layers'));
  const [one, other, more] = chosen;
  const pair = comparable && one && other && !more && one.id !== other.id ? ([one, other] as const) : undefined;
  const counts = { running: 0, stopped: 0, unused: 0 };
  for (const { id } of chosen) counts[usageOf(id, facts.users)] += 1;
  return (
    <BulkBar
      count={chosen.length}
      tally={
        <>
          <UseTally {...counts} />
          <span className="num">{bytes(size)}</span>
        </>
      }
      onRemove={() => actions.remove(chosen)}
      onClear={onClear}
    >
      <Button icon={Download} disabled={named.length === 0} onClick={() => actions.pullAgain(named)}>
        {t('images.bulkPull', { count: named.length })}
      </Button>
      <Button icon={ArrowUpFromLine} disabled={named.length === 0} onClick={() => actions.push(named)}>
        {t('images.bulkPush', { count: named.length })}
      </Button>
      <Button icon={PackageOpen} onClick={() => actions.save(chosen)}>
        {t('images.bulkSave', { count: chosen.length })}
      </Button>
      {pair && (
        <Button
          icon={GitCompare}
          onClick={() => {
            onClear();
            actions.compare(...pair);
          }}
        >
          {t('layers.compare')}
        </Button>
      )}
    </BulkBar>
  );
}
