/** `serve`, `disk`, `system df` and `doctor`: what an engine keeps, whether it is whole, and who else may have it. */
import type { Command } from 'commander';
import type { Client } from '../client/index.js';
import type { DiskUsage, Finding, SelfCheckLine } from '../contract/disk.js';
import type { Serving } from '../contract/serve.js';
import type { DockerDiskUsage } from '../contract/system.js';
import type { Context } from './context.js';
import { complain, print, write } from './output.js';
import { listing, table } from './table.js';
import { humanSize } from './units.js';

type WithEngine = (act: (context: Context) => Promise<number | void>) => Promise<void>;

interface Format {
  format?: string;
}

interface ServeFlags extends Format {
  writable?: boolean;
  persist?: boolean;
  token?: boolean;
  stop?: boolean;
  show?: boolean;
}

const FORMAT = ['--format <format>', "Format output: 'table', 'table TEMPLATE', 'json' or 'TEMPLATE'"] as const;

export function storeCommands(program: Command, withEngine: WithEngine): void {
  program
    .command('serve')
    .description('Serve the images of the engine as a registry')
    .option('--persist', 'Serve again whenever the engine starts')
    .option('--show', 'Print whether and where they are served, and change nothing')
    .option('--stop', 'Serve no more')
    .option('--token', 'Ask for a token at a loopback address too')
    .option('--writable', 'Others may push, too')
    .argument('[address]', 'An IP address and a port (default: 127.0.0.1:5000)')
    .action((address: string | undefined, flags: ServeFlags) =>
      withEngine((context) => serve(context, address, flags)),
    );
  program
    .command('disk')
    .description('Show where every byte of the engine is, and what can be given back')
    .option('--collect', 'Give back what belongs to nothing first')
    .option('--format <format>', "Format output: 'json'")
    .action((flags: Format & { collect?: boolean }) => withEngine((context) => disk(context, flags)));
  program
    .command('system')
    .description('Manage the engine')
    .command('df')
    .description('Show disk usage, as docker counts it')
    .option(...FORMAT)
    .action((flags: Format) => withEngine(async ({ client }) => print(df(await client.system.diskUsage(), flags))));
  program
    .command('doctor')
    .description('Say what this machine cannot do, then check every image and layer and repair what can be')
    .option('--quick', 'Leave out the check of images and layers')
    .action((flags: { quick?: boolean }) => withEngine((context) => doctor(context, flags)));
}

async function requireOurs({ client, host }: Context, can: string, what: string): Promise<void> {
  if (!(await client.slipway.features())?.can?.includes(can)) throw new Error(`the engine at ${host} cannot ${what}`);
}

async function serve(context: Context, address: string | undefined, flags: ServeFlags): Promise<number | void> {
  const { client } = context;
  await requireOurs(context, 'serve', 'serve its images');
  if (flags.stop) return client.slipway.serve.stop();
  if (flags.show) {
    const { serving, problem } = await client.slipway.serve.state();
    if (serving) return print(served(serving));
    await complain(problem ? `The images are no longer served at ${problem.address}: ${problem.message}` : 'The images are not served.'); // prettier-ignore
    return 1;
  }
  const { writable = false, persist = false, token: asks = false } = flags;
  const { serving, token } = await client.slipway.serve.start({ address, writable, persist, token: asks });
  if (!serving) throw new Error('the engine did not begin to serve');
  await print(served(serving));
  if (token === undefined) return;
  await print(`Token: ${token}\n`);
  const [host] = hostsOf(serving);
  await complain(
    `It is shown this once: the password of "docker login ${host}", with any user name.\nThe line is not encrypted: docker wants {"insecure-registries": ["${host}"]} in its daemon.json.`,
  );
}

