import { useRef } from 'react';
import { Download, PackageOpen, RefreshCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ImageActions } from '../../parts/image-actions.js';
import type { NamedImage } from '../../parts/image-names.js';
import { PruneImagesButton } from '../../parts/PruneImages.js';
import { GroupByMenu, TableTools } from '../../parts/table-page/TableTools.js';
import type { TablePageState } from '../../parts/table-page/use-table-page.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { can } from '../../store/registries-slice.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { imageFilters, isImageIn, type ImageFacts, type ImageFilter } from './filter.js';

/** What can be loaded. */
export const ARCHIVES = '.tar,.tar.gz,.tgz,.tar.zst,.tzst,.gz,.zst';

/** Filter, chips, grouping, and the ways to more images. */
export function Toolbar({
  page,
  rows,
  facts,
  grouped,
  actions,
  onLoad,
}: {
  page: TablePageState<ImageFilter>;
  rows: NamedImage[];
  facts: ImageFacts;
  grouped: boolean;
  actions: ImageActions;
  onLoad(files: File[]): void;
}) {
  const { t } = useTranslation();
  const ready = useEngine((state) => state.connection.state === 'ready');
  const knows = useEngine(can('registries'));
  const asking = useEngine((state) => Object.values(state.newer).some((said) => said.state === 'asking'));
  const ask = useSurface((surface) => surface.open);
  const set = usePreferences((preferences) => preferences.set);
  const picker = useRef<HTMLInputElement>(null);
  return (
    <TableTools<NamedImage, ImageFilter>
      noun="images"
      page={page}
      rows={rows}
      chips={{
        label: t('images.usedBy'),
        all: imageFilters,
        constant: ['used', 'unused'],
        isIn: (row, chip) => isImageIn(row, chip, facts),
        name: (chip) => t(`images.chips.${chip}`),
      }}
    >
      {knows && (
        <IconButton
          icon={RefreshCw}
          iconSize={16}
          label={asking ? t('images.askingNewer') : t('images.askNewerAll')}
          disabled={!ready || asking}
          onClick={() => void actions.checkNewer(rows.filter(({ repository }) => repository !== undefined))}
        />
      )}
      <PruneImagesButton plain />
      <GroupByMenu
        now={grouped ? t('images.byRepository') : t('containers.groupBy.none')}
        entries={() => [
          { label: t('images.byRepository'), checked: grouped, onSelect: () => set({ groupImages: true }) },
          { label: t('containers.groupBy.none'), checked: !grouped, onSelect: () => set({ groupImages: false }) },
        ]}
      />
      <Button icon={PackageOpen} disabled={!ready} onClick={() => picker.current?.click()}>
        {t('images.loadDots')}
      </Button>
      <input
        ref={picker}
        type="file"
        hidden
        multiple
        accept={ARCHIVES}
        aria-label={t('images.loadDots')}
        data-load
        onChange={(event) => {
          onLoad([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
      <Button variant="primary" icon={Download} disabled={!ready} onClick={() => ask({ kind: 'pull' })}>
        {t('action.pull')}
      </Button>
    </TableTools>
  );
}
