/**
 * What the tests need from Debian's archive, made once before they lose the network: a root file system of a real Debian (for images) and
 * a small guest machine with cgroup v2 and systemd. Both are kept below node_modules/.cache/slipway-test.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

// Not setup.mjs's: that imports this file while it is itself being loaded.
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const cache = path.join(root, 'node_modules/.cache/slipway-test');
/** A tar of Debian 12's essential packages, made by mmdebstrap. */
export const debianTar = path.join(cache, 'debian.tar');
/** What of Debian the guest has besides itself: our programs' libraries, and a tool that a test needs. */
const GUEST_EXTRA = [
  ...['libarchive13', 'libjson-c5', 'libseccomp2', 'libmnl0', 'libssl3', 'strace'],
  ...(['x64', 'arm64'].includes(process.arch) ? ['libisal2'] : []),
].join();
/** The guest's images; empty where no guest could be made (tests that need it skip aloud). */
export const guestCache = path.join(cache, 'guest');

/** Makes what is missing, both at once. Returns words for the set-up's report, or false when there was nothing to do. */
export async function testImages(tell) {
  fs.mkdirSync(cache, { recursive: true });
  const did = (await Promise.all([debianImage(tell), guestMachine(tell)])).filter(Boolean);
  return did.length > 0 ? did.join(' and ') : false;
}

async function debianImage(tell) {
  if (fs.existsSync(debianTar)) return undefined;
  tell('a Debian root file system for the test registry (mmdebstrap, about 100 MB)');
  const part = `${debianTar}.part`;
  const options = ['--quiet', '--variant=essential', '--mode=auto', '--format=tar'];
  const ran = await run('mmdebstrap', [...options, 'bookworm', part, ...sources()]);
  if (ran.status !== 0) throw new Error(`mmdebstrap failed: ${ran.stderr.trim().split('\n').slice(-3).join('; ')}`);
  fs.renameSync(part, debianTar);
  return 'Debian image';
}

async function guestMachine(tell) {
  const holds = path.join(guestCache, 'holds');
  const known = fs.existsSync(path.join(guestCache, 'root.img')) && fs.existsSync(holds);
  if (known && fs.readFileSync(holds, 'utf8') === GUEST_EXTRA) return undefined;
  fs.rmSync(guestCache, { recursive: true, force: true });
  tell('a guest machine with cgroup v2 and systemd (about a minute, 900 MB)');
  const built = await run(path.join(root, 'e2e/guest/guest.sh'), ['build'], { GUEST_CACHE: guestCache, GUEST_EXTRA });
  // It is tried again at the next set-up: a network may come back, a package may be installed.
  if (built.status !== 0) {
    const why = built.stderr.trim().split('\n').pop();
    tell(`no guest machine could be made here, the tests that need one will say so: ${why}`);
    return undefined;
  }
  fs.writeFileSync(holds, GUEST_EXTRA);
  return 'guest machine';
}

/** The machine's own package sources, so that mmdebstrap asks where apt asks. */
function sources() {
  const files = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'];
  return files
    .filter((file) => fs.existsSync(file) && /\S/.test(fs.readFileSync(file, 'utf8').replaceAll(/^#.*$/gm, '')))
    .slice(-1);
}

async function run(program, args, env = {}) {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const failed = once(child, 'error').then(([error]) => ({ status: 1, stderr: error.message }));
  const ended = once(child, 'close').then(([status]) => ({ status: status ?? 1, stderr }));
  return Promise.race([failed, ended]);
}
