import type { HeldVolume, Volumes } from '../volumes/index.js';
import type { Keeper } from './held.js';

/** Volumes, as those who have files. */
export const volumeFiles = (volumes: Pick<Volumes, 'holdFiles'>): Keeper<HeldVolume> => ({
  noun: 'volume',
  hold: (name) => volumes.holdFiles(name),
  cutOff: ({ name }) => `volume ${name} was removed`,
});
