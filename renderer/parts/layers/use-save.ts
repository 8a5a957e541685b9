import { useTranslation } from 'react-i18next';
import type { Compared } from '../../../main/contract/layers.js';
import { messageOf, useEngineStore } from '../../store/index.js';
import { notifyDone, notifyFailed } from '../../ui/notify.js';
import { useExplain } from '../explain.js';
import { nameOfPath } from '../files/tree.js';

/** Saves a file as it is at a layer; where to is asked. */
export function useSave() {
  const { t } = useTranslation();
  const store = useEngineStore();
  const explain = useExplain();
  return async ({ kind, name, layer = 1 }: Compared, path: string, called: string): Promise<void> => {
    const file = nameOfPath(path);
    try {
      const what = { of: kind, name, layer, path };
      const { type } = await store.getState().download(what, { name: file, container: called });
      if (type === 'done') notifyDone(t('files.downloaded', { name: file }));
    } catch (error) {
      notifyFailed(t('files.downloadFailed', { name: file }), explain(messageOf(error)));
    }
  };
}
