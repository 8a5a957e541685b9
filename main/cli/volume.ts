/** `slipway volume …`: docker's words for volumes. */
import type { Command } from 'commander';
import type { Volume } from '../contract/volumes.js';
import type { Context } from './context.js';
import { forEach } from './failures.js';
import { filtersOf, type ListFlags } from './lists.js';
import { repeated } from './options.js';
import { print } from './output.js';
import { pairs } from './run-flags.js';
import { inspectEach } from './show.js';
import { listing } from './table.js';
import { humanSize } from './units.js';

export type WithEngine = (act: (context: Context) => Promise<number | void>) => Promise<void>;

interface CreateFlags {
  driver: string;
  label: string[];
  opt: string[];
}

interface PruneFlags {
  all?: boolean;
  filter: string[];
  force?: boolean;
}

/** The group, for what is more than docker's to be added to. */
export function volumeCommands(program: Command, withEngine: WithEngine): Command {
  const volume = program.command('volume').description('Manage volumes');

  volume
    .command('create')
    .description('Create a volume')
    .option('-d, --driver <driver>', 'Specify volume driver name', 'local')
    .addOption(repeated('--label <label>', 'Set metadata for a volume'))
    .addOption(repeated('-o, --opt <option>', 'Set driver specific options'))
    .argument('[volume]')
    .action((name: string | undefined, flags: CreateFlags) =>
      withEngine(async ({ client }) => {
        const { driver: Driver, label, opt } = flags;
        const wish = { Driver, Labels: pairs(label, ''), DriverOpts: pairs(opt, '') };
        const { Name } = await client.volumes.create({ ...wish, ...(name !== undefined && { Name: name }) });
        await print(`${Name}\n`);
      }),
    );

  volume
    .command('inspect')
    .description('Display detailed information on one or more volumes')
    .option('-f, --format <format>', "Format output: 'json' or 'TEMPLATE'")
    .argument('<volume...>')
    .action((names: string[], { format }: { format?: string }) =>
      withEngine(({ client, host }) => inspectEach(names, { format, host }, (name) => client.volumes.inspect(name))),
    );

  volume
    .command('ls')
    .alias('list')
    .description('List volumes')
    .addOption(repeated('-f, --filter <filter>', 'Provide filter values (e.g. "dangling=true")'))
    .option('--format <format>', "Format output: 'table', 'table TEMPLATE', 'json' or 'TEMPLATE'")
    .option('-q, --quiet', 'Only display volume names')
    .action((flags: ListFlags) => withEngine(async (context) => print(await listVolumes(context, flags))));

  volume
    .command('prune')
    .description('Remove unused local volumes')
    .option('-a, --all', 'Remove all unused volumes, not just anonymous ones')
    .addOption(repeated('--filter <filter>', 'Provide filter values (e.g. "label=<label>")'))
    .option('-f, --force', 'Do not prompt for confirmation')
    .action((flags: PruneFlags) => withEngine((context) => prune(context, flags)));

  volume
    .command('rm')
    .alias('remove')
    .description('Remove one or more volumes. You cannot remove a volume that is in use by a container.')
    .option('-f, --force', 'Force the removal of one or more volumes')
    .argument('<volume...>')
    .action((names: string[], { force }: { force?: boolean }) =>
      withEngine(({ client, host }) =>
        forEach(names, host, async (name) => {
          await client.volumes.remove(name, { force });
          await print(`${name}\n`);
        }),
      ),
    );

  return volume;
}

async function listVolumes({ client }: Context, flags: ListFlags): Promise<string> {
  const { Volumes } = await client.volumes.list(filtersOf(flags.filter));
  return listing(
    {
      columns: { Driver: 'DRIVER', Name: 'VOLUME NAME' },
      rows: [...(Volumes ?? [])].sort((a, b) => naturally(a.Name, b.Name)).map(volumeRow),
      quietField: 'Name',
    },
    flags,
  );
}

/** With what only volumes of a cluster have, as docker prints it. */
const volumeRow = ({ Driver, Labels, Mountpoint, Name, Scope }: Volume) => ({
  Availability: 'N/A',
  Driver,
  Group: 'N/A',
  Labels: Object.entries(Labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(','),
  Links: 'N/A',
  Mountpoint,
  Name,
  Scope,
  Size: 'N/A',
  Status: 'N/A',
});

/** `data2` before `data10`. */
function naturally(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (const [index, part] of (left ?? []).entries()) {
    const other = right?.[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const both = /^\d/.test(part) && /^\d/.test(other);
    return (both && Number(part) - Number(other)) || (part < other ? -1 : 1);
  }
  return (left?.length ?? 0) - (right?.length ?? 0);
}

async function prune({ client }: Context, { all, filter, force }: PruneFlags): Promise<void> {
  const filters = filtersOf(filter);
  if (all && filters['all']) throw new Error('conflicting options: cannot specify both --all and --filter all=1');
  const which = all ? 'all local volumes' : 'anonymous local volumes';
  const warning = `WARNING! This will remove ${which} not used by at least one container.`;
  if (!force && !(await confirmed(warning))) return;
  const pruned = await client.volumes.prune({ ...filters, ...(all && { all: ['true'] }) });
  const deleted = pruned.VolumesDeleted ?? [];
  if (deleted.length > 0) await print(`Deleted Volumes:\n${deleted.join('\n')}\n\n`);
  await print(`Total reclaimed space: ${humanSize(pruned.SpaceReclaimed, 4)}\n`);
}

/** Whether the person says yes; nothing is no. */
export async function confirmed(warning: string): Promise<boolean> {
  await print(`${warning}\nAre you sure you want to continue? [y/N] `);
  let answer = '';
  for await (const chunk of process.stdin) {
    answer += (chunk as Buffer).toString('utf8');
    if (answer.includes('\n')) break;
  }
  return /^\s*y\s*$/i.test(answer.split('\n', 1)[0] ?? '');
}
