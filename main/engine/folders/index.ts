export { Folders, type FoldersOptions } from './folders.js';
export { Surroundings } from './warnings.js';
