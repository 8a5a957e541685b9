/**
 * Today's engines and clients for the tests to compare with and to be used by, whatever this machine's Debian has: Docker, BuildKit, buildx,
 * compose, podman, skopeo and the runtimes, from Debian's forky suite. They live in a folder of their own in the user's cache, shared by all
 * checkouts; nothing of this machine is changed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const SUITE = 'forky';
const PACKAGES = [
  ...['docker.io', 'docker-cli', 'docker-buildx', 'docker-compose', 'podman', 'crun', 'runc', 'skopeo', 'buildah'],
  ...['iptables', 'nftables', 'iproute2', 'passt', 'mount', 'ca-certificates', 'git', 'procps'],
  // What our helper is linked with: these engines may run it as their runtime.
  ...['libarchive13t64', 'libjson-c5', 'libseccomp2', 'libmnl0', 'libssl3t64', 'zlib1g'],
  ...(['x64', 'arm64'].includes(process.arch) ? ['libisal2'] : []),
];
const cache = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'slipway');

/** A whole root file system; `peersBin` has what is started without entering it. */
export const peersFolder = path.join(cache, 'peers');
/** `docker` and its plug-ins (in `cli-plugins`), which run in this machine's own file system with the libraries of that one. */
export const peersBin = path.join(peersFolder, 'slipway-bin');
const stampFile = path.join(peersFolder, '.made-of');
const LAYOUT = 1; // raise to have it made anew
const stamp = createHash('sha256')
  .update(JSON.stringify([LAYOUT, SUITE, PACKAGES]))
  .digest('hex');

/** Makes the folder where it is not there yet. Returns words for the set-up's report, or false when there was nothing to do. */
export async function makePeers(tell) {
  if (fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp) return false;
  tell(`today's Docker, compose, podman and the like from Debian ${SUITE} (about a minute, 1 GB in ${peersFolder})`);
  fs.mkdirSync(cache, { recursive: true });
  const part = fs.mkdtempSync(path.join(cache, 'peers-'));
  fs.chmodSync(part, 0o755);
  try {
    await unpack(part);
    addPrograms(part);
    fs.writeFileSync(path.join(part, path.relative(peersFolder, stampFile)), stamp);
    replace(part);
  } finally {
    fs.rmSync(part, { recursive: true, force: true });
  }
  return 'Docker and other peers';
}

/** The suite is under development, so its lists may be older than they say they may be. */
async function unpack(folder) {
  const mirror = await machinesMirror();
  const made = spawn(
    'mmdebstrap',
    [
      ...['--quiet', '--variant=apt', '--format=tar', '--aptopt=Acquire::Check-Valid-Until "false"'],
      ...[`--include=${PACKAGES.join()}`, SUITE, '-', ...(mirror ? [mirror] : [])],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } },
  );
  const unpacked = spawn('tar', ['-x', '-C', folder, '--exclude=./dev/*'], { stdio: ['pipe', 'ignore', 'pipe'] });
  made.stdout.pipe(unpacked.stdin);
  unpacked.stdin.on('error', () => undefined);
  const [why, failed] = await Promise.all([made, unpacked].map(ended));
  const said = why ?? failed;
  if (said === undefined) return;
  throw new Error(
    `Debian's ${SUITE} suite could not be installed into ${folder}: ${said}\n` +
      `The tests compare with the Docker of that suite. Is Debian's mirror${mirror ? ` (${mirror})` : ''} within reach of this machine? ` +
      'Run the same command again when it is.',
  );
}

/** Undefined after a good end, else the last words. */
async function ended(child) {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-4000)));
  const failed = once(child, 'error').then(([error]) => error.message);
  const closed = once(child, 'close').then(([code]) =>
    code === 0 ? undefined : said.trim().split('\n').slice(-3).join('; ') || `${child.spawnfile} ended with ${code}`,
  );
  return Promise.race([failed, closed]);
}

/** Where apt of this machine has Debian from; undefined where it does not say, and mmdebstrap knows one. */
async function machinesMirror() {
  const asked = spawn(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Origin: Debian', 'Component: main'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let said = '';
  asked.stdout.setEncoding('utf8').on('data', (text) => (said += text));
  await Promise.race([once(asked, 'close'), once(asked, 'error')]);
  return said.split('\n').find((line) => /^https?:.*\/debian\/?$/.test(line));
}

/** The folder is moved when it is whole, so its programs name the place where it will be. */
function addPrograms(part) {
  const bin = path.join(part, path.relative(peersFolder, peersBin));
  const libraries = fs
    .readdirSync(path.join(part, 'usr/lib'))
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => path.join(peersFolder, 'usr/lib', name));
  const [loader] = fs
    .readdirSync(path.join(part, 'usr', fs.existsSync(path.join(part, 'usr/lib64')) ? 'lib64' : 'lib'))
    .filter((name) => /^ld-linux.*\.so/.test(name));
  const load = path.join(libraries[0], loader);
  fs.mkdirSync(path.join(bin, 'cli-plugins'), { recursive: true });
  const add = (file, program) =>
    fs.writeFileSync(
      path.join(bin, file),
      `#!/bin/sh\nexec '${load}' --library-path '${libraries.join(':')}' --argv0 "$0" '${path.join(peersFolder, program)}' "$@"\n`,
      { mode: 0o755 },
    );
  add('docker', 'usr/bin/docker');
  for (const name of ['docker-buildx', 'docker-compose'])
    add(`cli-plugins/${name}`, `usr/libexec/docker/cli-plugins/${name}`);
}

/** Somebody else may have made it meanwhile. */
function replace(part) {
  if (fs.existsSync(peersFolder)) {
    const old = fs.mkdtempSync(path.join(cache, 'peers-'));
    fs.renameSync(peersFolder, path.join(old, 'old'));
    fs.rmSync(old, { recursive: true, force: true });
  }
  fs.renameSync(part, peersFolder);
}

/**
 * The command line that runs a program of the folder as root, with the folder as its root directory and this machine's /proc /sys /dev /run /tmp, the
 * checkout and the current folder in it: sockets and files there are the same for both sides. The network is the caller's.
 */
export const inPeers = (places, command) => [
  'unshare',
  ...['--mount', '--propagation', 'slave', 'sh', '-ec', ENTER, 'sh'],
  ...[peersFolder, String(places.length), ...places, ...command],
];

// pivot_root, not chroot: under a chroot, whatever joins a container's mount namespace (exec, cp) lands in this machine's own root
// instead of the container's.
const ENTER = `root=$1 count=$2 here=$PWD; shift 2
mount --bind "$root" "$root"; cd "$root"
for place in proc sys dev run tmp; do mount --rbind "/$place" "$root/$place"; done
for file in hosts resolv.conf passwd group subuid subgid; do
  if [ -e "/etc/$file" ]; then : >> "$root/etc/$file"; mount --bind "/etc/$file" "$root/etc/$file"; fi
done
while [ "$count" -gt 0 ]; do
  case $1/ in /tmp/*|/run/*|/dev/*) ;; *) mkdir -p "$root$1"; mount --rbind "$1" "$root$1";; esac
  shift; count=$((count - 1))
done
mkdir -p .host; pivot_root . .host; umount -l /.host
cd "$here" 2> /dev/null || cd /
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec "$@"`;
