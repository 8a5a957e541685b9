/** What is wrong with the form, or worth a word, as far as it and the facts tell. */
import type { CheckAnswer, CheckRequest, PortAnswer } from '../../../main/contract/check.js';
import { splitCommand } from '../command-line.js';
import { referenceProblem } from '../reference.js';
import { parseMemory, parseTime, smallestMemory } from '../sizes.js';
import { portsIn } from './body.js';
import { otherFlags } from './line.js';
import { isPath, wordsOf, type ContainerForm, type Pair } from './value.js';

/** What is known of the engine and its machine. Undefined: not known (yet), and no reason to object. */
export interface FormFacts {
  /** Processors. */
  cores?: number;
  canPublish?: boolean;
  networks?: string[];
  volumes?: string[];
  /** Names of containers, and whose they are. */
  names?: ReadonlyMap<string, string>;
  check?: CheckAnswer;
  imageHere?: boolean;
}

/** `error`: it cannot be; `warning`: it can, and should be known; `note`: what will happen. */
export type Level = 'error' | 'warning' | 'note';

export interface FormProblem {
  /** `name`, `env.0.key`, `mounts.1.source`. */
  field: string;
  level: Level;
  word: ProblemWord;
  params?: Record<string, string | number>;
}

/** The words below `form.problem`. */
export type ProblemWord =
  | 'image-missing'
  | 'image-uppercase'
  | 'image-invalid'
  | 'image-never'
  | 'name-invalid'
  | 'name-taken'
  | 'open-quote'
  | 'trailing-backslash'
  | 'not-expanded'
  | 'path-absolute'
  | 'path-relative'
  | 'path-root'
  | 'path-missing'
  | 'path-made'
  | 'path-file'
  | 'path-hidden'
  | 'source-missing'
  | 'target-missing'
  | 'target-twice'
  | 'part-of-what'
  | 'part-inside'
  | 'from-invalid'
  | 'from-unknown'
  | 'volume-name'
  | 'volume-new'
  | 'mount-broad'
  | 'mount-socket'
  | 'env-key'
  | 'env-twice'
  | 'key-missing'
  | 'restart-autoremove'
  | 'count-invalid'
  | 'ports-unavailable'
  | 'ports-host'
  | 'port-invalid'
  | 'port-missing'
  | 'port-range'
  | 'port-twice'
  | 'port-taken'
  | 'port-taken-by'
  | 'port-taken-container'
  | 'address-invalid'
  | 'network-unknown'
  | 'network-shared'
  | 'host-address'
  | 'memory-invalid'
  | 'memory-small'
  | 'swap-alone'
  | 'swap-small'
  | 'cpus-invalid'
  | 'cpuset-invalid'
  | 'pids-invalid'
  | 'capability-unknown'
  | 'privileged'
  | 'permissions-invalid'
  | 'ulimit-unknown'
  | 'ulimit-invalid'
  | 'signal-invalid'
  | 'seconds-invalid'
  | 'time-invalid'
  | 'health-missing'
  | 'log-none'
  | 'log-option'
  | 'sysctl-invalid'
  | 'other-word'
  | 'other-unknown'
  | 'other-field'
  | 'other-value'
  | 'other-terminal'
  | 'other-file';

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/;
const isAddress = (text: string) =>
  ADDRESS.test(text) && (text.includes(':') || text.split('.').every((n) => +n < 256));
