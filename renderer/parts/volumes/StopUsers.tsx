import { useState } from 'react';
import { Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Problem } from '../../ui/Field.js';
import { useFailure } from '../use-failure.js';
import { holdersOf } from './names.js';

/** Those that run with a volume: all that is in it can be replaced once they do not. */
export function useRunningUsers(volume: VolumeOverview | undefined) {
  const containers = useEngine((state) => state.containers);
  if (!volume) return [];
  // What has just been stopped is known to the list of containers first.
  return holdersOf(volume).filter(
    ({ Id, Running }) =>
      Running && !containers?.some((container) => container.Id === Id && /^(?:exited|created)$/.test(container.State)),
  );
}

/** Says who they are, and stops them. */
export function StopUsers({ volume }: { volume: VolumeOverview }) {
  const { t } = useTranslation();
  const store = useEngineStore();
  const users = useRunningUsers(volume);
  const [busy, setBusy] = useState(false);
  const { failure, fail, forget } = useFailure(
    t('action.failedTo.stop', { name: users.map(({ Name }) => Name).join(', ') }),
  );
  if (users.length === 0) return null;
  const stop = async () => {
    setBusy(true);
    forget();
    await Promise.all(users.map(({ Id }) => store.getState().actOn(Id, 'stop'))).catch(fail);
    setBusy(false);
  };
  return (
    <div className="stop-users">
      <Problem>{t('volumes.restore.running', { names: users.map(({ Name }) => Name).join(', ') })}</Problem>
      <Button size="small" icon={Square} disabled={busy} onClick={() => void stop()}>
        {busy ? t('volumes.restore.stopping') : t('volumes.restore.stop', { count: users.length })}
      </Button>
      {failure && <Problem>{failure}</Problem>}
    </div>
  );
}
