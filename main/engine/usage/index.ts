export { Usage, type Measured, type UsageOptions } from './usage.js';
