/*
 * A helper of our own in a directory of its own, containers made of busybox, and what the tests say to their monitors.
 * Everything is removed at the end, and what is left nevertheless is a failure.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export { sleep };

const programs = process.env.SLIPWAY_NATIVE_BUILD ?? fileURLToPath(new URL('../build/', import.meta.url));
const busybox = '/bin/busybox';

/** Why the kernel tests cannot run here; undefined where they can. */
export const unable = process.getuid() !== 0 ? 'needs root' : undefined;

const newId = () => randomBytes(32).toString('hex');

/** Lines, then whatever else comes, from a socket. */
export class Wire {
  constructor(path) {
    this.bytes = Buffer.alloc(0);
    this.ended = false;
    this.failure = undefined;
    this.wake = () => undefined;
    this.socket = connect({ path, allowHalfOpen: true });
    this.socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.wake();
    });
    this.socket.on('error', (error) => {
      this.failure = error;
      this.ended = true;
      this.wake();
    });
    this.socket.on('end', () => {
      this.ended = true;
      this.wake();
    });
    this.socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  async until(ready, what, patience = 120_000) {
    const deadline = Date.now() + patience;
    for (;;) {
      const result = ready();
      if (result !== undefined) return result;
      if (Date.now() > deadline)
        throw new Error(`waited in vain for ${what}; have ${JSON.stringify(this.bytes.toString().slice(-500))}`);
      if (this.ended && ready() === undefined)
        throw (
          this.failure ??
          new Error(`the connection ended before ${what}; have ${JSON.stringify(this.bytes.toString().slice(-500))}`)
        );
      await Promise.race([new Promise((resolve) => (this.wake = resolve)), sleep(100)]);
    }
  }

  take(count, patience) {
    return this.until(
      () => {
        if (this.bytes.length < count) return undefined;
        const taken = this.bytes.subarray(0, count);
        this.bytes = this.bytes.subarray(count);
        return taken;
      },
      `${count} bytes`,
      patience,
    );
  }

  line(patience) {
    return this.until(
      () => {
        const end = this.bytes.indexOf(10);
        if (end < 0) return undefined;
        const line = this.bytes.toString('utf8', 0, end);
        this.bytes = this.bytes.subarray(end + 1);
        return line;
      },
      'a line',
      patience,
    );
  }

  /** Everything up to the end. */
  async rest(patience = 120_000) {
    const deadline = Date.now() + patience;
    while (!this.ended) {
      if (Date.now() > deadline) throw new Error('the connection does not end');
      await Promise.race([new Promise((resolve) => (this.wake = resolve)), sleep(100)]);
    }
    return this.bytes;
  }

  /** Until the text has come. */
  text(wanted, patience) {
    return this.until(
      () => (this.bytes.includes(wanted) ? this.bytes.toString() : undefined),
      JSON.stringify(wanted),
      patience,
    );
  }

  close() {
    this.socket.destroy();
  }
}

