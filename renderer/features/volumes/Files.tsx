import { useMemo } from 'react';
import { FolderTree } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Browser } from '../../parts/files/Browser.js';
import { holdersOf, nameOfVolume } from '../../parts/volumes/names.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { knowsVolumes } from '../../store/volumes-slice.js';
import { Empty } from '../../ui/Empty.js';
import type { VolumeTabProps } from './tabs.js';

/** What is in it, whoever uses it and whether they run. */
export function Files({ volume }: VolumeTabProps) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const known = useEngine(knowsVolumes);
  const read = useEngine((state) => state.version !== undefined);
  const { Name } = volume;
  const name = nameOfVolume(volume);
  // Owners are called as a container that has it calls them.
  const users = holdersOf(volume).find(({ Binned }) => !Binned)?.Id;
  const place = useMemo(() => ({ of: { volume: Name }, name, users }), [Name, name, users]);
  if (read && !known)
    return (
      <Empty icon={FolderTree} title={t('files.cannot')}>
        {t('volumes.filesForeign')}
      </Empty>
    );
  return <Browser key={Name} place={place} onChanged={() => store.getState().touchVolumes()} />;
}
