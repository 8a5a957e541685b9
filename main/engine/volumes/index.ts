export { Volumes, type Reservation, type VolumeWish } from './volumes.js';
export { checkVolume } from './record.js';
export type { Loan, VolumePlace } from './loans.js';
export type { Stage } from './stage.js';
