export { BuildError } from './failure.js';
export type * from './request.js';
