/**
 * What the tests need from Debian's archive, made once before they lose the network: a root file system of a real Debian (for images) and
 * a small guest machine with cgroup v2 and systemd. Both are kept below node_modules/.cache/slipway-test.
 */
import { spawnSync } from 'node:child_process';
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

/** Makes what is missing. Returns words for the set-up's report, or false when there was nothing to do. */
export function testImages(tell) {
  fs.mkdirSync(cache, { recursive: true });
  const did = [];
  if (!fs.existsSync(debianTar)) {
    tell('a Debian root file system for the test registry (mmdebstrap, about 100 MB)');
    const part = `${debianTar}.part`;
    must('mmdebstrap', [
      '--quiet',
      '--variant=essential',
      '--mode=auto',
      '--format=tar',
      'bookworm',
      part,
      ...sources(),
    ]);
    fs.renameSync(part, debianTar);
    did.push('Debian image');
  }
  const holds = path.join(guestCache, 'holds');
  const known = fs.existsSync(path.join(guestCache, 'root.img')) && fs.existsSync(holds);
  if (!known || fs.readFileSync(holds, 'utf8') !== GUEST_EXTRA) {
    fs.rmSync(guestCache, { recursive: true, force: true });
    tell('a guest machine with cgroup v2 and systemd (about a minute, 900 MB)');
    const built = spawnSync(path.join(root, 'e2e/guest/guest.sh'), ['build'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        GUEST_CACHE: guestCache,
        GUEST_EXTRA,
        PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      },
    });
    if (built.status === 0) {
      fs.writeFileSync(holds, GUEST_EXTRA);
      did.push('guest machine');
    }
    // It is tried again at the next set-up: a network may come back, a package may be installed.
    else
      tell(
        `no guest machine could be made here, the tests that need one will say so: ${String(built.stderr).trim().split('\n').pop()}`,
      );
  }
  return did.length > 0 ? did.join(' and ') : false;
}

/** The machine's own package sources, so that mmdebstrap asks where apt asks. */
function sources() {
  const files = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'];
  return files
    .filter((file) => fs.existsSync(file) && /\S/.test(fs.readFileSync(file, 'utf8').replaceAll(/^#.*$/gm, '')))
    .slice(-1);
}

function must(program, args) {
  const ran = spawnSync(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  if (ran.status !== 0)
    throw new Error(`${program} failed: ${String(ran.stderr).trim().split('\n').slice(-3).join('; ')}`);
}
