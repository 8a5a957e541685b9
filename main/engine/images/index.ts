export { changeConfig, type Config } from './change-config.js';
export { Images, type ImagesOptions } from './images.js';
export type { PullRequest } from './pull.js';
export type { ImageRecord } from './record.js';
export { starterBusybox } from './starter.js';
export type { Shelf, ShelfDocument } from './shelf.js';
export type { StockedImage } from './images.js';
