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
  const further = wordsIn(form.other);
  const other = further ? joinCommand(further) : form.other.trim();
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

const PROGRAM = /^(?:.*\/)?(?:docker|podman|nerdctl|slipway)$/;
/** Flags of the program itself, before the verb, that take a value. */
const BEFORE_VERB =
  /^(?:-[Hcln]|--(?:host|context|log-level|config|tlscacert|tlscert|tlskey|namespace|address|url|connection|identity|root))$/;

/** Where its flags begin; undefined: it is no such line. */
function startOf(words: Word[]): number | undefined {
  const texts = words.map(({ text }) => text);
  const program = texts.findIndex((text) => PROGRAM.test(text));
  if (program < 0 || !texts.slice(0, program).every((text) => /^(?:sudo|-\S*|\w+=.*)$/.test(text))) return undefined;
  let at = program + 1;
  while (texts[at]?.startsWith('-')) at += BEFORE_VERB.test(texts[at] ?? '') ? 2 : 1;
  if (texts[at] === 'container') at += 1;
  return /^(?:run|create)$/.test(texts[at] ?? '') ? at + 1 : undefined;
}

const PROMPT = /^\s*[$#%>]\s+(?=(?:\w+=\S*\s+)*(?:sudo\s+(?:-\S+\s+)*)?(?:docker|podman|nerdctl|slipway)\s)/;

/** Whether a text is such a line. */
export const looksLikeRun = (text: string): boolean =>
  /docker|podman|nerdctl|slipway/.test(text) && readDockerLine(text).form !== undefined;

/** Takes a line of `docker run`, `podman create`, … apart. The form begins with what these do when nothing is said. */
export function readDockerLine(text: string): ReadLine {
  const split = splitPasted(text.replace(PROMPT, '').trim());
  if ('problem' in split) return split;
  const { words, rest: behind } = split;
  const start = startOf(words);
  if (start === undefined) return { problem: 'not-run' };

  const form = structuredClone(plainForm);
  const notices: LineNotice[] = [];
  const further: string[] = [];
  const { flags, rest } = takeFlags(words.slice(start));
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
    } else if (flag.body) further.push(flag.bare && said === 'true' ? name : `${name} ${quoted(said)}`);
    else notices.push({ kind: 'value', text: whole });
  }
  const [image, ...command] = rest;
  form.image = image?.text ?? '';
  form.command = joinCommand(command.map((word) => word.text));
  form.other = further.join(' ');
  if (!image) notices.push({ kind: 'no-image', text: '' });
  for (const word of rest) for (const expands of word.expands) notices.push({ kind: 'expands', text: expands });
  if (behind !== '') notices.push({ kind: 'rest', text: behind });
  const same = (a: LineNotice, b: LineNotice) => a.kind === b.kind && a.text === b.text;
  return { form, notices: notices.filter((one, at) => notices.findIndex((other) => same(one, other)) === at) };
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
