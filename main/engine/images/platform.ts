import { invalid, notFound } from '../../base/errors.js';
import type { IndexEntry } from './record.js';

export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

const architectures = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['arm64', 'arm64'],
  ['arm', 'arm'],
  ['ppc64', 'ppc64le'],
  ['s390x', 's390x'],
  ['riscv64', 'riscv64'],
]);

/** What this machine runs. */
export function hostPlatform(): Platform {
  const architecture = architectures.get(process.arch) ?? process.arch;
  return { os: 'linux', architecture, ...(architecture === 'arm' && { variant: 'v7' }) };
}

/** `linux/arm64/v8`, as `--platform` gives it. */
export function parsePlatform(text: string | undefined): Platform {
  if (!text) return hostPlatform();
  const [os = '', architecture, variant, ...rest] = text.toLowerCase().split('/');
  if (![os, architecture ?? 'x', variant ?? 'x'].every((part) => /^[a-z0-9_-]+$/.test(part)) || rest.length > 0) {
    throw invalid(`"${text}" is an invalid platform: write it like linux/amd64 or linux/arm/v7`);
  }
  if (architecture === undefined) return { ...hostPlatform(), os };
  const named = new Map([
    ['x86_64', 'amd64'],
    ['x86-64', 'amd64'],
    ['aarch64', 'arm64'],
    ['i386', '386'],
  ]);
  return { os, architecture: named.get(architecture) ?? architecture, ...(variant && { variant }) };
}

export const platformText = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** The image in an index that runs on a platform: its own variant first, then one that names none, then an older one. */
export function choosePlatform(entries: IndexEntry[], wanted: Platform): IndexEntry {
  const rank = ({ platform }: IndexEntry): number => {
    if (!platform || platform.os !== wanted.os || platform.architecture !== wanted.architecture) return -1;
    const has = platform.variant || defaultVariant(platform.architecture);
    const wants = wanted.variant || defaultVariant(wanted.architecture);
    if (has === wants) return 1000;
    if (!has) return 900;
    // arm v7 runs v6's programs, not the other way round.
    return has < wants ? Number(has.slice(1)) || 0 : -1;
  };
  const best = entries.map((entry) => ({ entry, rank: rank(entry) })).sort((a, b) => b.rank - a.rank)[0];
  if (!best || best.rank < 0) {
    throw notFound(`no matching manifest for ${platformText(wanted)} in the manifest list entries`);
  }
  return best.entry;
}

const defaultVariant = (architecture: string): string =>
  architecture === 'arm64' ? 'v8' : architecture === 'arm' ? 'v7' : '';
