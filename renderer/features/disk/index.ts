export { DiskPage } from './DiskPage.js';
