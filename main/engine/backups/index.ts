export { Backups, type BackupsOptions } from './backups.js';
