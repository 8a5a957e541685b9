import type { ContainerCreate } from '../../main/contract/containers.js';
import { joinCommand, quoted, splitCommand } from './command-line.js';
import { referenceProblem } from './reference.js';

export type Restart = 'no' | 'on-failure' | 'unless-stopped' | 'always';

/** What the Run dialog holds, as typed. */
export interface RunForm {
  image: string;
  name: string;
  command: string;
  env: { key: string; value: string }[];
  interactive: boolean;
  tty: boolean;
  autoRemove: boolean;
  restart: Restart;
  memory: string;
  cpus: string;
  pids: string;
}

export const emptyRunForm: RunForm = {
  image: '',
  name: '',
  command: '',
  env: [],
  interactive: true,
  tty: true,
  autoRemove: false,
  restart: 'no',
  memory: '',
  cpus: '',
  pids: '',
};

/** `512m`, `1.5g`, `64MiB`: bytes, or undefined when it is no size. */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const power = 'bkmgt'.indexOf((match[2] ?? '').toLowerCase() || 'b');
  return Math.round(Number(match[1]) * 1024 ** power);
}

export const smallestMemory = 6 * 1024 * 1024;

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** What is wrong with a field: a key of the words below `run.problem`. */
export type RunProblem =
  | 'image-missing'
  | 'image-uppercase'
  | 'image-invalid'
  | 'name-invalid'
  | 'open-quote'
  | 'trailing-backslash'
  | 'env-key'
  | 'memory-invalid'
  | 'memory-small'
  | 'cpus-invalid'
  | 'pids-invalid'
  | 'restart-autoremove';

export type RunProblems = Partial<
  Record<'image' | 'name' | 'command' | 'env' | 'memory' | 'cpus' | 'pids' | 'restart', RunProblem>
>;

/** `cores`: how many processors the engine's machine has, when known. */
export function runProblems(form: RunForm, cores?: number): RunProblems {
  const problems: RunProblems = {};
  const image = referenceProblem(form.image);
  if (image) problems.image = `image-${image}`;
  if (form.name.trim() !== '' && !namePattern.test(form.name.trim())) problems.name = 'name-invalid';
  const command = splitCommand(form.command);
  if ('problem' in command) problems.command = command.problem;
  if (form.env.some(({ key, value }) => (key === '' && value !== '') || /[=\0]/.test(key))) problems.env = 'env-key';
  if (form.memory.trim() !== '') {
    const memory = parseMemory(form.memory);
    if (memory === undefined) problems.memory = 'memory-invalid';
    else if (memory < smallestMemory) problems.memory = 'memory-small';
  }
  if (form.cpus.trim() !== '') {
    const cpus = Number(form.cpus);
    if (!(cpus >= 0.01) || (cores !== undefined && cpus > cores)) problems.cpus = 'cpus-invalid';
  }
  if (form.pids.trim() !== '' && !/^[1-9]\d{0,9}$/.test(form.pids.trim())) problems.pids = 'pids-invalid';
  if (form.autoRemove && form.restart !== 'no') problems.restart = 'restart-autoremove';
  return problems;
}

const commandOf = (form: RunForm): string[] => {
  const split = splitCommand(form.command);
  return 'words' in split ? split.words : [];
};

const envOf = (form: RunForm): string[] =>
  form.env.filter(({ key }) => key !== '').map(({ key, value }) => `${key}=${value}`);

/** The body of `POST /containers/create`. */
export function createBody(form: RunForm): ContainerCreate {
  const command = commandOf(form);
  const memory = parseMemory(form.memory);
  return {
    Image: form.image.trim(),
    ...(command.length > 0 ? { Cmd: command } : {}),
    Env: envOf(form),
    Tty: form.tty,
    OpenStdin: form.interactive,
    // As docker does: who holds the input ends it, unless a terminal outlives its viewers.
    StdinOnce: form.interactive && !form.tty,
    AttachStdin: form.interactive,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      AutoRemove: form.autoRemove,
      RestartPolicy: { Name: form.restart, MaximumRetryCount: 0 },
      ...(memory ? { Memory: memory } : {}),
      ...(form.cpus.trim() !== '' ? { NanoCpus: Math.round(Number(form.cpus) * 1e9) } : {}),
      ...(form.pids.trim() !== '' ? { PidsLimit: Number(form.pids) } : {}),
    },
  };
}

/** The same act as a `docker run` line. Without a terminal it runs in the background, as the window's does. */
export function dockerLine(form: RunForm): string {
  const flags: string[] = [];
  const terminal = form.interactive && form.tty;
  if (!terminal) flags.push('-d');
  if (form.interactive && form.tty) flags.push('-it');
  else if (form.interactive) flags.push('-i');
  else if (form.tty) flags.push('-t');
  if (form.autoRemove) flags.push('--rm');
  if (form.name.trim() !== '') flags.push('--name', quoted(form.name.trim()));
  if (form.restart !== 'no') flags.push('--restart', form.restart);
  if (form.memory.trim() !== '') flags.push('--memory', quoted(form.memory.trim().toLowerCase()));
  if (form.cpus.trim() !== '') flags.push('--cpus', quoted(form.cpus.trim()));
  if (form.pids.trim() !== '') flags.push('--pids-limit', quoted(form.pids.trim()));
  for (const variable of envOf(form)) flags.push('-e', quoted(variable));
  const command = splitCommand(form.command);
  const words = 'words' in command ? joinCommand(command.words) : form.command.trim();
  return ['docker', 'run', ...flags, quoted(form.image.trim() || 'IMAGE'), words].filter(Boolean).join(' ');
}
