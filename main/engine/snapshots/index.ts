export { chooseDriver, type Driver } from './driver.js';
export { Snapshots, type Mounts, type SnapshotDraft, type SnapshotRecord, type SnapshotsHelper } from './snapshots.js';
