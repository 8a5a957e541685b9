import { useEffect, useMemo } from 'react';
import type { VolumeOverview } from '../../../main/contract/volume-data.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { knowsVolumes, usersByVolume } from '../../store/volumes-slice.js';

/** The volumes, with who uses them: as the engine tells, or on another one as its containers do. */
export function useVolumes(): VolumeOverview[] | undefined {
  const volumes = useEngine((state) => state.volumes);
  const containers = useEngine((state) => state.containers);
  const known = useEngine(knowsVolumes);
  return useMemo(() => {
    if (known || !volumes) return volumes;
    const users = usersByVolume(containers);
    return volumes.map((volume) => ({ ...volume, Users: users.get(volume.Name) ?? [] }));
  }, [volumes, containers, known]);
}

/** Keeps them level with the engine while a component is there. */
export function useWatchVolumes(): void {
  const store = useEngineStore();
  useEffect(() => store.getState().watchVolumes(), [store]);
}
