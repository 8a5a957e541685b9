/** A `docker run` line from the form, and the form from such a line. */
import { joinCommand, quoted, splitCommand, splitPasted, type LineProblem, type Word } from '../command-line.js';
import { ENTRYPOINT, FLAG_OF, FLAGS, takesValue, type Flag } from './flags.js';
import { plainForm, type ContainerForm } from './value.js';

const wordsIn = (text: string): string[] | undefined => {
  const split = splitCommand(text);
  return 'words' in split ? split.words : undefined;
};

/** The act of the form as a line for a shell. */
export function dockerLine(form: ContainerForm): string {
  const flags = FLAGS.flatMap((flag) =>
    (flag.write?.(form) ?? []).map((value) =>
      flag.bare ? (flag.names[0] ?? '') : `${flag.names[0] ?? ''} ${quoted(value)}`,
    ),
  );
  const interactive = flags.indexOf('-i');
  if (interactive >= 0 && flags[interactive + 1] === '-t') flags.splice(interactive, 2, '-it');
  const entrypoint = wordsIn(form.entrypoint) ?? [form.entrypoint.trim()];
  if (entrypoint[0] !== undefined) flags.push(`--entrypoint ${quoted(entrypoint[0])}`);
  const command = wordsIn(form.command);
  const after = joinCommand(entrypoint.slice(1));
  const words = command ? joinCommand(command) : form.command.trim();
  const other = form.other.trim().replace(/\s+/g, ' ');
  return ['docker run', ...flags, other, quoted(form.image.trim() || 'IMAGE'), after, words].filter(Boolean).join(' ');
}

export interface TakenFlag {
  /** As it was written. */
  name: string;
  flag: Flag | undefined;
  /** Undefined: there is none. */
  value: Word | undefined;
}

/** Flags up to the first word that is none. */
export function takeFlags(words: Word[]): { flags: TakenFlag[]; rest: Word[] } {
  const flags: TakenFlag[] = [];
  let at = 0;
  while (at < words.length) {
    const word = words[at] as Word;
    if (word.text === '--') return { flags, rest: words.slice(at + 1) };
    if (!/^-./.test(word.text)) break;
    at += 1;
    const next = (): Word | undefined => words[at++];
    if (word.text.startsWith('--')) {
      const { name, value } = longFlag(word);
      const flag = FLAG_OF.get(name);
      const bare = flag ? flag.bare === true : !takesValue(name);
      flags.push({ name, flag, value: value ?? (bare ? { text: 'true', expands: [] } : next()) });
      continue;
    }
    for (let letter = 1; letter < word.text.length; letter += 1) {
      const name = `-${word.text[letter] ?? ''}`;
      const flag = FLAG_OF.get(name);
      const rest = word.text.slice(letter + 1);
      if (!flag || flag.bare) {
        const said = rest.startsWith('=') ? rest.slice(1) : undefined;
        flags.push({ name, flag, value: { text: said ?? 'true', expands: [] } });
        if (said !== undefined) break;
        continue;
      }
      flags.push({ name, flag, value: rest === '' ? next() : { ...word, text: rest.replace(/^=/, '') } });
      break;
    }
  }
  return { flags, rest: words.slice(at) };
}

function longFlag(word: Word): { name: string; value: Word | undefined } {
  const at = word.text.indexOf('=');
  if (at < 0) return { name: word.text, value: undefined };
  return { name: word.text.slice(0, at), value: { ...word, text: word.text.slice(at + 1) } };
}

/** What a line said that the form does not do, for a person to know. */
export interface LineNotice {
  kind:
    | 'unknown' // a flag that nobody here knows
    | 'value' // a flag whose value does not fit, or is missing
    | 'terminal' // a flag that means something in a terminal only
    | 'file' // a file that only the shell's machine has
    | 'expands' // what a shell would have put something else for
    | 'own-env' // a variable whose value is the shell's
    | 'rest' // what stands behind the command
    | 'no-image';
  text: string;
}

export type ReadLine =
  { form: ContainerForm; notices: LineNotice[] } | { problem: LineProblem | 'not-run'; form?: undefined };

const PROGRAMS = /^(?:.*\/)?(?:docker|podman|nerdctl|slipway)$/;

/** Whether a text is such a line. */
export const looksLikeRun = (text: string): boolean =>
  /^\s*(?:[$#%>]\s+)?(?:\w+=\S*\s+)*(?:sudo\s+(?:-\S+\s+)*)?(?:docker|podman|nerdctl|slipway)\s(?:.*?\s)?(?:run|create)\s/.test(
    text.replace(/\\[ \t]*\r?\n/g, ' '),
  );

/** Takes a line of `docker run`, `podman create`, … apart. The form begins with what these do when nothing is said. */
export function readDockerLine(text: string): ReadLine {
  const split = splitPasted(text.replace(/^\s*[$#%>]\s+/, '').trim());
  if ('problem' in split) return split;
  const { words, rest: behind } = split;
  const start = words.findIndex(({ text: word }) => PROGRAMS.test(word));
  const verb = words.findIndex(({ text: word }, at) => at > start && /^(?:run|create)$/.test(word));
  const before = words.slice(0, Math.max(start, 0)).map(({ text: word }) => word);
  if (start < 0 || verb < 0 || !before.every((word) => /^(?:sudo|-\S*|\w+=.*)$/.test(word)))
    return { problem: 'not-run' };

  const form = structuredClone(plainForm);
  const notices: LineNotice[] = [];
  const other: string[] = [];
  const { flags, rest } = takeFlags(words.slice(verb + 1));
  for (const { name, flag, value } of flags) {
    const said = value?.text;
    const whole = flag?.bare && said === 'true' ? name : `${name} ${said ?? ''}`.trim();
    if (said !== undefined)
      for (const expands of value?.expands ?? []) notices.push({ kind: 'expands', text: expands });
    if (!flag) notices.push({ kind: 'unknown', text: said === 'true' ? name : whole });
    else if (said === undefined) notices.push({ kind: 'value', text: name });
    else if (flag.elsewhere) notices.push({ kind: flag.elsewhere, text: whole });
    else if (flag === ENTRYPOINT) form.entrypoint = said === '' ? `''` : quoted(said);
    else if (flag.read && flag.read(form, said) !== false) {
      if (/^(?:-e|--env)$/.test(name) && !said.includes('=')) notices.push({ kind: 'own-env', text: said });
    } else if (flag.body) other.push(flag.bare && said === 'true' ? name : `${name} ${quoted(said)}`);
    else notices.push({ kind: 'value', text: whole });
  }
  const [image, ...command] = rest;
  form.image = image?.text ?? '';
  form.command = joinCommand(command.map((word) => word.text));
  form.other = other.join(' ');
  if (!image) notices.push({ kind: 'no-image', text: '' });
  for (const word of rest) for (const expands of word.expands) notices.push({ kind: 'expands', text: expands });
  if (behind !== '') notices.push({ kind: 'rest', text: behind });
  return { form, notices };
}

/** What the flags without a field come to. Undefined words: they cannot be split. */
export function otherFlags(form: ContainerForm): { flags: TakenFlag[]; rest: string[] } | undefined {
  const words = wordsIn(form.other);
  if (!words) return undefined;
  const { flags, rest } = takeFlags(words.map((text) => ({ text, expands: [] })));
  return { flags, rest: rest.map(({ text }) => text) };
}

/** `--platform`, which is asked for beside the body. */
export const platformOf = (form: ContainerForm): string | undefined =>
  otherFlags(form)?.flags.find(({ name }) => name === '--platform')?.value?.text;
