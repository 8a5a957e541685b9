export { Execs, type ExecsOptions } from './execs.js';
