import type { VolumeCreate } from '../../contract/volumes.js';

/** A directory beside the volumes that is made ready to be one. */
export interface Stage extends AsyncDisposable {
  readonly path: string;
  /** Where in it the files go; it is not there yet. */
  readonly data: string;
  /** From now on it is a new volume. */
  become(wish: VolumeCreate & { Name: string }): Promise<void>;
  /** Takes the place of what the volume had, which goes. `alike`: the volume's own directory keeps its looks. */
  replace(name: string, how: { alike: boolean }): Promise<void>;
}
