export { Volumes, type VolumeAbout } from './volumes.js';
export type { Reservation, VolumeWish } from './reservations.js';
export type { HeldVolume } from './uses.js';
export { checkVolume } from './record.js';
export type { Loan, VolumePlace } from './loans.js';
export type { Stage } from './stage.js';
