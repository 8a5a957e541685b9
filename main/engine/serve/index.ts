export { Serve, type ServeOptions } from './serve.js';
