export { Disk, type DiskOptions } from './disk.js';
