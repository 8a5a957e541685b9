/** How grave a line is, where it says so: in plain text as loggers write it, or in JSON. */
export type Level = 'error' | 'warn' | 'info' | 'debug';

export const levels: Level[] = ['error', 'warn', 'info', 'debug'];

const words: Record<string, Level> = {
  trace: 'debug',
  debug: 'debug',
  dbg: 'debug',
  verbose: 'debug',
  info: 'info',
  inf: 'info',
  notice: 'info',
  information: 'info',
  log: 'info',
  warn: 'warn',
  warning: 'warn',
  wrn: 'warn',
  error: 'error',
  err: 'error',
  fatal: 'error',
  ftl: 'error',
  critical: 'error',
  crit: 'error',
  panic: 'error',
  severe: 'error',
  emerg: 'error',
  emergency: 'error',
  alert: 'error',
};

const alternatives = Object.keys(words)
  .filter((word) => word !== 'log')
  .join('|');
/** `"level":"warn"`, `"severity": "ERROR"`, `"level":50`. */
const inJson = /"(?:level|lvl|severity|log\.level|loglevel|levelname)"\s*:\s*(?:"([a-z]+)"|(\d+))/i;
/** `level=warn`. */
const named = /\b(?:level|lvl|severity)=["']?([a-z]+)/i;
/** A word in capitals on its own: `ERROR`, `[WARN]`, `|INFO|`. */
const capitals = new RegExp(`(?:^|[\\s\\[(|<:])(${alternatives.toUpperCase()}|LOG)(?=[\\s\\])|>:,;]|$)`);
/** The word first, or in brackets, or before a colon: `error: …`, `[info] …`, `nginx: warning: …`. */
const leading = new RegExp(`(?:^|\\[|: )(${alternatives})(?=[\\]:]|$)`, 'i');
/** As klog and glog begin a line: `E1126 12:03:00…`. */
const klog = /^([IWEF])\d{4} \d\d:/;

/** How far into a line its level stands; what comes later is what it says. */
const reach = 200;

/** pino and bunyan count: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal. */
const counted = (count: number): Level =>
  count >= 50 ? 'error' : count >= 40 ? 'warn' : count >= 30 ? 'info' : 'debug';

export function levelIn(text: string): Level | undefined {
  if (looksLikeJson(text)) {
    const [, word, count] = inJson.exec(text) ?? [];
    if (word) return words[word.toLowerCase()];
    return count ? counted(Number(count)) : undefined;
  }
  const head = text.slice(0, reach);
  const letter = klog.exec(head)?.[1];
  if (letter) return letter === 'I' ? 'info' : letter === 'W' ? 'warn' : 'error';
  const word = (named.exec(head) ?? capitals.exec(head) ?? leading.exec(head))?.[1];
  return word ? words[word.toLowerCase()] : undefined;
}

export const looksLikeJson = (text: string): boolean => text.startsWith('{') && text.trimEnd().endsWith('}');

/** The row's document, written out; undefined when it only looked like one. */
export function prettyJson(text: string): string | undefined {
  if (!looksLikeJson(text)) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}
