const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
type Level = (typeof levels)[number];

let threshold: Level = levels.find((level) => level === process.env['SLIPWAY_LOG']) ?? 'info';

/** Lines below this level are dropped. `SLIPWAY_LOG` sets it at start. */
export const setLogLevel = (level: Level): void => {
  threshold = level;
};

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Leveled lines on stderr, each with the room that speaks. Never given bodies, environments or credentials; what looks like one is masked. */
export function createLog(room: string): Log {
  const at = (level: Level) => (message: string) => {
    if (levels.indexOf(level) < levels.indexOf(threshold)) return;
    process.stderr.write(`${new Date().toISOString()} ${level} ${room}: ${withoutSecrets(message)}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Masks credentials in URLs, authorization headers and token-like query values. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@')
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 ***')
    .replace(/\b(token|password|secret|signature|x-amz-[\w-]+)=[^\s&"]+/gi, '$1=***');
}
