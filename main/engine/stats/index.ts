export { Stats, type StatsRequest } from './stats.js';
