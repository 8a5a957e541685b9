import { invalid } from '../../base/errors.js';
import type { LogConfig } from '../../contract/containers.js';

/** What `--log-driver` and `--log-opt` say of containers that say nothing. */
export interface LogDefaults {
  driver?: string;
  options?: Record<string, string>;
}

const OPTIONS = 'max-size max-file labels labels-regex env env-regex tag compress mode max-buffer-size'.split(' ');
/** No log fills the disk: where nobody says a size, it is rotated at this one. */
const MAX_SIZE = 10 * 2 ** 20;
const MAX_FILE = 3;

/** Docker's merge: the options of the default driver go to the containers that have it. */
export function withLogDefaults({ Type, Config }: Partial<LogConfig>, defaults: LogDefaults = {}): LogConfig {
  const { driver = 'json-file', options = {} } = defaults;
  const type = Type || driver;
  return { Type: type, Config: { ...(type === driver && options), ...Config } };
}

/** Throws where no container could have them. */
export function checkLogDefaults(defaults?: LogDefaults): void {
  checkLog(withLogDefaults({}, defaults));
}

/** Returns what is not done, by name. */
export function checkLog({ Type, Config }: LogConfig): string[] {
  if (Type === 'none')
    return Object.keys(Config).map((option) => `There is no log to keep. The log option ${option} is discarded.`);
  const { mode = '', 'max-buffer-size': buffer } = Config;
  if (!['', 'blocking', 'non-blocking'].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`);
  if (buffer !== undefined && mode !== 'non-blocking') {
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  if (buffer !== undefined) bytesOf(buffer, 'max-buffer-size');
  if (Type !== 'json-file') throw invalid(`error looking up logging plugin ${Type}: plugin "${Type}" not found`);
  for (const option of Object.keys(Config)) {
    if (!OPTIONS.includes(option)) throw invalid(`unknown log opt '${option}' for json-file log driver`);
  }
  logLimits(Config);
  const { compress = 'false' } = Config;
  if (!['true', 'false', '1', '0'].includes(compress)) throw invalid(`invalid value for compress: '${compress}'`);
  return compress === 'true' || compress === '1'
    ? ['Rotated logs are not compressed here. The log option compress is discarded.']
    : [];
}

/** When the log is rotated; `max-size=-1`: never. With a size of its own and no count it is one file, as with Docker. */
export function logLimits(config: Record<string, string>): { maxSize: number; maxFile: number } {
  const { 'max-size': size, 'max-file': count } = config;
  const maxSize = size === undefined ? MAX_SIZE : size === '-1' ? 0 : bytesOf(size, 'max-size');
  const maxFile = count !== undefined ? Number(count) : size === undefined ? MAX_FILE : 1;
  if (size !== undefined && size !== '-1' && maxSize <= 0) throw invalid('max-size must be a positive number');
  if (!Number.isInteger(maxFile) || maxFile < 1) throw invalid('max-file cannot be less than 1');
  return { maxSize, maxFile };
}

function bytesOf(text: string, name: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const scale = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }[unit?.toLowerCase() ?? ''];
  if (number === undefined || scale === undefined) throw invalid(`invalid size: '${text}' for ${name}`);
  return Math.floor(Number(number) * scale);
}