const hostsOf = ({ url, urls }: Serving): string[] => (urls ?? [url]).map((each) => each.replace(/^https?:\/\//, ''));

const served = (serving: Serving): string =>
  `The images are served${serving.writable ? ', and can be pushed to,' : ''} at ${hostsOf(serving).join(', ')}\n`;

async function disk(context: Context, { format, collect }: Format & { collect?: boolean }): Promise<void> {
  await requireOurs(context, 'disk', 'tell where its bytes are');
  const { client } = context;
  if (collect) {
    const { SpaceReclaimed } = await client.slipway.collect();
    await complain(`Reclaimed ${humanSize(SpaceReclaimed)} of what belonged to nothing.`);
  }
  const usage = await counted(client);
  if (format === 'json') return print(`${JSON.stringify(usage)}\n`);
  if (format !== undefined) throw new Error(`unknown format "${format}": json is known`);
  await print(table([['WHAT', 'SIZE', 'RECLAIMABLE'], ...diskRows(usage)]));
  const { Path, Size, Free } = usage.Disk;
  await print(`\n${humanSize(Free)} of ${humanSize(Size)} are free on the disk that holds ${Path}\n`);
}

/** What is being counted behind the answer is waited for. */
async function counted(client: Client): Promise<DiskUsage> {
  for (;;) {
    const usage = await client.slipway.disk();
    if (!usage.Counting) return usage;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** What there is nothing of is left out. */
export function diskRows({
  Layers,
  Containers,
  Volumes,
  Backups,
  Bin,
  Blobs,
  Copies,
  Trash,
  Database,
  Beside,
  Reclaimable,
}: DiskUsage): string[][] {
  const sum = (sizes: (number | null)[]) => sizes.reduce<number>((total, size) => total + (size ?? 0), 0);
  const rows: [what: string, size: number, reclaimable?: number][] = [
    ['Images, unpacked', sum(Layers.map(({ Size }) => Size)), Reclaimable.Images],
    ['Images, as they came', Blobs.Size - Blobs.Leftover.Size],
    ['Images, whole to copy from', Copies.Size],
    ['Containers', sum(Containers.map(({ Files, Log }) => (Files.Size ?? 0) + Log)), Reclaimable.Containers],
    ['Removed containers', Bin.Size, Reclaimable.Bin],
    ['Volumes', sum(Volumes.map(({ Size }) => Size)), Reclaimable.Volumes],
    ['Backups of volumes', Backups?.Size ?? 0],
    ['Leftovers of pulls', Blobs.Leftover.Size, Reclaimable.Leftover],
    ['Being deleted', Trash.Size ?? 0],
    ['Database', Database],
    ['Indexes of layers', Beside?.Indexes ?? 0],
    ['Small files of containers', Beside?.Containers ?? 0],
    ['Settings and others', Beside?.Others ?? 0],
  ];
  return rows
    .filter(([, size, reclaimable]) => size > 0 || (reclaimable ?? 0) > 0)
    .map(([what, size, reclaimable]) => [
      what,
      humanSize(size),
      reclaimable === undefined ? '' : humanSize(reclaimable),
    ]);
}

/** In docker's columns, by docker's sums. */
export function df({ LayersSize, Images, Containers, Volumes, BuildCache }: DockerDiskUsage, flags: Format): string {
  const sum = <Item>(items: Item[], size: (item: Item) => number) =>
    items.reduce((total, item) => total + Math.max(0, size(item)), 0);
  const row = (Type: string, all: { total: number; active: number; size: number; free: number }, percent = true) => ({
    ...{ Type, TotalCount: String(all.total), Active: String(all.active), Size: humanSize(all.size, 4) },
    Reclaimable: `${humanSize(all.free, 4)}${percent && all.size > 0 ? ` (${Math.floor((all.free * 100) / all.size)}%)` : ''}`,
  });
  const used = Images.filter(({ Containers: count }) => count > 0);
  const running = Containers.filter(({ State }) => /^(?:running|paused|restarting)$/.test(State));
  const own = ({ SizeRw }: { SizeRw?: number }) => SizeRw ?? 0;
  const inVolume = ({ UsageData }: { UsageData?: { Size: number } | null }) => UsageData?.Size ?? 0;
  const held = Volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0);
  const size = sum(Containers, own);
  const volumes = sum(Volumes, inVolume);
  const cache = sum(BuildCache, (each) => each.Size);
  const rows = [
    row('Images', {
      ...{ total: Images.length, active: used.length, size: LayersSize },
      free: LayersSize - sum(used, (image) => image.Size - image.SharedSize),
    }),
    row('Containers', { total: Containers.length, active: running.length, size, free: size - sum(running, own) }),
    row('Local Volumes', {
      total: Volumes.length,
      active: held.length,
      size: volumes,
      free: volumes - sum(held, inVolume),
    }),
    row('Build Cache', { total: BuildCache.length, active: 0, size: cache, free: cache }, false),
  ];
  const columns = { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' };
  return listing({ columns, rows, quietField: 'Type' }, flags);
}

/** 1 where something is left that a person has to see to. */
async function doctor(context: Context, { quick }: { quick?: boolean }): Promise<number> {
  const { client, host } = context;
  const features = await client.slipway.features();
  if (!features) throw new Error(`the engine at ${host} is another's: "docker info" says what it can do`);
  const { Driver, DockerRootDir } = await client.system.info();
  const whose = features.rootless ? 'an ordinary user’s' : 'root’s';
  await print(`Slipway ${features.version} at ${host}, ${whose} engine, ${Driver} on ${DockerRootDir}\n`);
  for (const warning of features.warnings) await print(`! ${warning}\n`);
  if (features.warnings.length === 0) await print('This machine can do all that the engine needs.\n');
  if (quick) return 0;
  await requireOurs(context, 'disk', 'check its images');
  const live = process.stderr.isTTY === true;
  const findings: Finding[] = [];
  const tell = (line: SelfCheckLine) => {
    if ('Stage' in line && live) void write(process.stderr, `\r\x1b[K${line.Stage} ${line.Checked}/${line.Total}`);
    if ('Finding' in line) findings.push(line.Finding);
  };
  const { Blobs, Layers, Milliseconds } = await client.slipway.selfCheck({ onLine: tell });
  if (live) await write(process.stderr, '\r\x1b[K');
  for (const { Kind, Id, Images, Problem, Outcome, State } of findings) {
    const of = Images.length > 0 ? ` of ${Images.join(', ')}` : '';
    await print(`${State === 'kept' ? '!' : '✓'} ${Kind} ${Id}${of}: ${Problem}; ${Outcome}\n`);
  }
  const seconds = (Milliseconds / 1000).toFixed(1);
  const looked = `Looked at ${Blobs} blobs and ${Layers} layers in ${seconds} s`;
  await print(findings.length === 0 ? `${looked}: everything is as it should be.\n` : `${looked}.\n`);
  return findings.some(({ State }) => State === 'kept') ? 1 : 0;
}
