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

const OTHER_NAMES = new Map([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['aarch64', 'arm64'],
  ['i386', '386'],
  ['armhf', 'arm'],
]);
const SYSTEMS = new Set(['linux', 'windows', 'darwin', 'freebsd', 'netbsd', 'openbsd', 'solaris', 'aix', 'android']);

/** `linux/arm64/v8`, as `--platform` gives it; a system or an architecture alone leaves the other one to this machine. */
export function parsePlatform(text: string | undefined): Platform {
  if (!text) return hostPlatform();
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || !parts.every((part) => /^[a-z0-9_.-]+$/.test(part))) {
    throw invalid(`"${text}" is an invalid platform: write it like linux/amd64 or linux/arm/v7`);
  }
  const [first = '', architecture, variant] = parts;
  const os = first === 'macos' ? 'darwin' : first;
  if (architecture !== undefined) return normal({ os, architecture, ...(variant && { variant }) });
  if (SYSTEMS.has(os)) return { ...hostPlatform(), os };
  const alone = normal({ os: 'linux', architecture: first });
  if (![...architectures.values()].includes(alone.architecture))
    throw invalid(`"${text}" is an invalid platform: nobody knows an operating system or architecture of that name`);
  return alone;
}

export const platformText = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** One spelling for each: the usual variant of an architecture goes without saying, but for 32-bit ARM. */
function normal({ os, architecture, variant = '' }: Platform): Platform {
  const name = OTHER_NAMES.get(architecture) ?? architecture;
  let one = variant.toLowerCase();
  if (/^\d/.test(one)) one = `v${one}`;
  if (architecture === 'armel') return { os, architecture: 'arm', variant: one || 'v6' };
  if (name === 'arm') one ||= 'v7';
  if ((name === 'arm64' && (one === 'v8' || one === 'v8.0')) || (name === 'amd64' && one === 'v1')) one = '';
  return { os, architecture: name, ...(one && { variant: one }) };
}

/** What runs on a platform, best first: older variants of it, and what its processor takes besides. */
function runsOn(platform: Platform): Platform[] {
  const { os, architecture, variant } = normal(platform);
  const version = Number(variant?.slice(1));
  const older = (least: number, usual: number) =>
    Array.from({ length: Math.max(0, version - least) }, (_, at) => version - 1 - at).map((number) =>
      normal({ os, architecture, variant: number === usual ? '' : `v${number}` }),
    );
  const own: Platform = { os, architecture, ...(variant && { variant }) };
  switch (architecture) {
    case 'amd64':
      return [own, ...older(1, 1), { os, architecture: '386' }];
    case 'arm':
      return [
        own,
        ...Array.from({ length: Math.max(0, version - 5) }, (_, at) => ({ ...own, variant: `v${version - 1 - at}` })),
      ];
    case 'arm64':
      return [own, ...older(8, 8), ...runsOn({ os, architecture: 'arm', variant: 'v8' })];
    default:
      return [own];
  }
}

/** Whether an image of one platform runs on another. */
export function suits(image: Platform, wanted: Platform): boolean {
  const text = platformText(normal(image));
  return runsOn(wanted).some((platform) => platformText(platform) === text);
}

/** What is to be said where an image is used on this machine that was made for another kind, and nobody asked for that. */
export function platformWarning(image: Platform): string | undefined {
  const host = hostPlatform();
  const { os, architecture } = normal(image);
  const said = os !== '' && architecture !== '';
  if (!said || suits(image, host) || (os === host.os && architecture === host.architecture)) return undefined;
  return `The requested image's platform (${platformText(image)}) does not match the detected host platform (${platformText(host)}) and no specific platform was requested`;
}

/** The entries of an index that run on a platform, best first, and after them those that do not say what they run on. */
export function candidates(entries: IndexEntry[], wanted: Platform): IndexEntry[] {
  const order = runsOn(wanted).map(platformText);
  const images = entries.filter(({ platform, artifactType, annotations }) => {
    const attestation = annotations?.['vnd.docker.reference.type'] !== undefined;
    return platform?.os !== 'unknown' && !artifactType && !attestation;
  });
  const rank = ({ platform }: IndexEntry) =>
    platform ? order.indexOf(platformText(normal(asPlatform(platform)))) : order.length;
  return images.filter((entry) => rank(entry) >= 0).sort((a, b) => rank(a) - rank(b));
}

export const noMatch = (wanted: Platform) =>
  notFound(`no matching manifest for ${platformText(wanted)} in the manifest list entries`);

const asPlatform = ({ os, architecture, variant }: NonNullable<IndexEntry['platform']>): Platform => ({
  os,
  architecture,
  ...(variant && { variant }),
});
