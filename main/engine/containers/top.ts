import { readdir, readFile, readlink } from 'node:fs/promises';
import { invalid } from '../../base/errors.js';
import type { ContainerTop } from '../../contract/containers.js';

/** What `/proc` says about one process. */
interface Process {
  pid: number;
  parent: number;
  state: string;
  tty: number;
  session: number;
  group: number;
  foreground: number;
  ticks: number;
  startTicks: number;
  nice: number;
  threads: number;
  virtual: number;
  resident: number;
  uid: number;
  gid: number;
  command: string;
  name: string;
}

/** The machine's facts that the columns are computed from. */
interface Machine {
  bootTime: number;
  uptime: number;
  memory: number;
  users: Map<number, string>;
  groups: Map<number, string>;
}

/** The kernel's unit for times, the same on every Linux that userspace sees. */
const TICKS = 100;
const PAGE = 4096;

type Column = [title: string, value: (process: Process, machine: Machine) => string];

const userOf = ({ uid }: Process, { users }: Machine): string => users.get(uid) ?? String(uid);
const cpuShare = ({ ticks, startTicks }: Process, { uptime }: Machine): number =>
  (100 * ticks) / TICKS / Math.max(uptime - startTicks / TICKS, 1 / TICKS);

const COLUMNS: Record<string, Column> = {
  user: ['USER', userOf],
  uname: ['USER', userOf],
  euser: ['EUSER', userOf],
  uid: ['UID', ({ uid }) => String(uid)],
  group: ['GROUP', ({ gid }, { groups }) => groups.get(gid) ?? String(gid)],
  gid: ['GID', ({ gid }) => String(gid)],
  pid: ['PID', ({ pid }) => String(pid)],
  ppid: ['PPID', ({ parent }) => String(parent)],
  pgid: ['PGID', ({ group }) => String(group)],
  sid: ['SID', ({ session }) => String(session)],
  c: ['C', (process, machine) => String(Math.min(99, Math.floor(cpuShare(process, machine))))],
  pcpu: ['%CPU', (process, machine) => cpuShare(process, machine).toFixed(1)],
  pmem: ['%MEM', ({ resident }, { memory }) => ((100 * resident) / memory).toFixed(1)],
  vsz: ['VSZ', ({ virtual }) => String(Math.floor(virtual / 1024))],
  rss: ['RSS', ({ resident }) => String(Math.floor(resident / 1024))],
  nlwp: ['NLWP', ({ threads }) => String(threads)],
  nice: ['NI', ({ nice }) => String(nice)],
  ni: ['NI', ({ nice }) => String(nice)],
  stat: [
    'STAT',
    ({ state, session, pid, threads, foreground, group }) =>
      state + (session === pid ? 's' : '') + (threads > 1 ? 'l' : '') + (foreground === group ? '+' : ''),
  ],
  s: ['S', ({ state }) => state],
  state: ['S', ({ state }) => state],
  stime: ['STIME', (process, machine) => startedAt(process, machine)],
  start: ['STARTED', (process, machine) => startedAt(process, machine)],
  tty: ['TT', ({ tty }) => ttyName(tty)],
  tname: ['TTY', ({ tty }) => ttyName(tty)],
  time: ['TIME', ({ ticks }) => clock(ticks / TICKS, true)],
  bsdtime: ['TIME', ({ ticks }) => clock(ticks / TICKS, false)],
  etime: ['ELAPSED', ({ startTicks }, { uptime }) => clock(uptime - startTicks / TICKS, true)],
  comm: ['COMMAND', ({ name }) => name],
  cmd: ['CMD', ({ command }) => command],
  args: ['COMMAND', ({ command }) => command],
  command: ['COMMAND', ({ command }) => command],
};
const ALIASES: Record<string, string> = {
  '%cpu': 'pcpu',
  '%mem': 'pmem',
  vsize: 'vsz',
  rssize: 'rss',
  pgrp: 'pgid',
  sess: 'sid',
};

const titled = (title: string, key: string): Column => [title, (COLUMNS[key] as Column)[1]];
const FULL: Column[] = [
  titled('UID', 'user'),
  ...['pid', 'ppid', 'c', 'stime'].map((key) => COLUMNS[key] as Column),
  titled('TTY', 'tname'),
  titled('TIME', 'time'),
  titled('CMD', 'cmd'),
];
const USER_ORIENTED: Column[] = [
  ...['user', 'pid', 'pcpu', 'pmem', 'vsz', 'rss'].map((key) => COLUMNS[key] as Column),
  titled('TTY', 'tname'),
  titled('STAT', 'stat'),
  titled('START', 'stime'),
  titled('TIME', 'bsdtime'),
  titled('COMMAND', 'args'),
];
const SHORT: Column[] = [titled('PID', 'pid'), titled('TTY', 'tname'), titled('TIME', 'time'), titled('CMD', 'comm')];

