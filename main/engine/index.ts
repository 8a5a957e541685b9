/** The architecture, readable from top to bottom: each room may use only the rooms above it. */
import '../base/scopes.js';
import { chmod, mkdir, readdir, realpath, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, conflict, diskError, invalid, messageOf } from '../base/errors.js';
import { createLog } from '../base/log.js';
import { roomOn } from '../base/room.js';
import { releaseSpare } from '../base/spare.js';
import { Store } from '../base/store.js';
import type { HandoverAnswer, SlipwayFeatures } from '../contract/system.js';
import { Backups } from './backups/index.js';
import { checkLogDefaults, checkUserNamespaces, Containers, type LogDefaults, remapOf } from './containers/index.js';
import { Bin, limitOn } from './bin/index.js';
import { Content } from './content/index.js';
import { Disk } from './disk/index.js';
import { Events } from './events/index.js';
import { Execs } from './exec/index.js';
import { Explore } from './explore/index.js';
import { Archives, ContainerTree, Files, FileTree, volumeFiles } from './files/index.js';
import { Folders, Surroundings } from './folders/index.js';
import { Helper } from './helper/index.js';
import { Images, starterBusybox } from './images/index.js';
import { Layers } from './layers/index.js';
import { lockDataRoot } from './lock.js';
import { Networks } from './networks/index.js';
import { Registries } from './registries/index.js';
import { Registry } from './registry/index.js';
import { Serve } from './serve/index.js';
import { Repair } from './repair/index.js';
import { chooseDriver, Snapshots } from './snapshots/index.js';
import { Stats } from './stats/index.js';
import { System } from './system/index.js';
import { Usage } from './usage/index.js';
import { VolumeSurvey } from './volume-survey/index.js';
import { Volumes, type HeldVolume } from './volumes/index.js';

export interface EngineOptions {
  /** The data root. */
  root: string;
  /** The run directory (`--exec-root`). */
  runDir: string;
  helperPath: string;
  /** Docker's default seccomp profile; beside the helper when not given. */
  seccompProfile?: string;
  storeWorker?: string;
  registryMirrors?: string[];
  insecureRegistries?: string[];
  /** Registries (`HOST` or `HOST:PORT`) that are given layers too that their makers do not want distributed. */
  nondistributableTo?: string[];
  /** Further OCI runtimes by name. */
  runtimes?: Record<string, { path: string }>;
  defaultRuntime?: string;
  /** Containers have user ids of their own: `default`, `auto`, a user, a user and a group (`--userns-remap`). */
  usernsRemap?: string | undefined;
  /** How layers are put together; the best that can be had here when not given (`--storage-driver`). */
  storageDriver?: string | undefined;
  /** The log driver and its options for containers that say nothing (`--log-driver`, `--log-opt`). */
  logs?: LogDefaults | undefined;
  /** What `host-gateway` means in `--add-host`; the bridge's gateway where not given. */
  hostGatewayIp?: string | undefined;
  /** Bytes above which the oldest removed containers and volumes go for good (`--bin-size`); undefined: a tenth of the disk, half of what is free at most, 2 GiB at least. */
  binSize?: number | undefined;
  host: SlipwayFeatures['host'];
  /** Keep the last hour of what running containers use, in memory. */
  statsHistory?: boolean | undefined;
  /** What the helper starts when this process dies without a goodbye; null: nothing. */
  headless: { argv: string[]; env: Record<string, string> } | null;
  /** Called when the app asks a standby engine to let go. Without it, the engine belongs to whoever started it. */
  onHandover?: () => void;
  version?: string;
}

const log = createLog('engine');

/** What there is below `/slipway` whatever the machine and the flags; others come and go with these. */
const ALWAYS = [
  'stats',
  'files',
  'bin',
  'change',
  'history',
  'check',
  'folders',
  'registries',
  'serve',
  'disk',
  'layers',
  'volumes',
  'volume-backups',
  'live-mounts',
];

/** Docker's name for what happens when nobody says which runtime. */
const OWN_RUNTIME = 'slipway';

/** Takes the data root, adopts what runs, and is ready to serve. On a full disk too: else nobody could ask it to free some of that. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  try {
    return await openOnce(options);
  } catch (error) {
    const { bavail, bsize } = await statfs(options.root);
    if (bavail * bsize > LEAST_ROOM || !(await releaseSpare(databaseIn(options.root)))) throw error;
    log.warn(`the disk that holds ${options.root} is full: free some space`);
    return openOnce(options);
  }
}

/** With less room on its disk it is of no use to look elsewhere for the reason why an engine does not come up. */
const LEAST_ROOM = 256 * 1024;

