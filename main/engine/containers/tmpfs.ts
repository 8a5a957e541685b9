import { invalid } from '../../base/errors.js';

/** `TmpfsOptions` of an element of `HostConfig.Mounts`. */
export interface TmpfsWish {
  SizeBytes?: number;
  Mode?: number;
  /** `[["noexec"], ["uid", "1000"]]`. */
  Options?: string[][] | null;
}

const FLAGS = new Set(
  'defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand nomand atime noatime diratime nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave relatime norelatime strictatime nostrictatime'.split(
    ' ',
  ),
);
const KEYS = new Set(['mode', 'size', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

/** The options of `--tmpfs`; what the kernel does not know is refused in dockerd's words. */
export function checkTmpfs(options: string): void {
  for (const option of options.split(',').filter(Boolean)) {
    const [key = '', value] = option.split(/=(.*)/s);
    const known = value === undefined ? FLAGS.has(option) : KEYS.has(key);
    if (!known) throw invalid(`invalid tmpfs option [${JSON.stringify(option)}]`);
  }
}

/** The same from the fields of `--mount type=tmpfs`. */
export function tmpfsOptionsOf({ SizeBytes, Mode, Options }: TmpfsWish, readOnly: boolean): string {
  const further = (Options ?? []).map((words) => {
    if (words.length !== 1 && words.length !== 2) throw invalid('invalid option array length');
    return words.join('=');
  });
  const said = [readOnly && 'ro', Mode && `mode=${Mode.toString(8)}`, SizeBytes && `size=${SizeBytes}`, ...further];
  const options = said.filter(Boolean).join(',');
  checkTmpfs(options);
  return options;
}

/** Docker's defaults, but for those the person said the opposite of. */
export function mountedTmpfs(given: string): string[] {
  const own = given.split(',').filter((option) => option && option !== 'defaults');
  const opposite: Record<string, string> = { noexec: 'exec', nosuid: 'suid', nodev: 'dev' };
  return [...Object.keys(opposite).filter((option) => !own.includes(opposite[option] as string)), 'rprivate', ...own];
}
