export { FirstRun } from './FirstRun.js';
