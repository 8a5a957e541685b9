import { useMemo } from 'react';
import { FolderTree, MemoryStick } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Browser } from '../../parts/files/Browser.js';
import { holdersOf, isCopyable, nameOfVolume } from '../../parts/volumes/names.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { knowsVolumes } from '../../store/volumes-slice.js';
import { Button } from '../../ui/Button.js';
import { Empty } from '../../ui/Empty.js';
import { navigate, pathTo } from '../../ui/route.js';
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
  if (!isCopyable(volume)) {
    const holder = holdersOf(volume).find(({ Running }) => Running);
    return (
      <Empty
        icon={MemoryStick}
        title={t('volumes.filesElsewhere')}
        actions={
          holder && (
            <Button icon={FolderTree} onClick={() => navigate(pathTo('containers', holder.Id, 'files'))}>
              {t('volumes.filesOf', { name: holder.Name })}
            </Button>
          )
        }
      >
        {t(volume.Kind === 'tmpfs' ? 'volumes.filesInMemory' : 'volumes.filesOnServer')}
      </Empty>
    );
  }
  return <Browser key={Name} place={place} onChanged={() => store.getState().touchVolumes()} />;
}
