import { stat } from 'node:fs/promises';
import { look } from '../../base/looks.js';
import type { BackupSchedule, VolumeOverview, VolumeOverviews, VolumeUser } from '../../contract/volume-data.js';
import type { Containers } from '../containers/index.js';
import type { HelperHello } from '../helper/index.js';
import type { Usage } from '../usage/index.js';
import type { VolumeAbout, Volumes } from '../volumes/index.js';

export interface VolumeSurveyOptions {
  volumes: Pick<Volumes, 'list' | 'about' | 'recall'>;
  containers: Pick<Containers, 'volumeUsers'>;
  usage: Pick<Usage, 'counting'>;
  helper: { readonly hello: Pick<HelperHello, 'uidMap' | 'gidMap'> };
  /** Copies of volumes; without it nobody makes any. */
  backups: { countOf(volume: string): number; scheduleOf(volume: string): BackupSchedule | null };
}

type Owner = VolumeOverview['Owner'];

/** How long a directory that is not ours may take to answer. */
const PATIENCE_MS = 1000;
/** How long an answer waits for what has to be counted first: a small volume is by then. */
const GLANCE_MS = 100;
/** Who cannot be named in a user namespace. */
const NOBODY = 65534;

/** All that is known of volumes, from records: nothing is counted while somebody waits. */
export class VolumeSurvey {
  readonly #options: VolumeSurveyOptions;

  constructor(options: VolumeSurveyOptions) {
    this.#options = options;
  }

  async list(): Promise<VolumeOverviews> {
    const { volumes, containers, usage } = this.#options;
    const users = containers.volumeUsers();
    const Volumes = await Promise.all(
      volumes.list().map(({ Name }) => this.#describe(volumes.about(Name), users.get(Name) ?? [])),
    );
    return { Volumes, Counting: usage.counting };
  }

  inspect(name: string): Promise<VolumeOverview> {
    const about = this.#options.volumes.about(name);
    return this.#describe(about, this.#options.containers.volumeUsers().get(name) ?? []);
  }

  async #describe(about: VolumeAbout, Users: VolumeUser[]): Promise<VolumeOverview> {
    const { backups } = this.#options;
    const { Name, kind, createdBy, device } = about;
    const Mountpoint = device ?? about.Mountpoint;
    const [counted, Owner] = await Promise.all([
      // What is elsewhere is not ours to count.
      kind === 'local' ? this.#options.volumes.recall(Name, GLANCE_MS).catch(() => undefined) : undefined,
      kind === 'local'
        ? this.#ownerOf(Mountpoint)
        : look(PATIENCE_MS, () => this.#ownerOf(Mountpoint)).then((owner) => owner ?? null),
    ]);
    return {
      ...{ Name, Kind: kind, Created: about.CreatedAt, Anonymous: about.anonymous },
      CreatedBy: createdBy ? { Id: createdBy.id, Name: createdBy.name } : null,
      ...{ Labels: about.Labels, Options: about.Options, Mountpoint },
      Size: counted?.bytes ?? null,
      At: momentOf(counted?.at),
      LastWrite: momentOf(counted?.newest),
      ...{ Owner, Users },
      Backups: backups.countOf(Name),
      Schedule: backups.scheduleOf(Name),
    };
  }

  async #ownerOf(path: string): Promise<Owner> {
    const { uidMap, gidMap } = this.#options.helper.hello;
    const found = await stat(path).catch(() => undefined);
    if (!found) return null;
    const { uid, gid, mode } = found;
    return { Uid: uid, Gid: gid, Mode: mode & 0o7777, Inside: { Uid: inside(uidMap, uid), Gid: inside(gidMap, gid) } };
  }
}

const momentOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** What an id of this machine is in our containers. */
function inside(map: HelperHello['uidMap'], id: number): number {
  const range = map.find(([, outside, length]) => id >= outside && id < outside + length);
  return range ? range[0] + id - range[1] : NOBODY;
}
