import type { TFunction } from 'i18next';
import type { FieldChange } from '../../../main/contract/changes.js';
import type { ContainerUpdate, RestartPolicy } from '../../../main/contract/containers.js';
import { en } from '../../i18n/en.js';
import { joinCommand, quoted } from '../command-line.js';
import { holdsSecret, isSecretVariable, splitVariable } from '../secrets.js';
import { sizeText, timeText } from '../sizes.js';
import { updateLine } from '../update-line.js';
import { shortId } from '../../ui/format.js';

/** One thing that is different, in words. */
export interface DiffLine {
  /** `Config.Env`, `HostConfig.Memory`, … */
  field: string;
  /** Which of many: the variable, the label. */
  key?: string | undefined;
  /** Undefined: nothing was said. */
  from: string | undefined;
  to: string | undefined;
  /** To be covered until it is asked for. */
  secret: boolean;
  /** Its values are words of ours, not what is typed. */
  words: boolean;
}

type Fields = keyof typeof en.change.fields;

const lastOf = (field: string): string => field.split('.').at(-1) ?? field;

/** What a field is called; one that has no word, as the API calls it. */
export function fieldWords(t: TFunction, field: string): string {
  const name = lastOf(field);
  return name in en.change.fields ? t(`change.fields.${name as Fields}`) : name;
}

const SIZES = new Set(['Memory', 'MemoryReservation', 'MemorySwap', 'ShmSize']);
const COMMANDS = new Set(['Cmd', 'Entrypoint', 'Shell']);
/** Of these zero is no limit, of other numbers zero is nothing said. */
const LIMITS = new Set(['Memory', 'MemorySwap', 'NanoCpus', 'PidsLimit']);
const NANOSECONDS = new Set(['Interval', 'Timeout', 'StartPeriod', 'StartInterval']);

export const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const policyWords = (t: TFunction, { Name, MaximumRetryCount: count }: RestartPolicy): string =>
  Name === 'on-failure' && count > 0 ? t('change.policyTimes', { count }) : t(`summary.policy.${Name || 'no'}`);

function healthTest(t: TFunction, test: string[]): string | undefined {
  const [kind, ...words] = test;
  if (kind === undefined) return undefined;
  if (kind === 'NONE') return t('change.off');
  // As in a Dockerfile: a list of words runs without a shell.
  return kind === 'CMD-SHELL' ? words.join(' ') : JSON.stringify(words);
}

/** A value in words; undefined: nothing is said. */
export function valueWords(t: TFunction, field: string, value: unknown): string | undefined {
  const name = lastOf(field);
  if (name === 'RestartPolicy') return policyWords(t, (value ?? { Name: 'no', MaximumRetryCount: 0 }) as RestartPolicy);
  if (LIMITS.has(name) && (value === null || value === undefined || Number(value) <= 0)) return t('summary.unlimited');
  if (value === null || value === undefined || value === '' || value === 0) return undefined;
  if (typeof value === 'boolean') return value ? t('summary.yes') : t('change.no');
  if (typeof value === 'number') {
    if (SIZES.has(name)) return sizeText(value);
    if (name === 'NanoCpus') return String(value / 1e9);
    if (name === 'StopTimeout') return t('time.seconds', { count: value });
    return NANOSECONDS.has(name) ? timeText(value) : String(value);
  }
  if (typeof value === 'string') return name === 'ImageID' ? shortId(value) : value;
  if (!Array.isArray(value)) return JSON.stringify(value);
  if (value.length === 0) return undefined;
  if (!value.every((one): one is string => typeof one === 'string')) return JSON.stringify(value);
  if (name === 'Test') return healthTest(t, value);
  return COMMANDS.has(name) ? joinCommand(value) : value.join(', ');
}

const variables = (value: unknown): Map<string, string> =>
  new Map(Array.isArray(value) ? value.map((one) => splitVariable(String(one))) : []);

/** Lists of mounts: of each entry there is one line, by its place in the container. */
const LISTS = new Set([
  'HostConfig.Binds',
  'HostConfig.Mounts',
  'HostConfig.VolumesFrom',
  'Config.Volumes',
  'HostConfig.Tmpfs',
]);

/** A mount with options of its own is shown as a whole. */
const isPlainList = (value: unknown): boolean =>
  !Array.isArray(value) ||
  value.every((one) => !isFields(one) || Object.keys(one).every((key) => PLAIN_MOUNT.has(key)));
const PLAIN_MOUNT = new Set(['Type', 'Source', 'Target', 'ReadOnly']);

