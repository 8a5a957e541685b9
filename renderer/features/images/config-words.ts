import type { ImageConfig } from '../../../main/contract/images.js';
import { joinCommand } from '../../parts/command-line.js';
import { timeText } from '../../parts/sizes.js';

/** A sentence below `config`, and what it is filled with. In it, `<c>` is what a machine reads. */
export interface ConfigSentence {
  key:
    | 'runs'
    | 'runsNothing'
    | 'replaceArguments'
    | 'replaceCommand'
    | 'listens'
    | 'keeps'
    | 'health'
    | 'healthOff'
    | 'stops'
    | 'onBuild';
  values: Record<string, string | number>;
}

const lineOf = (words: readonly string[] | null | undefined): string => joinCommand([...(words ?? [])]);

/** Docker's own, where an image says nothing: nanoseconds. */
const USUAL = { Interval: 30e9, Timeout: 30e9, Retries: 3 };

/** What an image's config comes to, as sentences. */
export function configSentences(config: ImageConfig): ConfigSentence[] {
  const { Entrypoint, Cmd, User, WorkingDir, ExposedPorts, Volumes, Healthcheck, StopSignal, OnBuild } = config;
  const command = lineOf([...(Entrypoint ?? []), ...(Cmd ?? [])]);
  const where = { user: User || 'root', dir: WorkingDir || '/' };
  const sentences: ConfigSentence[] = [
    command === '' ? { key: 'runsNothing', values: where } : { key: 'runs', values: { command, ...where } },
  ];
  if (Entrypoint?.length && Cmd?.length)
    sentences.push({ key: 'replaceArguments', values: { command: lineOf(Cmd), entrypoint: lineOf(Entrypoint) } });
  else if (Cmd?.length) sentences.push({ key: 'replaceCommand', values: {} });
  const ports = Object.keys(ExposedPorts ?? {});
  if (ports.length > 0) sentences.push({ key: 'listens', values: { ports: ports.join(' ') } });
  const paths = Object.keys(Volumes ?? {});
  if (paths.length > 0) sentences.push({ key: 'keeps', values: { paths: paths.join(' ') } });
  const [kind, ...words] = Healthcheck?.Test ?? [];
  if (kind === 'NONE') sentences.push({ key: 'healthOff', values: {} });
  else if (kind !== undefined)
    sentences.push({
      key: 'health',
      values: {
        command: kind === 'CMD-SHELL' ? words.join(' ') : lineOf(words),
        interval: timeText(Healthcheck?.Interval || USUAL.Interval),
        timeout: timeText(Healthcheck?.Timeout || USUAL.Timeout),
        tries: Healthcheck?.Retries || USUAL.Retries,
      },
    });
  if (StopSignal && StopSignal !== 'SIGTERM') sentences.push({ key: 'stops', values: { signal: StopSignal } });
  if (OnBuild?.length) sentences.push({ key: 'onBuild', values: { number: OnBuild.length } });
  return sentences;
}
