import { invalid, notImplemented } from '../../base/errors.js';
import type { HelperHello } from '../helper/index.js';
import type { FullHostConfig } from './record.js';
import { parseProfile } from './seccomp.js';

export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** `unconfined`, or the JSON of a profile; undefined: the default profile. */
  seccomp?: string;
  /** The name of a loaded profile; undefined: none. */
  appArmor?: string;
}

/** A profile that nothing would enforce is refused. */
export function checkAppArmor({ SecurityOpt }: FullHostConfig, { apparmor }: HelperHello): void {
  const { appArmor } = securityOptions(SecurityOpt);
  if (appArmor && !apparmor) {
    throw notImplemented(`this kernel has no AppArmor: leave "apparmor=${appArmor}" out, or say apparmor=unconfined`);
  }
}

/** `--security-opt`, in its two spellings. */
export function securityOptions(options: string[] | null): SecurityOptions {
  const result: SecurityOptions = { noNewPrivileges: false };
  for (const option of options ?? []) {
    if (option === 'no-new-privileges') {
      result.noNewPrivileges = true;
      continue;
    }
    const at = option.search(/[=:]/);
    const [key, value] = at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
    if (value === undefined) throw invalid(`invalid --security-opt 1: "${option}"`);
    if (key === 'no-new-privileges') result.noNewPrivileges = truthOf(value, option);
    else if (key === 'seccomp') result.seccomp = value;
    else if (key === 'apparmor') {
      if (value !== 'unconfined' && value !== '') result.appArmor = value;
    } else if (key === 'label') {
      if (value !== 'unconfined' && value !== 'disable' && value !== '') {
        throw notImplemented(`this engine gives no SELinux labels: leave "${option}" out, or say label=disable`);
      }
    } else if (key !== 'systempaths' || value !== 'unconfined') throw invalid(`invalid --security-opt 2: "${option}"`);
  }
  if (result.seccomp === 'builtin' || result.seccomp === '') delete result.seccomp;
  if (result.seccomp !== undefined && result.seccomp !== 'unconfined') parseProfile(result.seccomp);
  return result;
}

/** As Go reads it. */
function truthOf(value: string, option: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw invalid(`invalid --security-opt 2: "${option}"`);
}
