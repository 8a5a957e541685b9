/** Engines to attack: of root, of an ordinary user, and of root with user namespaces; images and programs for the attacks. */
import { createHash } from 'node:crypto';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { busyboxArchive, docker, loadBusybox, root, run, startEngine, type Ran } from '../../fixtures/engine.js';
import { makePerson } from '../../fixtures/person.js';

export const needsRoot = process.getuid?.() === 0 ? false : 'needs root';

/** What an attacker has that a person trusts a little too much. */
export const TRUSTED = ['--cap-add', 'SYS_PTRACE', '--security-opt', 'seccomp=unconfined'];

/** From anywhere to the root. */
export const up = '../../../../../../../../../../../..';

/** Reads and writes what is masked or read-only; prints `0` and `end` where all of that holds. */
export const COVERED = `for file in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/sys/kernel/hostname; do
  (echo h > $file) 2>&- && echo wrote $file; done
cat /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug 2>&- | head -c 100000 | wc -c; echo end`;

export const everybody = ['root', 'root with user namespaces', 'an ordinary user'] as const;
/** What a test of ours asks for, another runtime has to stand as well: else it asks for what nobody has. */
export const control = 'root, by runc';
export type Who = (typeof everybody)[number] | typeof control;

export interface Ground {
  readonly who: Who;
  readonly socket: string;
  readonly runDir: string;
  readonly dataRoot: string;
  readonly pid: number;
  /** A directory of the host: `outside/` in it must stay as it is, `tools/` is for containers to mount. */
  readonly folder: string;
  /** The programs that an attacker would like to change. */
  readonly programs: string;
  run(...args: string[]): Promise<Ran>;
  /** The same, and it has to work. */
  says(...args: string[]): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An engine whose programs are copies, should an attack succeed. */
export async function open(who: Who, flags: string[] = []): Promise<Ground> {
  const person = who === 'an ordinary user' ? await makePerson({ window: false }) : undefined;
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-attacked-'));
  await chmod(folder, 0o755);
  const programs = path.join(folder, 'programs');
  for (const name of ['slipway-helper', 'slipway-monitor', 'seccomp-default.json'])
    await cp(path.join(root, 'native/build', name), path.join(programs, name));
  for (const name of ['outside', 'tools', 'engine']) await mkdir(path.join(folder, name));
  if (person)
    for (const name of ['outside', 'engine', 'programs']) await chown(path.join(folder, name), person.uid, person.gid);
  if (person)
    for (const name of ['slipway-helper', 'slipway-monitor'])
      await chown(path.join(programs, name), person.uid, person.gid);
  const engine = await startEngine({
    folder: path.join(folder, 'engine'),
    flags: [
      ...flags,
      ...['--helper', path.join(programs, 'slipway-helper')],
      ...(who === 'root with user namespaces' ? ['--userns-remap=default'] : []),
      ...(who === control ? ['--add-runtime', 'runc=/usr/sbin/runc', '--default-runtime', 'runc'] : []),
    ],
    ...(person && {
      command: [...person.become, process.execPath, path.join(person.checkout, 'out/daemon.cjs')],
      env: { HOME: folder },
    }),
  });
  await loadBusybox(engine);
  const attempt = (...args: string[]) => docker(engine, args);
  return {
    ...{ who, folder, programs, socket: engine.socket, runDir: engine.runDir, dataRoot: engine.dataRoot },
    pid: engine.process.pid as number,
    run: attempt,
    async says(...args) {
      const ran = await attempt(...args);
      if (ran.code !== 0) throw new Error(`docker ${args.join(' ')}: ${ran.code} ${ran.stdout}${ran.stderr}`);
      return ran.stdout;
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await person?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** A static program from this folder, for containers to mount at /t. */
export async function compile(ground: Ground, name: string): Promise<void> {
  const source = path.join(root, 'e2e/engine/security', `${name}.c`);
  const to = path.join(ground.folder, 'tools', name);
  const built = await run('musl-gcc', [
    '-static',
    '-O1',
    '-Wall',
    '-Werror',
    '-idirafter',
    '/usr/include',
    '-idirafter',
    '/usr/include/x86_64-linux-gnu',
    '-o',
    to,
    source,
  ]);
  if (built.code !== 0) throw new Error(built.stderr);
}

/** Busybox with one layer on top: what `change` makes of an empty directory, and what the image says of itself. */
export async function loadImage(
  ground: Ground,
  tag: string,
  { change, config = {} }: { change?: (layer: string) => Promise<unknown>; config?: object },
): Promise<void> {
  const base = await mkdtemp(path.join(tmpdir(), 'slipway-image-'));
  try {
    await run('tar', ['-C', base, '-xf', await busyboxArchive()]);
    const [manifest] = JSON.parse(await readFile(path.join(base, 'manifest.json'), 'utf8')) as [
      { Config: string; Layers: string[] },
    ];
    const image = JSON.parse(await readFile(path.join(base, manifest.Config), 'utf8')) as {
      config: object;
      rootfs: { diff_ids: string[] };
      history: object[];
    };
    await mkdir(path.join(base, 'layer'));
    await change?.(path.join(base, 'layer'));
    await run('tar', ['-C', path.join(base, 'layer'), '--numeric-owner', '-cf', path.join(base, 'more.tar'), '.']);
    const digest = createHash('sha256')
      .update(await readFile(path.join(base, 'more.tar')))
      .digest('hex');
    image.rootfs.diff_ids.push(`sha256:${digest}`);
    image.history.push({ created_by: 'attack' });
    Object.assign(image.config, config);
    await writeFile(path.join(base, 'image.json'), JSON.stringify(image));
    await writeFile(
      path.join(base, 'manifest.json'),
      JSON.stringify([{ Config: 'image.json', RepoTags: [tag], Layers: [...manifest.Layers, 'more.tar'] }]),
    );
    const archive = path.join(base, 'attack.tar');
    await run('tar', ['-C', base, '-cf', archive, 'image.json', 'manifest.json', 'more.tar', ...manifest.Layers]);
    await ground.says('load', '-q', '-i', archive);
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

/** What the programs of an engine are, to be compared. */
export async function fingerprint({ programs }: Ground): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['slipway-helper', 'slipway-monitor']) hash.update(await readFile(path.join(programs, name)));
  return hash.digest('hex');
}
