/** One engine per data root: a file that names its holder, and stands aside once that process is no more. */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, conflict } from '../base/errors.js';
import { newId } from '../base/ids.js';
import { asyncDisposable } from '../base/scopes.js';

interface Holder {
  pid: number;
  /** Clock ticks after boot: with the boot, it tells this process from another that got its number. */
  startTime: string;
  bootId: string;
}

/** Takes a data root, or fails with the pid of the engine that has it. */
export async function lockDataRoot(root: string): Promise<AsyncDisposable> {
  const own = join(root, `LOCK.${newId().slice(0, 12)}`);
  try {
    await writeFile(own, `${JSON.stringify(await identify('self'))}\n`, { mode: 0o600 });
    return await take(join(root, 'LOCK'), own, (pid) => {
      throw conflict(`another engine (pid ${pid}) already uses ${root}`);
    });
  } finally {
    await rm(own, { force: true }).catch(() => undefined);
  }
}

async function take(
  file: string,
  own: string,
  onLiving: (pid: number) => void | Promise<void>,
): Promise<AsyncDisposable> {
  for (;;) {
    // A link is made whole or not at all: nobody ever reads half a lock.
    if (await linked(own, file)) return asyncDisposable(() => rm(file, { force: true }));
    const text = await contentOf(file);
    if (text === undefined) continue;
    const holder = parse(text);
    if (holder && (await lives(holder))) await onLiving(holder.pid);
    else {
      // Whoever removes a dead lock holds the turn to do so: another may have taken its place since it was read.
      await using _ = await take(`${file}.turn`, own, () => sleep(2));
      if ((await contentOf(file)) === text) await rm(file, { force: true });
    }
  }
}

const contentOf = (file: string) => readFile(file, 'utf8').catch(() => undefined);

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function lives({ pid, startTime, bootId }: Holder): Promise<boolean> {
  try {
    const now = await identify(String(pid));
    return now.startTime === startTime && now.bootId === bootId;
  } catch {
    return false;
  }
}

async function identify(process: string): Promise<Holder> {
  const stat = await readFile(`/proc/${process}/stat`, 'utf8');
  // The second field is a name in brackets that may hold anything; the start time is field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  if (fields[0] === 'Z') throw new Error('it has ended');
  return { pid: parseInt(stat, 10), startTime: fields[19] ?? '', bootId };
}

function parse(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}
