export { Images, type ImagesOptions, type PullRequest } from './images.js';
export type { ImageRecord } from './record.js';
export { starterBusybox } from './starter.js';
