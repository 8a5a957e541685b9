export { Stats, type CrowdStatsRequest, type StatsRequest } from './stats.js';