function entriesOf(field: string, value: unknown): Map<string, string> {
  if (isFields(value))
    return new Map(
      Object.entries(value).map(([place, more]) => [place, typeof more === 'string' && more !== '' ? more : place]),
    );
  const entries = Array.isArray(value) ? (value as unknown[]) : [];
  return new Map(
    entries.map((entry): [string, string] => {
      if (typeof entry !== 'string') {
        const { Target, Source, ReadOnly } = isFields(entry) ? entry : {};
        return [String(Target), `${String(Source ?? '')}${ReadOnly === true ? ' (ro)' : ''}`];
      }
      const [first = '', second, mode] = entry.split(':');
      if (field === 'HostConfig.VolumesFrom') return [first, entry];
      return second === undefined ? [first, first] : [second, mode === undefined ? first : `${first} (${mode})`];
    }),
  );
}

/** What is different in a field: of variables, labels and the like a line for each. */
export function linesOf(t: TFunction, { Field, From, To }: FieldChange): DiffLine[] {
  if (Field === 'Config.Env') {
    const [before, after] = [variables(From), variables(To)];
    return [...new Set([...before.keys(), ...after.keys()])]
      .filter((key) => before.get(key) !== after.get(key))
      .map((key) => {
        const [from, to] = [before.get(key), after.get(key)];
        const secret = [from, to].some((value) => value !== undefined && isSecretVariable(key, value));
        return { field: Field, key, from, to, secret, words: false };
      });
  }
  if (LISTS.has(Field) && [From, To].every(isPlainList)) {
    const [before, after] = [entriesOf(Field, From), entriesOf(Field, To)];
    return [...new Set([...before.keys(), ...after.keys()])]
      .filter((key) => before.get(key) !== after.get(key))
      .map((key) => {
        const [from, to] = [before.get(key), after.get(key)];
        return { field: Field, key, from, to, secret: false, words: false };
      });
  }
  const line = (from: unknown, to: unknown, ...keys: string[]): DiffLine => {
    const path = [...Field.split('.'), ...keys];
    const secret = [from, to].some((value) => holdsSecret(value, path));
    const at = keys.at(-1) ?? Field;
    const words = lastOf(at) === 'RestartPolicy' || [from, to].some((value) => typeof value === 'boolean');
    return { field: Field, key: keys.at(-1), from: valueWords(t, at, from), to: valueWords(t, at, to), secret, words };
  };
  if (Field === 'HostConfig.RestartPolicy' || (!isFields(From) && !isFields(To))) return [line(From, To)];
  const [before, after] = [isFields(From) ? From : {}, isFields(To) ? To : {}];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const lines = keys.map((key) => line(before[key], after[key], key));
  return lines.filter(({ from, to }) => from !== to);
}

/** The words of a line's key: those of a health check are known, a label's are its own. */
export const keyWords = (t: TFunction, { field, key }: DiffLine): string | undefined =>
  key !== undefined && field === 'Config.Healthcheck' && key in en.change.health
    ? t(`change.health.${key as keyof typeof en.change.health}`)
    : key;

const UPDATABLE = new Set([
  ...(['Memory', 'MemoryReservation', 'MemorySwap', 'NanoCpus', 'CpuPeriod', 'CpuQuota', 'CpuShares'] as const),
  ...(['CpusetCpus', 'CpusetMems', 'PidsLimit', 'BlkioWeight', 'RestartPolicy'] as const),
] satisfies (keyof ContainerUpdate)[]) as Set<string>;

/** What docker's own command line could do of it, and whether that is all; it has no word for most, nor for taking a limit away. */
export function dockerLines(name: string, changes: readonly FieldChange[]): { lines: string[]; whole: boolean } {
  const body: Record<string, unknown> = {};
  let whole = true;
  for (const { Field, To } of changes) {
    const [part, field = ''] = Field.split('.');
    if (Field === 'Name') continue;
    if (part === 'HostConfig' && field === 'PidsLimit') body[field] = To ?? -1;
    else if (part === 'HostConfig' && UPDATABLE.has(field) && To !== null && To !== 0 && To !== '') body[field] = To;
    else whole = false;
  }
  const to = changes.find(({ Field }) => Field === 'Name')?.To;
  const rename = typeof to === 'string' ? ['docker', 'rename', quoted(name), quoted(to)].join(' ') : undefined;
  const lines = [updateLine(name, body as ContainerUpdate), rename].filter((line) => line !== undefined);
  return { lines, whole };
}
