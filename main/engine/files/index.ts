export { Files, type FileChange, type FilesOptions } from './files.js';
export { ContainerTree, FileTree, type FileTreeOptions } from './tree.js';
export { Archives } from './archives.js';
export { volumeFiles } from './volume-files.js';
export type { Held, Keeper } from './held.js';
export type { CommitRequest } from './commit.js';
export { timestamp } from './path-stat.js';
