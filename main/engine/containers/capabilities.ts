import { invalid } from '../../base/errors.js';

/** By number; capabilities(7). */
const ALL = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST ' +
  'NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE ' +
  'SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG ' +
  'WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

const DEFAULT =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
    .split(' ')
    .map((name) => `CAP_${name}`);

export interface CapabilityWish {
  CapAdd: string[] | null;
  CapDrop: string[] | null;
  Privileged: boolean;
}

/** The capabilities of a container; `last` is the highest number this kernel knows. */
export function capabilitiesOf({ CapAdd, CapDrop, Privileged }: CapabilityWish, last: number): string[] {
  const known = ALL.slice(0, last + 1);
  if (Privileged) return known;
  const add = normalized(CapAdd ?? [], 'CapAdd');
  const drop = normalized(CapDrop ?? [], 'CapDrop');
  const start = drop.has('ALL') ? [] : add.has('ALL') ? known : DEFAULT;
  const wanted = new Set([...start, ...(drop.has('ALL') && add.has('ALL') ? known : [])]);
  for (const name of drop) wanted.delete(name);
  for (const name of add) if (name !== 'ALL') wanted.add(name);
  return [...wanted].filter((name) => known.includes(name));
}

/** `net_admin`, `CAP_NET_ADMIN` and `all` as `CAP_NET_ADMIN` and `ALL`. */
function normalized(names: string[], field: string): Set<string> {
  return new Set(
    names.map((given) => {
      const upper = given.trim().toUpperCase();
      if (upper === 'ALL') return upper;
      const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
      if (!ALL.includes(name)) throw invalid(`invalid ${field}: unknown capability: "${name}"`);
      return name;
    }),
  );
}

/** Bit n is capability number n. */
export const capabilityMask = (names: string[]): bigint =>
  names.reduce((mask, name) => mask | (1n << BigInt(ALL.indexOf(name))), 0n);