/** Docker's frames, taken apart. */
export function frames(bytes) {
  const out = { 1: [], 2: [] };
  let at = 0;
  while (at < bytes.length) {
    assert.ok(at + 8 <= bytes.length, 'a frame header is whole');
    const length = bytes.readUInt32BE(at + 4);
    assert.deepEqual([...bytes.subarray(at + 1, at + 4)], [0, 0, 0]);
    assert.ok(at + 8 + length <= bytes.length, 'a frame is whole');
    out[bytes[at]].push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { stdout: Buffer.concat(out[1]), stderr: Buffer.concat(out[2]) };
}

/** A connection to monitor.sock that steers. */
export class Control {
  static async open(stateDir, hello = 'control 1\n') {
    const control = new Control();
    control.wire = new Wire(join(stateDir, 'monitor.sock'));
    control.wire.socket.write(hello);
    control.events = [];
    control.state = await control.wire.line();
    return control;
  }

  async ask(command) {
    this.wire.socket.write(command + '\n');
    for (;;) {
      const line = await this.wire.line();
      if (line.startsWith('event ')) this.events.push(line);
      else return line;
    }
  }

  async event(name, patience) {
    for (;;) {
      const seen = this.events.find((line) => line.startsWith(`event ${name}`));
      if (seen) return words(seen);
      this.events.push(await this.wire.line(patience));
    }
  }

  close() {
    this.wire.close();
  }
}

export const words = (line) =>
  Object.fromEntries(line.split(' ').flatMap((word) => (word.includes('=') ? [word.split(/=(.*)/s).slice(0, 2)] : [])));

/** Joins a process's streams. `log` and `seq` are where the stream goes on. */
export async function attach(stateDir, { stdin = true, stdout = true, stderr = true, exec, framed, outlet = false, after } = {}) {
  const wire = new Wire(join(stateDir, 'monitor.sock'));
  const flag = (on) => (on ? 1 : 0);
  const subject = exec ? ` exec=${exec}` : '';
  const form = framed === undefined ? '' : ` framed=${flag(framed)}`;
  const where = `${outlet ? ' outlet=1' : ''}${after ? ` after=${after}` : ''}`;
  wire.socket.write(`attach${subject} stdin=${flag(stdin)} stdout=${flag(stdout)} stderr=${flag(stderr)}${form}${where}\n`);
  const line = await wire.line();
  assert.equal(line.replace(/^ok log=\d+ seq=\d+/, 'ok'), `ok${stdin ? where.replace(/ after.*/, '') : where}`);
  wire.log = Number(words(line).log);
  wire.seq = Number(words(line).seq);
  return wire;
}

export class Container {
  constructor(helper, id, stateDir, folder) {
    Object.assign(this, {
      helper,
      id,
      stateDir,
      folder,
      logFile: join(folder, `${id}-json.log`),
      exitFile: join(folder, 'exit.json'),
    });
  }

  async control() {
    return (this.steering ??= await Control.open(this.stateDir));
  }

  attach(streams) {
    return attach(this.stateDir, streams);
  }

  async start() {
    const answer = await (await this.control()).ask('start');
    if (answer !== 'ok') throw new Error(answer);
  }

  async exited(patience) {
    return (await this.control()).event('exited', patience);
  }

  async record() {
    return JSON.parse(await readFile(this.exitFile, 'utf8'));
  }

  async log(suffix = '') {
    const text = await readFile(this.logFile + suffix, 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  async monitor() {
    return JSON.parse(await readFile(join(this.stateDir, 'monitor.json'), 'utf8'));
  }

  async delete() {
    this.steering?.close();
    await this.helper.ask({ op: 'delete', id: this.id, exec: false });
  }
}

/** A further process, held by the monitor of its container. */
export class Exec {
  constructor(container, id) {
    Object.assign(this, { container, id });
  }

  control() {
    return this.steering;
  }

  attach(streams) {
    return attach(this.container.stateDir, { ...streams, exec: this.id });
  }

  async start() {
    const answer = await this.steering.ask('start');
    if (answer !== 'ok') throw new Error(answer);
    this.pid = Number((await this.steering.event('started')).pid);
  }

  exited(patience) {
    return this.steering.event('exited', patience);
  }
}

/** What `exec 1` takes. */
export const execRecord = (args, options = {}) => [
  `user=${options.user ?? ''}`,
  `cwd=${options.cwd ?? '/'}`,
  `tty=${options.tty ? 1 : 0}`,
  `stdin=${options.stdin ? 1 : 0}`,
  `rows=${options.rows ?? 0}`,
  `cols=${options.cols ?? 0}`,
  `privileged=${options.privileged ? 1 : 0}`,
  `caps=${options.caps ?? 'a80425fb'}`,
  ...(options.groups ?? []).map((group) => `group=${group}`),
  ...['PATH=/bin', 'TERM=xterm', ...(options.env ?? [])].map((entry) => `env=${entry}`),
  ...(options.toolbox ? [`toolbox=${options.toolbox}`] : []),
  ...args.map((arg) => `${options.toolbox ? 'applet' : 'arg'}=${arg}`),
];

/** One helper with its directories. */
export class Bench {
  static async open({ person, build = programs, environment } = {}) {
    const bench = new Bench();
    bench.person = person;
    bench.environment = environment;
    bench.root = await mkdtemp(join(tmpdir(), 'slipway-native-'));
    await chmod(bench.root, 0o755);
    bench.runDir = join(bench.root, 'run');
    bench.data = join(bench.root, 'data');
    bench.binary = join(build, 'slipway-helper');
    bench.containers = [];
    bench.execs = [];
    if (person) {
      bench.binary = join(bench.root, 'bin/slipway-helper');
      await cp(build, join(bench.root, 'bin'), {
        recursive: true,
        filter: (from) => !/musl|base|kernel|commands|include|\.o$/.test(from.slice(build.length)),
      });
    }
    for (const folder of [bench.runDir, bench.data, join(bench.data, 'containers'), join(bench.data, 'layers/1')]) {
      await mkdir(folder, { recursive: true, mode: folder === bench.runDir ? 0o700 : 0o755 });
      if (person) await chown(folder, person.uid, person.gid);
    }
    if (person) await chown(join(bench.data, 'layers'), person.uid, person.gid);
    await bench.layer(join(bench.data, 'layers/1/fs'));
    await bench.start();
    return bench;
  }

  /** A root file system: busybox under all of its names, and the files that name users. */
  async layer(target) {
    for (const folder of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'root', 'home/app'])
      await mkdir(join(target, folder), { recursive: true });
    await cp(busybox, join(target, 'bin/busybox'));
    const applets = spawnSync(busybox, ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n');
    for (const applet of applets)
      if (applet !== 'busybox') await symlink('busybox', join(target, 'bin', applet)).catch(() => undefined);
    await writeFile(
      join(target, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n',
    );
    await writeFile(join(target, 'etc/group'), 'root:x:0:\nweb:x:33:app\napp:x:1000:\n');
    await writeFile(join(target, 'etc/not-a-program'), 'nothing\n');
    await chmod(join(target, 'tmp'), 0o1777);
    if (this.person) spawnSync('chown', ['-R', `${this.person.uid}:${this.person.gid}`, target]);
  }

  async start() {
    const options = {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, ...this.environment },
    };
    if (this.person)
      Object.assign(options, {
        uid: this.person.uid,
        gid: this.person.gid,
        cwd: '/',
        env: { ...options.env, HOME: this.person.home, USER: this.person.name },
      });
    this.process = spawn(this.binary, ['serve', '--run-dir', this.runDir, '--data-root', this.data], options);
    let said = '';
    await new Promise((resolve, reject) => {
      this.process.stdout.on('data', (text) => {
        said += text;
        if (said.includes('ready\n')) resolve();
      });
      this.process.stderr.on('data', (text) => (said += text));
      this.process.on('close', (code) => reject(new Error(`the helper ended with ${code}: ${said}`)));
    });
    this.hello = await this.ask({ op: 'hello' });
  }

  async kill() {
    process.kill(this.hello.pid, 'SIGKILL');
    while (alive(this.hello.pid)) await sleep(5);
  }

  wire() {
    return new Wire(join(this.runDir, 'helper.sock'));
  }

  async ask(request, { onProgress, body } = {}) {
    const wire = this.wire();
    wire.socket.write(JSON.stringify(request) + '\n');
    if (body !== undefined) wire.socket.end(body);
    try {
      for (;;) {
        const answer = JSON.parse(await wire.line());
        if (answer.progress) onProgress?.(answer.progress);
        else if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error, { answer });
        else return answer;
      }
    } finally {
      wire.close();
    }
  }

  /** Bundle and request of a container; `run` sends it. */
  async bundle(args, options = {}) {
    const id = newId();
    const folder = join(this.data, 'containers', id);
    for (const name of ['', 'upper', 'work', 'bundle']) {
      await mkdir(join(folder, name));
      if (this.person) await chown(join(folder, name), this.person.uid, this.person.gid);
    }
    const overlay = {
      lower: [join(this.data, 'layers/1/fs')],
      upper: join(folder, 'upper'),
      work: join(folder, 'work'),
    };
    const config = configOf(args, options, overlay, id);
    await options.change?.(config, folder);
    await writeFile(join(folder, 'bundle/config.json'), JSON.stringify(config));
    const container = new Container(this, id, join(this.runDir, 'c', id.slice(0, 16)), folder);
    const request = {
      op: 'run',
      id,
      bundle: join(folder, 'bundle'),
      stateDir: container.stateDir,
      cgroup: `slipway/${id}`,
      io: {
        tty: options.tty ?? false,
        stdin: options.stdin ?? false,
        stdinOnce: options.stdinOnce ?? false,
        rows: options.rows ?? 0,
        cols: options.cols ?? 0,
      },
      log: options.log === null ? null : { path: container.logFile, maxSize: 0, maxFile: 1, ...options.log },
      exitFile: container.exitFile,
      network: options.network ?? null,
      runtime: this.runtime ?? null,
    };
    return { container, request };
  }

  /** A container that waits for its start. */
  async run(args, options = {}) {
    const { container, request } = await this.bundle(args, options);
    this.containers.push(container);
    Object.assign(container, await this.ask(request));
    return container;
  }

  /** Runs a shell script to its end; what it said and how it ended. */
  async sh(script, options = {}) {
    const container = await this.run(['/bin/sh', '-c', script], options);
    const streams = await container.attach({ stdin: false });
    await container.start();
    const bytes = await streams.rest();
    const exit = await container.exited();
    return { container, exit, bytes, ...(options.tty ? { stdout: bytes, stderr: Buffer.alloc(0) } : frames(bytes)) };
  }

  /** A further process in a container; it waits for its start. */
  async exec(container, args, options = {}) {
    if (this.runtime) return this.#foreignExec(container, args, options);
    const exec = new Exec(container, newId().slice(0, 16));
    const record = Buffer.from(execRecord(args, options).map((text) => `${text}\0`).join(''));
    const hello = Buffer.concat([Buffer.from(`exec 1 ${exec.id} ${record.length}\n`), record]);
    exec.steering = await Control.open(container.stateDir, hello);
    assert.match(exec.steering.state, /^state created /);
    return exec;
  }

  /** Another runtime's exec has a monitor of its own. */
  async #foreignExec(container, args, options) {
    const id = newId();
    const stateDir = join(this.runDir, 'x', id.slice(0, 16));
    const exec = new Container(this, id, stateDir, container.folder);
    exec.exitFile = join(container.folder, `exec-${id.slice(0, 8)}.json`);
    this.execs.push(exec);
    const { container: target } = await container.monitor();
    Object.assign(
      exec,
      await this.ask({
        op: 'exec',
        id,
        container: container.id,
        pid: target.pid,
        pidStart: target.startTime,
        bundle: join(container.folder, 'bundle'),
        process: {
          terminal: options.tty ?? false,
          // As the engine asks: the runtime gives the terminal its size before the program looks.
          ...(options.rows && { consoleSize: { height: options.rows, width: options.cols } }),
          cwd: '/',
          args,
          env: ['PATH=/bin', 'TERM=xterm'],
          user: { uid: 0, gid: 0 },
          capabilities: capabilities(),
        },
        user: options.user ?? '',
        groups: [],
        privileged: false,
        stateDir,
        cgroup: `slipway/${container.id}`,
        io: {
          tty: options.tty ?? false,
          stdin: options.stdin ?? false,
          rows: options.rows ?? 0,
          cols: options.cols ?? 0,
        },
        exitFile: exec.exitFile,
        runtime: this.runtime ?? null,
      }),
    );
    return exec;
  }

  /** Ends everything, and says what stayed behind. */
  async close() {
    if (!alive(this.hello.pid)) await this.start();
    for (const exec of this.execs) await this.ask({ op: 'delete', id: exec.id, exec: true });
    for (const container of this.containers) await container.delete();
    await this.end();
    const left = [];
    for (const kind of ['c', 'x'])
      left.push(...(await readdir(join(this.runDir, kind))).map((name) => `state ${kind}/${name}`));
    for (const container of this.containers)
      left.push(...(await cgroupsOf(container.id)).map((path) => `cgroup ${path}`));
    left.push(...(await processesOf(this.root)).map((text) => `process ${text}`));
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    left.push(
      ...mounts
        .split('\n')
        .filter((line) => line.includes(this.root))
        .map((line) => `mount ${line}`),
    );
    await rm(this.root, { recursive: true, force: true });
    assert.deepEqual(left, [], 'nothing is left behind');
  }

  /** A goodbye with which the helper goes too. */
  async end() {
    const owner = this.wire();
    owner.socket.write('{"op":"own","headless":null}\n');
    assert.equal(await owner.line(), '{"ok":true}');
    owner.socket.write('{"op":"goodbye","end":true}\n');
    await owner.rest();
    owner.close();
    while (alive(this.hello.pid)) await sleep(5);
  }
}

export function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function cgroupsOf(id) {
  const found = [];
  for (const name of ['', ...(await readdir('/sys/fs/cgroup'))]) {
    const path = join('/sys/fs/cgroup', name, 'slipway', id);
    if (await stat(path).catch(() => undefined)) found.push(path);
  }
  return found;
}

/** Processes that name our directory in their command, or hold their place in it. */
async function processesOf(root) {
  const found = [];
  for (let tries = 0; tries < 400; tries++) {
    found.length = 0;
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      if (Number(pid) === process.pid) continue;
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '');
      if (command.includes(root) || mounts.includes(root)) found.push(`${pid} ${command.replaceAll('\0', ' ')}`);
    }
    if (found.length === 0) break;
    await sleep(50);
  }
  return found;
}