/** `docker top`, read from /proc: nothing of the container is ever run for it. */
export async function processTable(id: string, pid: number, psArguments: string): Promise<ContainerTop> {
  const columns = columnsOf(psArguments);
  const [pids, machine] = await Promise.all([processesOf(id, pid), readMachine()]);
  const processes = (await Promise.all(pids.map(readProcess))).filter((process) => process !== undefined);
  return {
    Titles: columns.map(([title]) => title),
    Processes: processes.map((process) => columns.map(([, value]) => value(process, machine))),
  };
}

function columnsOf(psArguments: string): Column[] {
  const words = psArguments.trim().split(/\s+/);
  const listed: Column[] = [];
  let set: Column[] | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word.startsWith('--')) throw invalid('ps: error: unknown gnu long option');
    const [, inline] = /^-?[A-Za-z]*o(.*)$/.exec(word) ?? [];
    if (inline !== undefined) {
      const names = inline || words[++at];
      if (!names) throw invalid('ps: -o needs a list of columns');
      listed.push(...names.split(',').map(columnNamed));
    } else if (/^-?[aAexwH]*f[aAexwH]*$/.test(word) && word.startsWith('-')) set = FULL;
    else if (/u/.test(word)) set = USER_ORIENTED;
    else if (!/^-?[aAexwHT]+$/.test(word))
      throw invalid(`ps: "${word}" is not understood here: use -ef, aux or -o with columns`);
  }
  if (listed.length > 0 && !listed.some(([title]) => title === 'PID'))
    throw invalid("Couldn't find PID field in ps output");
  return listed.length > 0 ? listed : (set ?? SHORT);
}

/** `pid`, or `pid=Title`. */
function columnNamed(name: string): Column {
  const [key = '', title] = name.split('=');
  const column = COLUMNS[ALIASES[key.toLowerCase()] ?? key.toLowerCase()];
  if (!column) throw invalid(`ps: unknown column "${key}"`);
  return title === undefined ? column : [title, column[1]];
}

/** Everything in its cgroup or its pid namespace; where neither can be seen, the first process alone. */
export async function processesOf(id: string, first: number): Promise<number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const namespace = await readlink(`/proc/${first}/ns/pid`).catch(() => undefined);
  const shared = namespace !== undefined && namespace === (await readlink('/proc/self/ns/pid').catch(() => undefined));
  const belongs = await Promise.all(
    all.map(async (pid) => {
      if (pid === first) return true;
      const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      if (groups.includes(`/slipway/${id}`)) return true;
      return (
        !shared && namespace !== undefined && (await readlink(`/proc/${pid}/ns/pid`).catch(() => '')) === namespace
      );
    }),
  );
  return all.filter((_, index) => belongs[index]).sort((a, b) => a - b);
}

async function readProcess(pid: number): Promise<Process | undefined> {
  try {
    const [stat, status, commandLine] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const number = (field: number): number => Number(fields[field - 3]); // proc(5) counts the state as the third
    const effective = (key: string): number => Number(new RegExp(`^${key}:\\s+\\d+\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return {
      pid,
      name,
      state: fields[0] ?? '?',
      parent: number(4),
      group: number(5),
      session: number(6),
      tty: number(7),
      foreground: number(8),
      ticks: number(14) + number(15),
      nice: number(19),
      threads: number(20),
      startTicks: number(22),
      virtual: number(23),
      resident: number(24) * PAGE,
      uid: effective('Uid'),
      gid: effective('Gid'),
      command: commandLine.split('\0').join(' ').trim() || `[${name}]`,
    };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

async function readMachine(): Promise<Machine> {
  const [stat, uptime, memory, users, groups] = await Promise.all([
    readFile('/proc/stat', 'utf8'),
    readFile('/proc/uptime', 'utf8'),
    readFile('/proc/meminfo', 'utf8'),
    namesIn('/etc/passwd'),
    namesIn('/etc/group'),
  ]);
  return {
    bootTime: Number(/^btime (\d+)/m.exec(stat)?.[1]),
    uptime: Number.parseFloat(uptime),
    memory: Number(/^MemTotal:\s+(\d+)/m.exec(memory)?.[1]) * 1024,
    users,
    groups,
  };
}

async function namesIn(path: string): Promise<Map<number, string>> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').reverse();
  return new Map(lines.map((line) => line.split(':')).map(([name = '', , id]) => [Number(id), name]));
}

/** The hour today, the day before that. */
function startedAt({ startTicks }: Process, { bootTime }: Machine): string {
  const started = new Date((bootTime + startTicks / TICKS) * 1000);
  if (Date.now() - started.getTime() < 24 * 3600 * 1000) return started.toTimeString().slice(0, 5);
  return started.toDateString().slice(4, 10).replace(' ', '');
}

function ttyName(device: number): string {
  if (device === 0) return '?';
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${minor + (major - 136) * 256}`;
  return major === 4 ? `tty${minor}` : `${major}:${minor}`;
}

function clock(total: number, hours: boolean): string {
  const seconds = Math.max(0, Math.floor(total));
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (!hours) return `${minutes}:${two(seconds % 60)}`;
  const days = Math.floor(minutes / 1440);
  return `${days > 0 ? `${days}-` : ''}${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
