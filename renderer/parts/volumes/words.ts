import type { VolumeBackup, VolumeOverview } from '../../../main/contract/volume-data.js';
import { nameOfVolume } from './names.js';

/** A day and a time, as people here write them. */
export const momentOf = (language: string, at: string): string =>
  new Date(at).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' });

/** As much of a name as a file's has room for, with all that comes after it. */
const short = (name: string): string => name.slice(0, 160);

/** How the file of a volume's archive is called at first. */
export const volumeFileName = (row: Pick<VolumeOverview, 'Name' | 'Anonymous'>, ending: string): string =>
  `${short(nameOfVolume(row))}.tar${ending}`;

/** The same of a backup: what it is of, and when it was made. */
export const backupFileName = ({ Volume, Created }: Pick<VolumeBackup, 'Volume' | 'Created'>): string =>
  `${short(nameOfVolume({ Name: Volume, Anonymous: true }))}-${Created.slice(0, 16).replaceAll(/[T:]/g, '-')}.tar.zst`;
