export { Volumes, type Reservation, type VolumeWish } from './volumes.js';
export { checkVolume } from './record.js';