/** When an engine wrote to its database last, in Unix milliseconds; 0 where there is none yet. */
async function writtenLast(database: string): Promise<number> {
  const times = [database, `${database}-wal`].map((file) =>
    stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  );
  return Math.max(...(await Promise.all(times)));
}

const databaseIn = (root: string): string => join(root, 'slipway.db');

/**
 * An image's setuid programs and all that containers keep would be within everybody's reach (CVE-2021-41091). A directory that is not ours alone has
 * the mode that somebody chose.
 */
async function keepOthersOut(root: string): Promise<void> {
  const { mode } = await stat(root);
  // Older engines made it 0711; a group that may read was let in by somebody.
  const kept = mode & ((mode & 0o040) === 0 ? 0o7700 : 0o7770);
  if (kept === (mode & 0o7777)) return;
  const found = await readdir(root);
  const why =
    found.length > 0 && !found.includes(basename(databaseIn(root)))
      ? 'it holds other things too'
      : await chmod(root, kept).then(() => undefined, messageOf);
  if (why) log.warn(`others of this machine can look into the data root ${root}, and are not kept out: ${why}`);
}

async function openOnce(options: EngineOptions): Promise<Engine> {
  await mkdir(options.root, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    if (/^(EEXIST|ENOTDIR)$/.test(codeOf(error) ?? ''))
      throw invalid(`${options.root} is a file where the data root should be: choose another with --data-root`);
    throw diskError(error, options.root);
  });
  // Paths go into mounts and records: they are the real ones.
  const root = await realpath(options.root);
  await keepOthersOut(root);
  const { runDir, helperPath, registryMirrors = [], insecureRegistries = [], defaultRuntime = OWN_RUNTIME } = options;
  const { nondistributableTo = [] } = options;
  const version = options.version ?? process.env['SLIPWAY_VERSION'] ?? 'development';
  const runtimes = Object.fromEntries(
    Object.entries(options.runtimes ?? {}).map(([name, { path }]) => [
      name,
      { path, root: join(runDir, 'runtimes', name) },
    ]),
  );

  const undo: (() => Promise<unknown>)[] = [];
  try {
    const lock = await lockDataRoot(root);
    undo.push(async () => lock[Symbol.asyncDispose]());
    const helper = await Helper.open({ binary: helperPath, runDir, dataRoot: root, headless: options.headless });
    undo.push(() => helper.goodbye({ end: true })); // monitors do not need it, and the next engine starts its own
    const tables = [
      ...Usage.tables,
      ...Snapshots.tables,
      ...Images.tables,
      ...Serve.tables,
      ...Repair.tables,
      ...Networks.tables,
      ...Volumes.tables,
      ...Containers.tables,
      ...Backups.tables,
      ...Execs.tables,
      ...System.tables,
    ];
    const lastWrite = await writtenLast(databaseIn(root));
    const store = await Store.open(databaseIn(root), tables, { worker: options.storeWorker });
    undo.push(() => store.close());

    const remap = await remapOf(options.usernsRemap);
    if (remap) checkUserNamespaces(helper.hello);
    checkLogDefaults(options.logs);
    const events = new Events();
    const surroundings = new Surroundings([root, runDir]);
    const folders = new Folders({ surroundings });
    const usage = new Usage({ root, store, helper });
    const content = await Content.open({ root });
    const registry = await Registry.open({ root, mirrors: registryMirrors, insecure: insecureRegistries });
    helper.hello.warnings.push(...registry.warnings);
    const { driver, warning: slow } = chooseDriver(helper.hello.overlay, options.storageDriver);
    if (slow) helper.hello.warnings.push(slow);
    const snapshots = await Snapshots.open({ root, store, helper, driver });
    const layers = new Layers({ content, snapshots, helper });
    const images = await Images.open({
      store,
      content,
      registry,
      snapshots,
      layers,
      events,
      helper,
      nondistributableTo,
    });
    const serve = await Serve.open({ store, content, images });
    undo.push(() => serve.close({ handover: true })); // the next attempt goes on with it
    const registries = new Registries({ registry, images, events });
    const repair = await Repair.open(
      { root, store, helper, content, snapshots, layers, images, registry },
      { lastWrite },
    );
    undo.push(() => repair.close());
    const networks = await Networks.open({ store, helper, runDir, events, rootless: helper.hello.rootless });
    const bin = new Bin({ limit: options.binSize ?? limitOn(await roomOn(root)) });
    const volumes = await Volumes.open({ root, store, helper, usage, events, bin });
    const containers = await Containers.open({
      ...{ root, runDir, store, helper, usage, events, images, snapshots, networks, volumes, bin, runtimes },
      ...{ logs: options.logs, hostGatewayIp: options.hostGatewayIp, surroundings },
      ...(defaultRuntime !== OWN_RUNTIME && { defaultRuntime }),
      ...(remap && { remap }),
      surroundings,
      seccompProfile: options.seccompProfile ?? join(dirname(helperPath), 'seccomp-default.json'),
    });
    undo.push(() => containers.close());
    const backups = await Backups.open({ root, store, helper, usage, volumes, containers });
    undo.push(() => backups.close());
    const stats = new Stats(containers, { history: options.statsHistory === true });
    undo.push(async () => stats.close());
    const execs = await Execs.open({ runDir, store, helper, containers, toolbox: starterBusybox });
    const files = new Files({ helper, containers, images });
    const fileTree = new ContainerTree({ helper, containers });
    const volumeTree = new FileTree(helper, volumeFiles(volumes));
    const volumeArchives = new Archives(helper, volumeFiles(volumes));
    const volumeSurvey = new VolumeSurvey({ volumes, containers, usage, helper, backups });
    const disk = new Disk({ root, usage, content, snapshots, images, repair, containers, volumes, backups, bin });
    repair.sweep.start();
    disk.start();
    backups.start();
    const explore = await Explore.open({ root, helper, snapshots, images, containers });
    const system = await System.open({
      ...{
        store,
        events,
        driver,
        helper,
        images,
        containers,
        execs,
        volumes,
        root,
        version,
        registry,
        runtimes,
        defaultRuntime,
      },
      logs: options.logs,
      remapped: remap !== undefined,
      can: [
        ...ALWAYS,
        ...(stats.keepsHistory ? ['stats-history'] : []),
        ...(helper.hello.rootless ? [] : ['publish', 'networks']),
      ],
      host: options.host,
    });
    for (const warning of [...store.warnings, ...helper.hello.warnings]) log.warn(warning);

    const close = async ({ handover = false }: { handover?: boolean } = {}) => {
      stats.close();
      await serve.close({ handover });
      await backups.close();
      const { running, paused } = containers.counts();
      // What runs goes on without us: its monitors need neither the engine nor the helper.
      const last = !handover && running + paused === 0;
      await containers.close();
      await networks.close({ last });
      await images.settled();
      disk.close();
      usage.close();
      await repair.close();
      await helper.goodbye({ end: last });
      await store.close();
      await lock[Symbol.asyncDispose]();
    };
    let closing: Promise<void> | undefined;
    return {
      ...{
        events,
        images,
        registries,
        serve,
        networks,
        bin,
        volumes,
        containers,
        backups,
        stats,
        execs,
        files,
        fileTree,
        folders,
        volumeTree,
        volumeArchives,
        volumeSurvey,
        disk,
        explore,
        system,
        version,
      },
      widen: (socket) => helper.widen(socket),
      close: (how) => (closing ??= close(how)),
      handOver() {
        if (!options.onHandover)
          throw conflict(`this engine (pid ${process.pid}) was started on purpose and goes on: use it at its socket`);
        return { answer: { pid: process.pid }, letGo: options.onHandover };
      },
    };
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw diskError(error, root);
  }
}

/** Every room, and how the whole comes to rest. */
export interface Engine {
  readonly events: Events;
  readonly images: Images;
  readonly registries: Registries;
  readonly serve: Serve;
  readonly networks: Networks;
  readonly bin: Bin;
  readonly volumes: Volumes;
  readonly containers: Containers;
  readonly backups: Backups;
  readonly stats: Stats;
  readonly execs: Execs;
  readonly files: Files;
  readonly fileTree: ContainerTree;
  readonly volumeTree: FileTree<HeldVolume>;
  readonly volumeArchives: Archives<HeldVolume>;
  readonly volumeSurvey: VolumeSurvey;
  readonly folders: Folders;
  readonly disk: Disk;
  readonly explore: Explore;
  readonly system: System;
  readonly version: string;
  /** For a client's connection that much is written to: its reader gets room to take its time. */
  widen(socket: object): void;
  /** Lets go of the data root. Containers go on; with `handover` so does the helper, for the engine that comes next. */
  close(how?: { handover?: boolean }): Promise<void>;
  /** The answer to who wants to take over, and what to do once it is out. */
  handOver(): { answer: HandoverAnswer; letGo: () => void };
}
