/** A Dockerfile's words: quotes and backslashes as in a shell, and variables of the configuration's environment. */

type Variables = ReadonlyMap<string, string>;

/** Splits at white space outside of quotes; quotes and escapes are taken away, variables put in. */
export function words(text: string, variables: Variables): string[] {
  return pieces(text).map((piece) => expand(piece, variables));
}

/** The same for a text that stays one. */
export function expand(text: string, variables: Variables): string {
  let out = '';
  for (let at = 0; at < text.length;) {
    const letter = text[at] as string;
    if (letter === "'") {
      const end = text.indexOf("'", at + 1);
      out += text.slice(at + 1, end < 0 ? text.length : end);
      at = end < 0 ? text.length : end + 1;
    } else if (letter === '"') {
      at++;
    } else if (letter === '\\' && at + 1 < text.length) {
      out += text[at + 1];
      at += 2;
    } else if (letter === '$') {
      const [value, length] = variable(text.slice(at), variables);
      out += value;
      at += length;
    } else {
      out += letter;
      at++;
    }
  }
  return out;
}

/** `$NAME`, `${NAME}`, `${NAME:-otherwise}`, `${NAME:+instead}`; the value and how many letters it stood in. */
function variable(text: string, variables: Variables): [value: string, length: number] {
  const bare = /^\$([a-zA-Z_]\w*)/.exec(text);
  if (bare) return [variables.get(bare[1] as string) ?? '', bare[0].length];
  const braced = /^\$\{([a-zA-Z_]\w*)(?::([-+])([^}]*))?\}/.exec(text);
  if (!braced) return ['$', 1];
  const [whole, name = '', operator, word = ''] = braced;
  const value = variables.get(name) ?? '';
  if (operator === '-') return [value || expand(word, variables), whole.length];
  if (operator === '+') return [value ? expand(word, variables) : '', whole.length];
  return [value, whole.length];
}

function pieces(text: string): string[] {
  const found: string[] = [];
  let piece = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === '\\' && quote !== "'") piece += letter + (text[++at] ?? '');
    else if (!quote && /\s/.test(letter)) {
      if (piece !== '') found.push(piece);
      piece = '';
    } else {
      if (letter === quote) quote = '';
      else if (!quote && (letter === '"' || letter === "'")) quote = letter;
      piece += letter;
    }
  }
  return piece === '' ? found : [...found, piece];
}
