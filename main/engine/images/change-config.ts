import { invalid } from '../../base/errors.js';
import type { ContainerConfig } from '../../contract/containers.js';
import { expand, words } from './shell-words.js';

export type Config = Partial<ContainerConfig> & Record<string, unknown>;

const SHELL = ['/bin/sh', '-c'];
const SECOND = 1e9;
const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: SECOND, m: 60 * SECOND, h: 3600 * SECOND };

interface Line {
  config: Config;
  name: string;
  rest: string;
  /** The words of the rest, without their quotes, variables in their places. */
  words: () => string[];
  said: Set<string>;
}

/** What each instruction of `--change` does. */
const INSTRUCTIONS: Record<string, (line: Line) => void> = {
  cmd: ({ config, rest }) => {
    config.Cmd = command(rest, config);
  },
  entrypoint: ({ config, rest, said }) => {
    config.Entrypoint = command(rest, config);
    if (!said.has('cmd')) config.Cmd = null;
  },
  env: (line) => {
    const env = [...(line.config.Env ?? [])];
    for (const [key, value] of pairs(line)) {
      const at = env.findIndex((entry) => entry.startsWith(`${key}=`) || entry === key);
      if (at >= 0) env[at] = `${key}=${value}`;
      else env.push(`${key}=${value}`);
    }
    line.config.Env = env;
  },
  expose: (line) => {
    const ports = Object.fromEntries(
      atLeastOne(line)
        .flatMap(portsOf)
        .map((port) => [port, {}]),
    );
    line.config.ExposedPorts = { ...line.config.ExposedPorts, ...ports };
  },
  healthcheck: ({ config, rest }) => {
    config['Healthcheck'] = healthcheck(rest, config);
  },
  label: (line) => {
    line.config.Labels = { ...line.config.Labels, ...Object.fromEntries(pairs(line)) };
  },
  onbuild: ({ config, name, rest }) => {
    const trigger = /^\s*([a-zA-Z]*)/.exec(rest)?.[1]?.toUpperCase();
    if (!trigger) throw missing(name, 'at least one argument');
    if (trigger === 'ONBUILD') throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (trigger === 'FROM' || trigger === 'MAINTAINER') throw invalid(`${trigger} isn't allowed as an ONBUILD trigger`);
    config['OnBuild'] = [...((config['OnBuild'] as string[] | null | undefined) ?? []), rest];
  },
  shell: ({ config, rest }) => {
    const shell = jsonWords(rest);
    if (!shell || shell.length === 0) throw invalid('SHELL requires the arguments to be in JSON form');
    config['Shell'] = shell;
  },
  stopsignal: (line) => {
    line.config.StopSignal = exactlyOne(line);
  },
  user: (line) => {
    line.config.User = exactlyOne(line);
  },
  volume: (line) => {
    const places = jsonWords(line.rest) ?? atLeastOne(line);
    if (places.length === 0) throw missing(line.name, 'at least one argument');
    if (places.some((place) => place.trim() === '')) throw invalid('VOLUME specified can not be an empty string');
    line.config.Volumes = { ...line.config.Volumes, ...Object.fromEntries(places.map((place) => [place, {}])) };
  },
  workdir: (line) => {
    const path = exactlyOne(line);
    const parts = (path.startsWith('/') ? path : `${line.config.WorkingDir || '/'}/${path}`).split('/');
    const clean: string[] = [];
    for (const part of parts)
      if (part === '..') clean.pop();
      else if (part !== '' && part !== '.') clean.push(part);
    line.config.WorkingDir = `/${clean.join('/')}`;
  },
};

/** A configuration after the instructions of `docker commit --change`, in their order. */
export function changeConfig(before: Config, changes: string[]): Config {
  const config: Config = { ...before };
  const said = new Set<string>();
  const lines = changes
    .join('\n')
    .replace(/\\[ \t]*\n/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of lines) {
    const [, name = '', rest = ''] = /^(\S+)\s*([^]*)$/.exec(line) ?? [];
    const apply = INSTRUCTIONS[name.toLowerCase()];
    if (!apply) throw invalid(`${name.toLowerCase()} is not a valid change command`);
    const variables = new Map((config.Env ?? []).map((entry) => split(entry)));
    apply({ config, name: name.toUpperCase(), rest, said, words: () => words(rest, variables) });
    said.add(name.toLowerCase());
  }
  return config;
}

const missing = (name: string, what: string) => invalid(`${name} requires ${what}`);

function atLeastOne({ name, words: all }: Line): string[] {
  const given = all();
  if (given.length === 0) throw missing(name, 'at least one argument');
  return given;
}

function exactlyOne({ name, rest, config }: Line): string {
  if (rest === '') throw missing(name, 'exactly one argument');
  return expand(rest, new Map((config.Env ?? []).map((entry) => split(entry))));
}

/** `A=b C=d`, or the old `A b`. */
function pairs(line: Line): [string, string][] {
  const given = atLeastOne(line);
  const [first = ''] = given;
  if (!first.includes('=')) {
    const value = line.rest.slice((/^\S+\s*/.exec(line.rest)?.[0] ?? '').length);
    if (value === '') throw invalid(`${line.name} must have two arguments`);
    return [[first, expand(value, new Map((line.config.Env ?? []).map((entry) => split(entry))))]];
  }
  return given.map((word) => {
    if (!word.includes('=')) throw invalid(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    const [key, value] = split(word);
    if (key === '') throw invalid(`${line.name} names can not be blank`);
    return [key, value];
  });
}

const split = (entry: string): [string, string] => {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
};

function jsonWords(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined; // not JSON: a line for the shell
  }
}

function command(rest: string, config: Config): string[] {
  const shell = (config['Shell'] as string[] | undefined) ?? SHELL;
  return jsonWords(rest) ?? (rest === '' ? [...shell] : [...shell, rest]);
}

function portsOf(spec: string): string[] {
  const [, from, to = from, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(spec) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === undefined || first < 1 || last > 65535 || first > last) throw invalid(`Invalid containerPort: ${spec}`);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol.toLowerCase()}`);
}

function healthcheck(rest: string, config: Config): object {
  const options: Record<string, number> = {};
  let left = rest;
  for (let flag; (flag = /^--([a-z-]+)=(\S+)\s*/.exec(left)); left = left.slice(flag[0].length)) {
    const [, name = '', value = ''] = flag;
    const field = { interval: 'Interval', timeout: 'Timeout', 'start-period': 'StartPeriod' }[name];
    if (field) options[field] = duration(name, value);
    else if (name === 'retries' && /^\d+$/.test(value)) options['Retries'] = Number(value);
    else throw invalid(`Unknown flag: ${name}`);
  }
  const [, kind = '', test = ''] = /^(\S*)\s*([^]*)$/.exec(left) ?? [];
  if (kind === '') throw missing('HEALTHCHECK', 'at least one argument');
  if (kind.toUpperCase() === 'NONE') {
    if (test !== '') throw invalid('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  if (kind.toUpperCase() !== 'CMD') throw invalid(`Unknown type "${kind.toUpperCase()}" in HEALTHCHECK (try CMD)`);
  if (test === '') throw invalid('Missing command after HEALTHCHECK CMD');
  const argv = jsonWords(test);
  const shell = config['Shell'] as string[] | undefined;
  return { Test: argv ? ['CMD', ...argv] : shell ? ['CMD', ...shell, test] : ['CMD-SHELL', test], ...options };
}

/** `1m30s` in nanoseconds. */
function duration(name: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw invalid(`HEALTHCHECK --${name}: invalid duration "${text}"`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit as string] as number), 0);
}
