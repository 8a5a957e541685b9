export { Explore, type ExploreOptions } from './explore.js';
