import { useEffect, useState } from 'react';
import type { Client } from '../../../main/client/index.js';
import { useEngineStore } from '../../store/index.js';
import { collect } from './content.js';
import { namesIn, nobody, type Owners } from './owners.js';

/** Of containers whose files were looked at. */
const known = new Map<string, Owners>();
const LARGEST = 1024 * 1024;

async function names(client: Client, container: string, path: string) {
  try {
    const { bytes } = await client.slipway.files.read(container, { path, length: LARGEST });
    return namesIn(new TextDecoder().decode(await collect(bytes)));
  } catch {
    return new Map<number, string>(); // an image without users has numbers
  }
}

/** Read once per container, and again with another `round`. */
export function useOwners(container: string | undefined, round: number): Owners {
  const { client } = useEngineStore();
  const [owners, setOwners] = useState(known.get(container ?? '') ?? nobody);
  useEffect(() => {
    if (container === undefined || (round === 0 && known.has(container))) return;
    let wanted = true;
    const [users, groups] = [names(client, container, '/etc/passwd'), names(client, container, '/etc/group')];
    void Promise.all([users, groups]).then(([users, groups]) => {
      known.set(container, { users, groups });
      if (wanted) setOwners({ users, groups });
    });
    return () => void (wanted = false);
  }, [client, container, round]);
  return owners;
}
