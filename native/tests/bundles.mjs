/*
 * Bundles made by hand for the OCI runtime, and a shell that drives it: as root, or as an ordinary user in a user namespace.
 * The runtime under test is ours, or the one SLIPWAY_OCI_RUNTIME names (runc), as an oracle.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const built = process.env.SLIPWAY_HELPER ?? fileURLToPath(new URL('../build/slipway-helper', import.meta.url));
const profile = fileURLToPath(new URL('../seccomp-default.json', import.meta.url));

/** Why nothing here can run; undefined where it can. */
export const unable = process.getuid() !== 0 ? 'needs root, to make an ordinary user with and to compare with root' : undefined;

export const capabilities = 'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
  .split(' ')
  .map((name) => `CAP_${name}`);

/** The default profile for a container with Docker's capabilities on this machine. */
export function seccomp() {
  const { defaultAction, defaultErrnoRet, syscalls } = JSON.parse(readFileSync(profile, 'utf8'));
  const applies = ({ includes = {}, excludes = {} }) =>
    (includes.caps ?? []).every((name) => capabilities.includes(name)) &&
    (!includes.arches || includes.arches.includes('amd64')) &&
    !(excludes.caps ?? []).some((name) => capabilities.includes(name));
  return {
    defaultAction,
    defaultErrnoRet,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
    syscalls: syscalls.filter(applies).map(({ names, action, errnoRet, args }) => ({ names, action, errnoRet, args })),
  };
}

const dockersMounts = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'] },
];

const masked = ['/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware'];
const readonly = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

let serial = 0;

/** One person's place: bundles, the runtime's state, the runtime itself where they can reach it. */
export class Yard {
  constructor(person) {
    this.person = person;
    this.root = mkdtempSync(join(tmpdir(), 'slipway-oci-'));
    chmodSync(this.root, 0o755);
    this.runtime = process.env.SLIPWAY_OCI_RUNTIME ?? join(this.root, 'slipway-helper');
    if (this.runtime.startsWith(this.root)) copyFileSync(built, this.runtime);
    this.base = join(this.root, 'base');
    for (const folder of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'root']) mkdirSync(join(this.base, folder), { recursive: true });
    copyFileSync('/bin/busybox', join(this.base, 'bin/busybox'));
    for (const applet of spawnSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n'))
      if (applet !== 'busybox') symlinkSync('busybox', join(this.base, 'bin', applet));
    writeFileSync(join(this.base, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n');
    writeFileSync(join(this.base, 'etc/group'), 'root:x:0:\nweb:x:33:app\napp:x:1000:\n');
    chmodSync(join(this.base, 'tmp'), 0o1777);
    mkdirSync(join(this.root, 'state'));
    if (person) spawnSync('chown', ['-R', `${person.uid}:${person.gid}`, this.root]);
  }

  /**
   * Makes a bundle and runs `script` with $BUNDLE, $ID and the runtime as `oci`; without a script: create, start, wait, delete.
   * `change(config, bundle)` alters it first.
   */
  run(args, { change, script = 'oci create -b "$BUNDLE" "$ID" || exit 125; oci start "$ID" || { oci delete -f "$ID"; exit 126; }; ended; oci delete "$ID"', input = '', env = {} } = {}) {
    const id = `case-${process.pid}-${++serial}`;
    const bundle = join(this.root, id);
    mkdirSync(bundle);
    cpSync(this.base, join(bundle, 'rootfs'), { recursive: true, verbatimSymlinks: true });
    const config = this.#config(args, id);
    change?.(config, bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    if (this.person) spawnSync('chown', ['-hR', `${this.person.uid}:${this.person.gid}`, bundle]);
    const shell = `oci() { "${this.runtime}" --root "${this.root}/state" "$@"; }
      state() { oci state "$ID" 2>/dev/null | sed -n 's/.*"status": *"\\([a-z]*\\)".*/\\1/p'; }
      pid() { oci state "$ID" | sed -n 's/.*"pid": *\\([0-9]*\\).*/\\1/p'; }
      ended() { n=0; while [ "$(state)" != stopped ] && [ $n -lt 6000 ]; do sleep 0.01; n=$((n+1)); done; }
      ${script}`;
    const become = this.person
      ? ['setpriv', `--reuid=${this.person.uid}`, `--regid=${this.person.gid}`, '--clear-groups', 'unshare', '--user', '--map-root-user', '--map-auto', '--mount', '--net']
      : ['unshare', '--net']; // whatever a container of ours does to a network, it is not the host's
    const [program, ...words] = [...become, 'sh', '-c', shell];
    const { stdout, stderr, status, signal } = spawnSync(program, words, {
      input,
      env: { PATH: process.env.PATH, BUNDLE: bundle, ID: id, ...env },
      encoding: 'utf8',
      timeout: 300_000,
      cwd: '/',
    });
    return { stdout, stderr, status: signal ?? status, bundle, id };
  }

  #config(args, id) {
    return {
      ociVersion: '1.2.0',
      process: {
        terminal: false,
        user: { uid: 0, gid: 0 },
        args,
        env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
        cwd: '/',
        capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      },
      root: { path: 'rootfs' },
      hostname: 'yard',
      mounts: structuredClone(dockersMounts),
      linux: {
        cgroupsPath: this.person ? undefined : `/slipway-oci/${id}`,
        namespaces: ['pid', 'mount', 'network', 'uts', 'ipc', 'cgroup'].map((type) => ({ type })),
        resources: { devices: [{ allow: false, access: 'rwm' }] },
        maskedPaths: masked,
        readonlyPaths: readonly,
        seccomp: seccomp(),
      },
    };
  }

  close() {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** An ordinary user with subordinate ids, for as long as the tests last. */
export function makePerson(name) {
  spawnSync('userdel', ['-f', name]);
  const made = spawnSync('useradd', ['--no-create-home', '--home-dir', '/nonexistent', name], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  const number = (flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout);
  return { name, uid: number('-u'), gid: number('-g'), remove: () => spawnSync('userdel', ['-f', name]) };
}

/** A static program from tests/inside/, for inside a container. */
export function compileInto(folder, name, how = ['-static']) {
  const source = fileURLToPath(new URL(`inside/${name}.c`, import.meta.url));
  const made = spawnSync('gcc', [...how, '-Wall', '-Werror', '-O1', '-o', join(folder, name), source], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
}