const capabilities = () => {
  const names =
    'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE';
  const list = names.split(' ').map((name) => `CAP_${name}`);
  return { bounding: list, effective: list, permitted: list };
};

function configOf(args, options, overlay, id) {
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: options.tty ?? false,
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin', 'TERM=xterm', ...(options.env ?? [])],
      cwd: '/',
      capabilities: capabilities(),
      noNewPrivileges: options.noNewPrivileges ?? false,
    },
    root: { path: 'rootfs' },
    hostname: 'bench',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'].slice(
          0,
          options.rootless ? 5 : 6,
        ),
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'],
      },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    ],
    annotations: {
      'dev.slipway.overlay': JSON.stringify(overlay),
      'dev.slipway.user': options.user ?? '',
      ...(options.init && { 'dev.slipway.init': 'true' }),
    },
    linux: {
      cgroupsPath: `slipway/${id}`,
      namespaces: ['pid', 'mount', 'network', 'uts', 'ipc', 'cgroup'].map((type) => ({ type })),
      resources: {
        ...(options.memory && { memory: { limit: options.memory, swap: options.memory } }),
        ...(options.resources ?? {}),
      },
      maskedPaths: ['/proc/kcore', '/sys/firmware'],
      readonlyPaths: ['/proc/sys'],
    },
  };
}
