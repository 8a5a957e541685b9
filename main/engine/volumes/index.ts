export { Volumes, type Reservation, type VolumeAbout, type VolumeWish } from './volumes.js';
export type { HeldVolume } from './uses.js';
export { checkVolume } from './record.js';
