export { changeConfig, type Config } from './change-config.js';
export { Images, unixSeconds, type ImagesOptions } from './images.js';
export type { PullRequest } from './pull.js';
export type { HistoryEntry, ImageRecord } from './record.js';
export { starterBusybox } from './starter.js';
export type { Shelf, ShelfDocument } from './shelf.js';
export type { StockedImage } from './images.js';
