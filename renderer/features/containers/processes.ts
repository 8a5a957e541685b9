import type { ContainerTop } from '../../../main/contract/containers.js';

export interface Process {
  pid: number;
  parent: number;
  user: string;
  state: string;
  /** Percent of a processor, over its whole life. */
  cpu: number;
  /** Bytes. */
  memory: number;
  /** As ps writes it. */
  time: string;
  seconds: number;
  command: string;
  /** How many of its forebears are in the container, too. */
  depth: number;
}

export interface ProcessSort {
  column: 'pid' | 'user' | 'state' | 'cpu' | 'memory' | 'time' | 'command';
  descending: boolean;
}

/** `1-02:03:04`, `02:03:04`, `03:04`. */
export function secondsOf(time: string): number {
  const [, days = '0', rest = time] = /^(\d+)-(.*)$/.exec(time) ?? [];
  return rest.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400;
}

/** What `ps` printed, by the titles it printed: an engine's own ps may order them as it likes. */
export function parseProcesses({ Titles, Processes }: ContainerTop): Process[] {
  const at = (...titles: string[]) => Titles.findIndex((title) => titles.includes(title));
  const places = {
    pid: at('PID'),
    parent: at('PPID'),
    user: at('USER', 'UID'),
    state: at('STAT', 'S'),
    cpu: at('%CPU', 'C'),
    memory: at('RSS'),
    time: at('TIME'),
    command: at('COMMAND', 'CMD'),
  };
  const list = Processes.map((row): Process => {
    const text = (place: number) => row[place] ?? '';
    return {
      pid: Number(text(places.pid)),
      parent: Number(text(places.parent)),
      user: text(places.user),
      state: text(places.state),
      cpu: Number(text(places.cpu)) || 0,
      memory: (Number(text(places.memory)) || 0) * 1024,
      time: text(places.time),
      seconds: secondsOf(text(places.time)),
      command: text(places.command),
      depth: 0,
    };
  });
  const known = new Map(list.map((process) => [process.pid, process]));
  for (const process of list)
    for (let parent = known.get(process.parent); parent && process.depth < 32; parent = known.get(parent.parent))
      process.depth += 1;
  return list;
}

/** Sorted by the command, processes stand as a tree: each below its parent. */
export function sortProcesses(list: Process[], { column, descending }: ProcessSort): Process[] {
  const sign = descending ? -1 : 1;
  const key = column === 'time' ? 'seconds' : column;
  const compare = (a: Process, b: Process) => {
    const [left, right] = [a[key], b[key]];
    const order = typeof left === 'number' ? left - Number(right) : String(left).localeCompare(String(right));
    return sign * order || a.pid - b.pid;
  };
  if (column !== 'command') return list.toSorted(compare).map((process) => ({ ...process, depth: 0 }));
  const pids = new Set(list.map(({ pid }) => pid));
  const below = (parent: (process: Process) => boolean): Process[] =>
    list
      .filter(parent)
      .toSorted(compare)
      .flatMap((process) => [process, ...below((other) => other.parent === process.pid && other !== process)]);
  return below(({ parent, pid }) => !pids.has(parent) || parent === pid);
}
