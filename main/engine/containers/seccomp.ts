import { readFile } from 'node:fs/promises';
import { invalid, messageOf, system } from '../../base/errors.js';

/** A profile in Docker's form: rules that depend on the machine and on what the container may do. */
export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  flags?: string[];
  listenerPath?: string;
  listenerMetadata?: string;
  architectures?: string[] | null;
  archMap?: { architecture: string; subArchitectures: string[] | null }[] | null;
  syscalls?: Rule[] | null;
}

interface Rule {
  names?: string[] | null;
  name?: string;
  action: string;
  errnoRet?: number;
  args?: unknown[] | null;
  includes?: Conditions | null;
  excludes?: Conditions | null;
}

interface Conditions {
  caps?: string[] | null;
  arches?: string[] | null;
  minKernel?: string;
}

/** What a profile is resolved against. */
export interface SeccompTarget {
  capabilities: readonly string[];
  /** As `uname -r` says. */
  kernel: string;
}

const ARCHITECTURES: Record<string, { seccomp: string; go: string }> = {
  x64: { seccomp: 'SCMP_ARCH_X86_64', go: 'amd64' },
  arm64: { seccomp: 'SCMP_ARCH_AARCH64', go: 'arm64' },
  riscv64: { seccomp: 'SCMP_ARCH_RISCV64', go: 'riscv64' },
  ppc64: { seccomp: 'SCMP_ARCH_PPC64LE', go: 'ppc64le' },
  s390x: { seccomp: 'SCMP_ARCH_S390X', go: 's390x' },
  loong64: { seccomp: 'SCMP_ARCH_LOONGARCH64', go: 'loong64' },
};

/** Docker's profiles turned into the section of the OCI specification that holds for one container. */
export class Seccomp {
  readonly #resolved = new Map<string, object>();

  constructor(private readonly standard: SeccompProfile) {}

  static async open(path: string): Promise<Seccomp> {
    try {
      return new Seccomp(JSON.parse(await readFile(path, 'utf8')) as SeccompProfile);
    } catch (error) {
      // Going on without it would run containers unconfined.
      throw system(`the default seccomp profile ${path} cannot be read: ${messageOf(error)}`);
    }
  }

  /** The default profile; few sets of capabilities exist, so each is resolved once. */
  default(target: SeccompTarget): object {
    const key = target.capabilities.join();
    let section = this.#resolved.get(key);
    if (!section) this.#resolved.set(key, (section = resolveProfile(this.standard, target)));
    return section;
  }
}

/** A profile given by a person: the whole JSON, as the docker CLI reads it from their file. */
export function parseProfile(json: string): SeccompProfile {
  let profile: SeccompProfile;
  try {
    profile = JSON.parse(json) as SeccompProfile;
  } catch (error) {
    throw invalid(`Decoding seccomp profile failed: ${messageOf(error)}`);
  }
  if (typeof profile?.defaultAction !== 'string') {
    throw invalid('Decoding seccomp profile failed: it has no defaultAction');
  }
  if (profile.architectures?.length && profile.archMap?.length) {
    throw invalid('both architectures and archMap are specified in the seccomp profile, use either one');
  }
  return profile;
}

export function resolveProfile(profile: SeccompProfile, target: SeccompTarget): object {
  const native = ARCHITECTURES[process.arch];
  const mapped = profile.archMap?.find(({ architecture }) => architecture === native?.seccomp);
  const architectures = mapped
    ? [mapped.architecture, ...(mapped.subArchitectures ?? [])]
    : (profile.architectures ?? undefined);
  const rules = (profile.syscalls ?? []).filter(
    ({ includes, excludes }) =>
      (!includes || holds(includes, target, native?.go)) && !(excludes && excluded(excludes, target, native?.go)),
  );
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet !== undefined && { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures && { architectures }),
    ...(profile.flags?.length && { flags: profile.flags }),
    ...(profile.listenerPath && { listenerPath: profile.listenerPath }),
    ...(profile.listenerMetadata && { listenerMetadata: profile.listenerMetadata }),
    syscalls: rules.map(({ name, names, action, errnoRet, args }) => ({
      names: names?.length ? names : [name],
      action,
      ...(errnoRet !== undefined && { errnoRet }),
      ...(args?.length && { args }),
    })),
  };
}

function holds({ caps, arches, minKernel }: Conditions, target: SeccompTarget, arch?: string): boolean {
  if (arches?.length && !(arch && arches.includes(arch))) return false;
  if (caps?.length && !caps.every((name) => target.capabilities.includes(name))) return false;
  return !minKernel || atLeast(target.kernel, minKernel);
}

function excluded({ caps, arches, minKernel }: Conditions, target: SeccompTarget, arch?: string): boolean {
  if (arches?.length && arch && arches.includes(arch)) return true;
  if (caps?.some((name) => target.capabilities.includes(name))) return true;
  return !!minKernel && atLeast(target.kernel, minKernel);
}

function atLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
