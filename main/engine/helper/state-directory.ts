import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Parent and start time (clock ticks since boot) of a process: fields 4 and 22 of /proc/PID/stat, proc(5). */
async function originOf(pid: number): Promise<{ parent: number; startTime: number }> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), startTime: Number(fields[19]) };
}

/** Makes a state directory that was deleted under its container again, as a launch leaves it: by `monitor.json` the next engine finds it. */
export async function restoreStateDirectory(stateDir: string, containerPid: number): Promise<void> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const { parent, startTime } = await originOf(containerPid);
  const about = {
    version: 1,
    pid: parent,
    startTime: (await originOf(parent)).startTime,
    bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
    container: { pid: containerPid, startTime },
  };
  await writeFile(join(stateDir, 'monitor.json'), `${JSON.stringify(about)}\n`, { mode: 0o600 });
}
