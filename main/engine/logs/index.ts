export { openHistory, readLog, type History, type LogRequest } from './read.js';
export { LogFormat, type LogView } from './format.js';
