import { execFile } from 'node:child_process';
import { open, readFile, realpath, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { pack, type Header, type Pack } from 'tar-stream';
import { codeOf, unavailable } from '../../base/errors.js';
import { digestOf } from '../content/index.js';
import { hostPlatform } from './platform.js';

/** The image that a first run without a network can make. */
export const STARTER = 'slipway/starter:latest';

const CANDIDATES = ['/bin/busybox', '/usr/bin/busybox'];
const MISSING =
  'the starter image is made from a statically linked busybox, and this machine has none: install it (sudo apt-get install busybox-static), or pull an image';

/** This machine's static busybox. */
export async function starterBusybox(): Promise<string> {
  for (const candidate of CANDIDATES) {
    if (await isStaticProgram(candidate)) return realpath(candidate);
  }
  throw unavailable(MISSING);
}

/** A `docker save` archive of the starter image. The same busybox always gives the same bytes, so the same image. */
export async function* starterArchive(busybox: string): AsyncGenerator<Uint8Array> {
  const layer = await collect(starterLayer(await readFile(busybox), await appletsOf(busybox)));
  const configuration = json({
    architecture: hostPlatform().architecture,
    os: 'linux',
    created: CREATED,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', `ENV=/etc/profile`, `PS1=${PROMPT}`],
      Cmd: ['sh'],
      WorkingDir: '/root',
      Labels: {
        'org.opencontainers.image.title': 'Slipway starter',
        'org.opencontainers.image.description': 'A small shell from busybox',
      },
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created: CREATED, created_by: 'slipway starter', comment: 'made from this machine’s busybox' }],
  });
  const manifest = json([{ Config: 'config.json', RepoTags: [STARTER], Layers: ['layer.tar'] }]);
  const tar = pack();
  for (const [name, bytes] of [
    ['config.json', configuration],
    ['layer.tar', layer],
    ['manifest.json', manifest],
  ] as const) {
    tar.entry({ name, mtime: new Date(CREATED) }, bytes);
  }
  tar.finalize();
  for await (const chunk of tar) yield chunk as Buffer;
}

const CREATED = '2024-01-01T00:00:00Z';
/** Green name, blue place: a person sees at once that this is not their own machine's shell. */
const PROMPT = '\\[\\e[1;32m\\]\\u@\\h\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\$ ';

const FILES: [path: string, text: string, mode?: number][] = [
  ['etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'],
  ['etc/group', 'root:x:0:\ntty:x:5:\nusers:x:100:\nnogroup:x:65534:\n'],
  ['etc/shadow', 'root:*::0:::::\nnobody:*::0:::::\n', 0o600],
  ['etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'],
  ['etc/shells', '/bin/sh\n/bin/ash\n'],
  [
    'etc/os-release',
    'NAME="Slipway starter"\nID=slipway-starter\nPRETTY_NAME="Slipway starter (busybox)"\nVERSION_ID="1"\n',
  ],
  [
    'etc/profile',
    `# Read by every interactive shell (ENV points here).\nexport PS1='${PROMPT}'\nexport PAGER=less\nalias ll='ls -l' la='ls -la'\n`,
  ],
  ['etc/motd', 'A small container with busybox. Try: ls /, ps, top, vi hello.txt. Leave with exit.\n'],
];
const DIRECTORIES: [path: string, mode?: number][] = [
  ['bin'],
  ['dev'],
  ['etc'],
  ['home'],
  ['proc'],
  ['root', 0o700],
  ['run'],
  ['sys'],
  ['tmp', 0o1777],
  ['usr'],
  ['usr/bin'],
  ['usr/local'],
  ['usr/local/bin'],
  ['var'],
  ['var/log'],
  ['var/tmp', 0o1777],
];

function starterLayer(busybox: Buffer, applets: string[]): Pack {
  const tar = pack();
  const entry = (header: Partial<Header> & { name: string }, bytes?: Buffer) => {
    tar.entry({ uid: 0, gid: 0, mtime: new Date(CREATED), ...header }, bytes ?? Buffer.alloc(0));
  };
  for (const [path, mode = 0o755] of DIRECTORIES) entry({ name: `${path}/`, type: 'directory', mode });
  entry({ name: 'bin/busybox', mode: 0o755 }, busybox);
  for (const applet of applets) entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox', mode: 0o777 });
  entry({ name: 'usr/bin/env', type: 'symlink', linkname: '../../bin/busybox', mode: 0o777 });
  for (const [path, text, mode = 0o644] of FILES) entry({ name: path, mode }, Buffer.from(text));
  entry({ name: 'sbin', type: 'symlink', linkname: 'bin', mode: 0o777 });
  tar.finalize();
  return tar;
}

/** Its own list of what it can do, in a fixed order. */
async function appletsOf(busybox: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(busybox, ['--list'], { timeout: 10_000, maxBuffer: 1024 * 1024 });
  const names = stdout.split('\n').filter((name) => /^[a-z0-9[][\w.[+-]*$/i.test(name) && name !== 'busybox');
  return [...new Set(names)].sort();
}

const ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const PT_INTERP = 3;

/** An ELF program that names no loader runs in an empty root; anything else would not. */
async function isStaticProgram(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
      if (bytesRead < 64 || !buffer.subarray(0, 4).equals(ELF)) return false;
      const wide = buffer[4] === 2;
      const start = wide ? Number(buffer.readBigUInt64LE(32)) : buffer.readUInt32LE(28);
      const size = buffer.readUInt16LE(wide ? 54 : 42);
      const count = buffer.readUInt16LE(wide ? 56 : 44);
      for (let at = 0; at < count; at++) {
        const header = start + at * size;
        if (header + 4 > bytesRead || buffer.readUInt32LE(header) === PT_INTERP) return false;
      }
      return true;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error)) return false;
    throw error;
  }
}

async function collect(tar: Pack): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
