export { Snapshots, type Mounts, type SnapshotDraft, type SnapshotRecord, type SnapshotsHelper } from './snapshots.js';
