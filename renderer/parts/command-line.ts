/** A word of a line, as a POSIX shell reads it. Nothing is expanded. */
export interface Word {
  text: string;
  /** What a shell would have put something else for: `$PWD`, `$(id -u)`, `~`. */
  expands: string[];
}

export type LineProblem = 'open-quote' | 'trailing-backslash';

/** A line as a person types it, split as a POSIX shell would: quotes and backslashes, nothing expanded. */
export function splitCommand(line: string): { words: string[] } | { problem: LineProblem } {
  const read = scan(line, false);
  return 'problem' in read ? read : { words: read.words.map(({ text }) => text) };
}

/**
 * The first command of what was pasted: lines that a backslash continues or that begin with a flag belong together, `# …` is passed over,
 * and `$(…)` is one word. `rest`: what stands behind it, from `&&`, `;`, `|`, `>` or the next line on.
 */
export const splitPasted = (text: string): { words: Word[]; rest: string } | { problem: LineProblem } =>
  scan(text, true);

function scan(line: string, pasted: boolean): { words: Word[]; rest: string } | { problem: LineProblem } {
  const words: Word[] = [];
  let word: Word | undefined;
  let quote: '"' | "'" | undefined;
  const add = (text: string) => {
    word ??= { text: '', expands: [] };
    word.text += text;
  };
  const end = () => {
    if (word) words.push(word);
    word = undefined;
  };
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (quote === "'") {
      if (char === "'") quote = undefined;
      else add(char);
      continue;
    }
    if (char === '\\') {
      const continued = pasted ? /^\\[ \t]*\r?\n/.exec(line.slice(at)) : undefined;
      const next = line[at + 1];
      if (continued) at += continued[0].length - 1;
      else if (next === undefined) return { problem: 'trailing-backslash' };
      else {
        add(quote === '"' && !'$`"\\'.includes(next) ? `\\${next}` : next);
        at += 1;
      }
      continue;
    }
    const expansion = pasted ? expansionAt(line, at, quote === undefined && word === undefined) : undefined;
    if (expansion !== undefined) {
      add(expansion);
      word?.expands.push(expansion);
      at += expansion.length - 1;
    } else if (quote === '"') {
      if (char === '"') quote = undefined;
      else add(char);
    } else if (char === '"' || char === "'") {
      quote = char;
      add('');
    } else if (pasted && /[;&|<>]/.test(char)) {
      end();
      return { words, rest: line.slice(at).trim() };
    } else if (pasted && char === '#' && word === undefined) {
      const stop = line.indexOf('\n', at);
      at = (stop < 0 ? line.length : stop) - 1;
    } else if (/\s/.test(char)) {
      end();
      const rest = line.slice(at).trim();
      if (pasted && char === '\n' && words.length > 0 && rest !== '' && !/^[-#]/.test(rest)) return { words, rest };
    } else add(char);
  }
  if (quote) return { problem: 'open-quote' };
  end();
  return { words, rest: '' };
}

function expansionAt(line: string, at: number, first: boolean): string | undefined {
  const rest = line.slice(at);
  if (rest.startsWith('$(')) return balanced(rest);
  return (/^(?:\$\w+|\$\{[^}\n]*\}|`[^`]*`)/.exec(rest) ?? (first ? /^~(?=[/:\s]|$)/.exec(rest) : undefined))?.[0];
}

/** From `$(` to the parenthesis that closes it. */
function balanced(text: string): string | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')' && (depth -= 1) === 0) return text.slice(0, at + 1);
  }
  return undefined;
}

/** A word as a shell would read it back. */
export const quoted = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

export const joinCommand = (words: readonly string[]): string => words.map(quoted).join(' ');
