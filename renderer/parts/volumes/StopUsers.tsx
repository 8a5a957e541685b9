import { useState } from 'react';
import { Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Problem } from '../../ui/Field.js';
import { useExplain } from '../explain.js';
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
  const explain = useExplain();
  const users = useRunningUsers(volume);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string>();
  if (users.length === 0) return null;
  const stop = async () => {
    setBusy(true);
    setFailure(undefined);
    await Promise.all(users.map(({ Id }) => store.getState().actOn(Id, 'stop'))).catch((error: unknown) =>
      setFailure(explain(messageOf(error))),
    );
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