const SHELL = /^~(?:\/|$)|\$\(|\$\{?\w|`/;
const BROAD = /^\/(?:etc|home|root|usr|var|boot|lib|dev|proc|sys|run)?\/?$/;
const SOCKET = /\/(?:docker|containerd|podman|crio)\.sock$/;

export const CAPABILITIES = (
  'AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK ' +
  'IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID ' +
  'SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM'
).split(' ');
export const ULIMITS =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');

/** Of `json-file`. */
const LOG_OPTIONS = 'max-size max-file labels labels-regex env env-regex tag compress mode max-buffer-size'.split(' ');

type Say = (field: string, word: ProblemWord, level?: Level, params?: FormProblem['params']) => void;

export function formProblems(form: ContainerForm, facts: FormFacts = {}): FormProblem[] {
  const problems: FormProblem[] = [];
  const say: Say = (field, word, level = 'error', params) =>
    problems.push({ field, level, word, ...(params && { params }) });
  basics(form, facts, say);
  ports(form, facts, say);
  mounts(form, facts, say);
  lists(form, say);
  process(form, say);
  network(form, facts, say);
  limits(form, facts, say);
  security(form, facts, say);
  health(form, say);
  other(form, say);
  return problems;
}

function basics({ image, name, pull, autoRemove, restart, retries }: ContainerForm, facts: FormFacts, say: Say) {
  const wrong = referenceProblem(image);
  if (wrong) say('image', `image-${wrong}`);
  else if (pull === 'never' && facts.imageHere === false) say('image', 'image-never');
  const wanted = name.trim();
  if (wanted !== '') {
    const holder = facts.check?.Name?.Name === wanted ? facts.check.Name.Container?.Id : facts.names?.get(wanted);
    if (!NAME.test(wanted)) say('name', 'name-invalid');
    else if (holder !== undefined) say('name', 'name-taken', 'error', { name: wanted, id: holder.slice(0, 12) });
  }
  if (autoRemove && restart !== 'no') say('restart', 'restart-autoremove');
  if (restart === 'on-failure' && !/^\d*$/.test(retries.trim())) say('retries', 'count-invalid');
}

/** What the engine found out about a port of this form; the answer may be an older one's. */
export const portAnswer = (facts: FormFacts, ip: string, port: number, protocol: string): PortAnswer | undefined =>
  facts.check?.Ports?.find((one) => one.Ip === ip && one.Port === port && one.Protocol === protocol);

/** Where a row's ports would be taken on the machine: as published, or as the container itself listens on the host's network. */
export const askedPorts = (form: ContainerForm): { row: number; ip: string; port: number; protocol: 'tcp' | 'udp' }[] =>
  form.ports.flatMap(({ ip, host, container, protocol }, row) => {
    if (protocol === 'sctp' || (ip.trim() !== '' && !isAddress(ip.trim()))) return [];
    const asked = portsIn(form.network === 'host' ? container : host) ?? [];
    // A port of a range where one is wanted is the engine's to choose.
    if (form.network !== 'host' && asked.length > 1 && portsIn(container)?.length === 1) return [];
    return asked.slice(0, 16).map((port) => ({ row, ip: form.network === 'host' ? '' : ip.trim(), port, protocol }));
  });

/** As many of a kind as the engine takes at once. */
const MOST_QUESTIONS = 64;

/** What to ask the engine about a form; undefined: nothing. */
export function questionOf(form: ContainerForm): CheckRequest | undefined {
  const name = form.name.trim();
  const ports = askedPorts(form).map(({ ip, port, protocol }) => ({ Ip: ip, Port: port, Protocol: protocol }));
  const paths = [
    ...form.mounts.map(({ source }) => source.trim()).filter((source) => isPath(source) && source.startsWith('/')),
    ...form.devices.map(({ host }) => host.trim()).filter((path) => path.startsWith('/')),
  ];
  const question: CheckRequest = {
    ...(name !== '' && { Name: name }),
    ...(referenceProblem(form.image) === undefined && { Image: form.image.trim() }),
    ...(ports.length > 0 && { Ports: ports.slice(0, MOST_QUESTIONS) }),
    ...(paths.length > 0 && { Paths: [...new Set(paths)].slice(0, MOST_QUESTIONS) }),
  };
  return Object.keys(question).length > 0 ? question : undefined;
}

function ports(form: ContainerForm, facts: FormFacts, say: Say) {
  const rows = form.ports.filter((row) => row.host.trim() !== '' || row.container.trim() !== '');
  if (rows.length > 0) {
    if (form.network === 'host') say('ports', 'ports-host', 'note');
    else if (facts.canPublish === false && !form.network.startsWith('container:')) say('ports', 'ports-unavailable');
  }
  const seen = new Set<string>();
  form.ports.forEach(({ ip, host, container, protocol }, at) => {
    const inner = portsIn(container);
    const outer = portsIn(host);
    if (container.trim() === '') {
      if (host.trim() !== '' || ip.trim() !== '') say(`ports.${at}.container`, 'port-missing');
    } else if (!inner) say(`ports.${at}.container`, 'port-invalid');
    if (host.trim() !== '' && !outer) say(`ports.${at}.host`, 'port-invalid');
    else if (inner && outer && inner.length > 1 && inner.length !== outer.length) say(`ports.${at}.host`, 'port-range');
    if (ip.trim() !== '' && !isAddress(ip.trim())) say(`ports.${at}.ip`, 'address-invalid');
    const key = `${ip.trim()} ${host.trim()} ${protocol}`;
    if (host.trim() !== '' && seen.has(key)) say(`ports.${at}.host`, 'port-twice');
    seen.add(key);
  });
  for (const { row, ip, port, protocol } of askedPorts(form)) {
    const answer = portAnswer(facts, ip, port, protocol);
    if (!answer?.Taken) continue;
    const field = `ports.${row}.${form.network === 'host' ? 'container' : 'host'}`;
    const level = form.network === 'host' ? 'warning' : 'error';
    const { Container, Process } = answer.Taken;
    if (Container) say(field, 'port-taken-container', level, { port, name: Container.Name });
    else if (Process) say(field, 'port-taken-by', level, { port, name: Process.Name, pid: Process.Pid });
    else say(field, 'port-taken', level, { port });
  }
}

function mounts(form: ContainerForm, facts: FormFacts, say: Say) {
  const targets = new Set<string>();
  const target = (field: string, path: string) => {
    const clean = path.trim().replace(/(?<=.)\/+$/, '');
    if (clean === '') say(field, 'target-missing');
    else if (SHELL.test(clean)) say(field, 'not-expanded');
    else if (!clean.startsWith('/')) say(field, 'path-absolute');
    else if (clean === '/') say(field, 'path-root');
    else if (targets.has(clean)) say(field, 'target-twice');
    targets.add(clean);
  };
  const part = (field: string, path: string, whole: boolean) => {
    if (path === '') return;
    if (!whole) say(field, 'part-of-what');
    else if (path.startsWith('/') || path.split('/').includes('..')) say(field, 'part-inside');
  };
  form.mounts.forEach(({ source, target: place, readOnly, strict, image, subpath = '' }, at) => {
    const from = source.trim();
    part(`mounts.${at}.subpath`, subpath.trim(), image === true || (from !== '' && !isPath(from)));
    if (from !== '' || place.trim() !== '') target(`mounts.${at}.target`, place);
    const field = `mounts.${at}.source`;
    if (from === '') {
      if (image) say(field, 'image-missing');
      else if (strict) say(field, 'source-missing');
      return;
    }
    if (image) return;
    if (SHELL.test(from)) return say(field, 'not-expanded', 'error', { text: from });
    if (from.startsWith('.')) return say(field, 'path-relative');
    if (!isPath(from)) {
      if (!NAME.test(from)) say(field, 'volume-name');
      else if (facts.volumes && !facts.volumes.includes(from)) say(field, 'volume-new', 'note', { name: from });
      return;
    }
    const answer = facts.check?.Paths?.find(({ Path }) => Path === from);
    if (SOCKET.test(from)) say(field, 'mount-socket', 'warning');
    else if (BROAD.test(from) && !readOnly) say(field, 'mount-broad', 'warning', { path: from });
    if (answer?.Kind === 'missing') say(field, strict ? 'path-missing' : 'path-made', strict ? 'error' : 'note');
    if (answer?.Kind === 'unreadable') say(field, 'path-hidden', 'warning');
    if (answer?.Kind === 'file') say(field, 'path-file', 'note');
  });
  form.tmpfs.forEach(({ key, value }, at) => {
    if (key.trim() !== '' || value.trim() !== '') target(`tmpfs.${at}.key`, key);
  });
  for (const word of wordsOf(form.volumesFrom)) {
    const [name = '', mode = ''] = word.split(/:(.*)/s);
    const known = !facts.names || facts.names.has(name) || /^[0-9a-f]{4,64}$/.test(name);
    if (name === '' || !/^(?:(?:ro|rw|z|Z)(?:,|$))*$/.test(mode)) say('volumesFrom', 'from-invalid', 'error', { word });
    else if (!known) say('volumesFrom', 'from-unknown', 'error', { name });
  }
}

function lists(form: ContainerForm, say: Say) {
  const seen = new Set<string>();
  form.env.forEach(({ key, value }, at) => {
    const name = key.trim();
    if ((name === '' && value !== '') || /[=\0]/.test(name)) say(`env.${at}.key`, 'env-key');
    else if (name !== '' && seen.has(name)) say(`env.${at}.key`, 'env-twice', 'warning', { name });
    seen.add(name);
    if (/^(?:\$\(.*\)|\$\{?\w+\}?|`.*`)$/.test(value.trim())) say(`env.${at}.value`, 'not-expanded', 'note');
  });
  const keyed = (field: 'labels' | 'sysctls' | 'logOptions' | 'extraHosts', pairs: Pair[]) =>
    pairs.forEach(({ key, value }, at) => {
      if (key.trim() === '' && value.trim() !== '') say(`${field}.${at}.key`, 'key-missing');
    });
  for (const field of ['labels', 'sysctls', 'logOptions', 'extraHosts'] as const) keyed(field, form[field]);
  form.sysctls.forEach(({ key }, at) => {
    if (key.trim() !== '' && !/^[\w-]+(?:[./][\w-]+)+$/.test(key.trim())) say(`sysctls.${at}.key`, 'sysctl-invalid');
  });
  form.logOptions.forEach(({ key }, at) => {
    const name = key.trim();
    if (name !== '' && /^(?:json-file)?$/.test(form.logDriver) && !LOG_OPTIONS.includes(name))
      say(`logOptions.${at}.key`, 'log-option', 'error', { name });
  });
  if (form.logDriver === 'none' && form.logOptions.some(({ key }) => key.trim() !== ''))
    say('logDriver', 'log-none', 'warning');
}

function process(form: ContainerForm, say: Say) {
  for (const field of ['command', 'entrypoint'] as const) {
    const split = splitCommand(form[field]);
    if ('problem' in split) say(field, split.problem);
  }
  const workdir = form.workdir.trim();
  if (SHELL.test(workdir)) say('workdir', 'not-expanded');
  else if (workdir !== '' && !workdir.startsWith('/')) say('workdir', 'path-absolute');
  if (SHELL.test(form.user.trim())) say('user', 'not-expanded');
  const signal = form.stopSignal.trim();
  if (signal !== '' && !/^(?:(?:SIG)?[A-Z]+[A-Z0-9]*(?:[+-]\d+)?|\d{1,2})$/i.test(signal))
    say('stopSignal', 'signal-invalid');
  if (!/^(?:-?\d+)?$/.test(form.stopTimeout.trim())) say('stopTimeout', 'seconds-invalid');
}

function network(form: ContainerForm, facts: FormFacts, say: Say) {
  const known = ['', 'default', 'bridge', 'host', 'none', ...(facts.networks ?? [])];
  if (facts.networks && !known.includes(form.network) && !form.network.startsWith('container:'))
    say('network', 'network-unknown', 'error', { name: form.network });
  if (form.network.startsWith('container:')) {
    if (form.hostname.trim() !== '') say('hostname', 'network-shared');
    if (wordsOf(form.dns).length > 0) say('dns', 'network-shared');
    for (const field of ['extraHosts', 'ports'] as const) if (form[field].length > 0) say(field, 'network-shared');
  }
  if (!wordsOf(form.dns).every(isAddress)) say('dns', 'address-invalid');
  form.extraHosts.forEach(({ key, value }, at) => {
    const address = value.trim().replace(/^\[(.*)\]$/, '$1');
    if (key.trim() !== '' && address !== 'host-gateway' && !isAddress(address))
      say(`extraHosts.${at}.value`, 'host-address');
  });
}

function limits(form: ContainerForm, { cores }: FormFacts, say: Say) {
  const size = (field: 'memory' | 'shm', least: number) => {
    if (form[field].trim() === '') return undefined;
    const bytes = parseMemory(form[field]);
    if (bytes === undefined) say(field, 'memory-invalid');
    else if (bytes < least) say(field, 'memory-small');
    return bytes;
  };
  const memory = size('memory', smallestMemory);
  size('shm', 0);
  const swap = form.memorySwap.trim();
  if (swap !== '' && swap !== '-1') {
    const bytes = parseMemory(swap);
    if (bytes === undefined) say('memorySwap', 'memory-invalid');
    else if (form.memory.trim() === '') say('memorySwap', 'swap-alone');
    else if (memory !== undefined && bytes < memory) say('memorySwap', 'swap-small');
  }
  if (form.cpus.trim() !== '') {
    const cpus = Number(form.cpus);
    if (!(cpus >= 0.01) || (cores !== undefined && cpus > cores)) say('cpus', 'cpus-invalid');
  }
  const cpuset = form.cpuset.trim();
  const beyond = cores !== undefined && cpuset.split(/[,-]/).some((cpu) => Number(cpu) >= cores);
  if (cpuset !== '' && (!/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(cpuset) || beyond))
    say('cpuset', 'cpuset-invalid', 'error', { last: (cores ?? 1) - 1 });
  if (!/^(?:-1|[1-9]\d{0,9})?$/.test(form.pids.trim())) say('pids', 'pids-invalid');
  form.ulimits.forEach(({ key, value }, at) => {
    if (key.trim() === '' && value.trim() === '') return;
    if (!ULIMITS.includes(key.trim())) say(`ulimits.${at}.key`, 'ulimit-unknown');
    const [, soft, hard = soft] = /^(-?\d+)(?::(-?\d+))?$/.exec(value.trim()) ?? [];
    if (soft === undefined || (hard !== '-1' && (soft === '-1' || Number(soft) > Number(hard))))
      say(`ulimits.${at}.value`, 'ulimit-invalid');
  });
}

function security(form: ContainerForm, facts: FormFacts, say: Say) {
  for (const field of ['capAdd', 'capDrop'] as const) {
    const unknown = wordsOf(form[field]).find((word) => {
      const name = word.toUpperCase().replace(/^CAP_/, '');
      return name !== 'ALL' && !CAPABILITIES.includes(name);
    });
    if (unknown !== undefined) say(field, 'capability-unknown', 'error', { name: unknown });
  }
  if (form.privileged) say('privileged', 'privileged', 'warning');
  form.devices.forEach(({ host, container, permissions }, at) => {
    const path = host.trim();
    if (path === '' && container.trim() === '') return;
    if (!path.startsWith('/')) say(`devices.${at}.host`, 'path-absolute');
    else if (facts.check?.Paths?.find(({ Path }) => Path === path)?.Kind === 'missing')
      say(`devices.${at}.host`, 'path-missing');
    if (container.trim() !== '' && !container.trim().startsWith('/')) say(`devices.${at}.container`, 'path-absolute');
    if (!/^[rwm]{0,3}$/.test(permissions.trim())) say(`devices.${at}.permissions`, 'permissions-invalid');
  });
}

function health({ health: check }: ContainerForm, say: Say) {
  if (check.mode === 'none') return;
  if (check.mode === 'command' && check.command.trim() === '') say('health.command', 'health-missing');
  for (const field of ['interval', 'timeout', 'startPeriod'] as const)
    if (check[field].trim() !== '' && parseTime(check[field]) === undefined) say(`health.${field}`, 'time-invalid');
  if (!/^\d*$/.test(check.retries.trim())) say('health.retries', 'count-invalid');
}

function other(form: ContainerForm, say: Say) {
  if (form.other.trim() === '') return;
  const read = otherFlags(form);
  if (!read) {
    const split = splitCommand(form.other);
    return say('other', 'problem' in split ? split.problem : 'other-word');
  }
  for (const { name, flag, value } of read.flags) {
    const params = { flag: name };
    if (!flag) return say('other', 'other-unknown', 'error', params);
    if (value === undefined) return say('other', 'other-value', 'error', params);
    if (flag.elsewhere) return say('other', `other-${flag.elsewhere}`, 'error', params);
    if (!flag.body) return say('other', 'other-field', 'error', params);
    if (flag.body({ HostConfig: {}, endpoint: {} }, value.text) === false)
      return say('other', 'other-value', 'error', params);
  }
  if (read.rest[0] !== undefined) say('other', 'other-word', 'error', { word: read.rest[0] });
}

/** The parts of the form that fold. */
export type Section = 'process' | 'restart' | 'network' | 'limits' | 'security' | 'labels' | 'other';

const SECTION_OF: Record<string, Section> = {
  ...all('process', 'entrypoint workdir user hostname init stopSignal stopTimeout pull'),
  ...all('restart', 'restart retries health'),
  ...all('network', 'network dns extraHosts'),
  ...all('limits', 'memory memorySwap cpus cpuset pids shm ulimits'),
  ...all('security', 'privileged readOnly noNewPrivileges capAdd capDrop devices sysctls'),
  ...all('labels', 'labels logDriver logOptions'),
  ...all('other', 'tmpfs volumesFrom other'),
};
function all(section: Section, fields: string): Record<string, Section> {
  return Object.fromEntries(fields.split(' ').map((field) => [field, section]));
}

/** Undefined: it is always in sight. */
export const sectionOf = (field: string): Section | undefined => SECTION_OF[field.split('.')[0] ?? ''];

/** How many fields of a section say something else than `base` does. */
export function countSet(form: ContainerForm, base: ContainerForm, section: Section): number {
  const keys = Object.keys(SECTION_OF).filter((key) => SECTION_OF[key] === section) as (keyof ContainerForm)[];
  return keys.filter((key) => JSON.stringify(form[key]) !== JSON.stringify(base[key])).length;
}
