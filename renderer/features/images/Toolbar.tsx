import { useRef } from 'react';
import { ChevronDown, Download, Group as GroupIcon, PackageOpen, RefreshCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ImageActions } from '../../parts/image-actions.js';
import type { NamedImage } from '../../parts/image-names.js';
import { PruneImagesButton } from '../../parts/PruneImages.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { can } from '../../store/registries-slice.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { FilterField } from '../../ui/FilterField.js';
import { Menu } from '../../ui/Menu.js';
import { imageFilters, isImageIn, type ImageFacts, type ImageFilter } from './filter.js';

/** Always there; the others only where there is something of the kind. */
const constant: readonly ImageFilter[] = ['used', 'unused'];

/** What can be loaded. */
export const ARCHIVES = '.tar,.tar.gz,.tgz,.tar.zst,.tzst,.gz,.zst';

/** Filter, chips, grouping, and the ways to more images. */
export function Toolbar({
  rows,
  facts,
  filter,
  onFilter,
  chips,
  onChips,
  grouped,
  actions,
  onLoad,
}: {
  rows: NamedImage[];
  facts: ImageFacts;
  filter: string;
  onFilter(text: string): void;
  chips: ReadonlySet<ImageFilter>;
  onChips(chips: ReadonlySet<ImageFilter>): void;
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
  const shown = imageFilters.filter(
    (chip) => constant.includes(chip) || chips.has(chip) || rows.some((row) => isImageIn(row, chip, facts)),
  );
  const toggle = (chip: ImageFilter) => {
    const next = new Set(chips);
    if (!next.delete(chip)) next.add(chip);
    onChips(next);
  };
  const grouping = grouped ? t('images.byRepository') : t('containers.groupBy.none');
  return (
    <div className="tools">
      <h1>{t('images.title')}</h1>
      <FilterField label={t('images.filterLabel')} hint={t('images.filterHint')} value={filter} onChange={onFilter} />
      <span className="chips" role="group" aria-label={t('images.usedBy')}>
        {shown.map((chip) => (
          <button key={chip} type="button" className="chip" aria-pressed={chips.has(chip)} onClick={() => toggle(chip)}>
            {t(`images.chips.${chip}`)}
          </button>
        ))}
      </span>
      <span className="grow" />
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
      <Menu
        label={t('containers.groupBy.title')}
        entries={() => [
          { heading: t('containers.groupBy.title') },
          { label: t('images.byRepository'), checked: grouped, onSelect: () => set({ groupImages: true }) },
          { label: t('containers.groupBy.none'), checked: !grouped, onSelect: () => set({ groupImages: false }) },
        ]}
      >
        <button type="button" className="btn ghost" aria-label={`${t('containers.groupBy.title')}: ${grouping}`}>
          <GroupIcon className="icon" aria-hidden />
          <span className="cut group-by">{grouping}</span>
          <ChevronDown className="icon s12" aria-hidden />
        </button>
      </Menu>
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
    </div>
  );
}
