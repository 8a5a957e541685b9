import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import { useEngineStore } from '../store/index.js';
import { useSurface } from '../store/surface.js';
import { notifyFailed } from '../ui/notify.js';
import { isArchive } from './archive-files.js';

/** Gives archives of images to the engine, each as a task. */
export function useLoadArchives(): (files: File[]) => void {
  const { t } = useTranslation();
  const store = useEngineStore();
  const show = useSurface((surface) => surface.show);
  return useCallback(
    (files) => {
      let began = 0;
      for (const file of files)
        if (!isArchive(file)) notifyFailed(t('load.notArchive', { name: file.name }), t('load.notArchiveText'));
        else if (store.getState().loadArchive(file) === undefined)
          notifyFailed(t('load.failed', { name: file.name }), t('files.pathless'));
        else began += 1;
      if (began > 0) show({ tasks: true });
    },
    [store, show, t],
  );
}
