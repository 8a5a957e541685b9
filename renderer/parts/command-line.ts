/** A line as a person types it, split as a POSIX shell would: quotes and backslashes, nothing expanded. */
export function splitCommand(line: string): { words: string[] } | { problem: 'open-quote' | 'trailing-backslash' } {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (quote === "'") {
      if (char === "'") quote = undefined;
      else word += char;
    } else if (char === '\\') {
      const next = line[at + 1];
      if (next === undefined) return { problem: 'trailing-backslash' };
      word = (word ?? '') + (quote === '"' && !'$`"\\'.includes(next) ? `\\${next}` : next);
      at += 1;
    } else if (quote === '"') {
      if (char === '"') quote = undefined;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote) return { problem: 'open-quote' };
  if (word !== undefined) words.push(word);
  return { words };
}

/** A word as a shell would read it back. */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export const joinCommand = (words: readonly string[]): string => words.map(quoted).join(' ');
