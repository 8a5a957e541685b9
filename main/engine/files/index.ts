export { Files, type FileChange, type FilesOptions } from './files.js';
export { FileTree, type FileTreeOptions } from './tree.js';
export type { CommitRequest } from './commit.js';
export { timestamp } from './path-stat.js';
