export { Files, type FileChange, type FilesOptions } from './files.js';
export type { CommitRequest } from './commit.js';
