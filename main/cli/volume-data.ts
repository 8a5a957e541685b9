/** `slipway volume export`, `import`, `clone`, `backup`, `backups`, `restore`: volumes as a whole, which docker has no words for. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { VolumeBackup, VolumeCompression, VolumeProgress } from '../contract/volume-data.js';
import type { Context } from './context.js';
import { forEach } from './failures.js';
import { print, write } from './output.js';
import { listing } from './table.js';
import { ago, humanSize } from './units.js';
import type { WithEngine } from './volume.js';

interface ExportFlags {
  output?: string;
  compress?: VolumeCompression;
  pause?: boolean;
}

interface ScheduleFlags {
  every?: number;
  keep: number;
  pause?: boolean;
  off?: boolean;
}

const PAUSE = ['--pause', 'Pause the containers that write to it while it is copied'] as const;

export function volumeDataCommands(volume: Command, withEngine: WithEngine): void {
  volume
    .command('export')
    .description('Export all files of a volume as a tar archive (streamed to STDOUT by default)')
    .option('-o, --output <file>', 'Write to a file, instead of STDOUT')
    .addOption(
      new Option('--compress <how>', 'Compress the archive (default: by the ending of the file)').choices([
        'none',
        'gzip',
        'zstd',
      ]),
    )
    .option(...PAUSE)
    .argument('<volume>')
    .action((name: string, flags: ExportFlags) => withEngine((context) => exportVolume(context, name, flags)));

  volume
    .command('import')
    .description('Make a new volume of a tar archive, compressed or not (from STDIN by default)')
    .option('-i, --input <file>', 'Read from a file, instead of STDIN')
    .option('--replace', 'Replace all that is in the volume')
    .argument('<volume>')
    .action((name: string, flags: { input?: string; replace?: boolean }) =>
      withEngine(async ({ client }) => {
        if (!flags.input && process.stdin.isTTY) throw new Error('requested import from stdin, but stdin is empty');
        const tar = flags.input ? createReadStream(flags.input) : process.stdin;
        const { Name } = await client.backups.importTar(name, tar, { ...flags, onProgress: showing() });
        await print(`${Name}\n`);
      }),
    );

  volume
    .command('clone')
    .description('Make a new volume with the same files')
    .option(...PAUSE)
    .argument('<volume>')
    .argument('<new volume>')
    .action((name: string, Name: string, { pause = false }: { pause?: boolean }) =>
      withEngine(async ({ client }) => {
        await client.backups.clone(name, { Name, Pause: pause }, { onProgress: showing() });
        await print(`${Name}\n`);
      }),
    );

  volume
    .command('backup')
    .description('Make a backup of a volume')
    .option('-n, --note <text>', 'What to remember of it', '')
    .option(...PAUSE)
    .argument('<volume>')
    .action((name: string, { note: Note, pause: Pause = false }: { note: string; pause?: boolean }) =>
      withEngine(async ({ client }) => {
        const { Id } = await client.backups.create(name, { Note, Pause }, { onProgress: showing() });
        await print(`${Id}\n`);
      }),
    );

  volume
    .command('backups')
    .description('List backups, newest first')
    .option('--format <format>', "Format output: 'table', 'table TEMPLATE', 'json' or 'TEMPLATE'")
    .option('-q, --quiet', 'Only display backup IDs')
    .argument('[volume]')
    .action((name: string | undefined, flags: { format?: string; quiet?: boolean }) =>
      withEngine(async ({ client }) =>
        print(
          listing(
            {
              columns: {
                ...{ ID: 'BACKUP ID', Volume: 'VOLUME', Created: 'CREATED', Size: 'SIZE', Compressed: 'ON DISK' },
                ...{ By: 'BY', Consistent: 'CONSISTENT', Note: 'NOTE' },
              },
              headers: { CreatedAt: 'CREATED AT', Files: 'FILES', Digest: 'DIGEST' },
              rows: (await client.backups.list(name)).map(rowOf),
              quietField: 'ID',
            },
            flags,
          ),
        ),
      ),
    );

  volume
    .command('backup-rm')
    .description('Remove one or more backups')
    .argument('<backup...>')
    .action((ids: string[]) =>
      withEngine(({ client, host }) =>
        forEach(ids, host, async (id) => {
          await client.backups.remove(id);
          await print(`${id}\n`);
        }),
      ),
    );

  volume
    .command('restore')
    .description(
      'Put a backup back: into the volume that it was made of (of which a backup is made first), or a new one',
    )
    .option('--as <volume>', 'Make a new volume of it')
    .argument('<backup>')
    .action((id: string, { as }: { as?: string }) =>
      withEngine(async ({ client }) => {
        const { Name, Before } = await client.backups.restore(id, as === undefined ? {} : { Name: as }, {
          onProgress: showing(),
        });
        await print(`${Name}\n`);
        if (Before !== null) await write(process.stderr, `What was there before is backup ${Before}.\n`);
      }),
    );

  volume
    .command('schedule')
    .description('Have a volume backed up by itself, or not any more')
    .option('--every <hours>', 'Hours from one backup to the next', whole)
    .option('--keep <count>', 'How many of these are kept', whole, 7)
    .option('--off', 'Make no more')
    .option(...PAUSE)
    .argument('<volume>')
    .action((name: string, { every, keep, off, pause = false }: ScheduleFlags) =>
      withEngine(async ({ client }) => {
        if (off) return client.backups.removeSchedule(name);
        if (every === undefined) throw new Error('say how often: --every HOURS, or --off');
        const { Next } = await client.backups.setSchedule(name, { Every: every, Keep: keep, Pause: pause });
        await print(`next backup: ${Next}\n`);
      }),
    );
}

function whole(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('it is not a whole number.');
  return Number(value);
}

/** To standard output, or whole into a file: what was there before stays until then. */
async function exportVolume(
  { client }: Context,
  name: string,
  { output, compress = compressionOf(output), pause = false }: ExportFlags,
): Promise<void> {
  if (output === undefined && process.stdout.isTTY)
    throw new Error('cowardly refusing to save to a terminal. Use the -o flag or redirect');
  const body = await client.backups.exportTar(name, { compress, pause });
  if (output === undefined) {
    for await (const chunk of body) await write(process.stdout, chunk);
    return;
  }
  const part = `${output}.part-${process.pid}`;
  try {
    await pipeline(Readable.from(body), createWriteStream(part));
    const file = await open(part);
    await file.sync().finally(() => file.close());
    await rename(part, output);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function compressionOf(file = ''): VolumeCompression {
  if (/\.t?zst$/.test(file)) return 'zstd';
  return /\.t?gz$/.test(file) ? 'gzip' : 'none';
}

const rowOf = (backup: VolumeBackup) => ({
  ...{ ID: backup.Id, Volume: backup.Volume, CreatedAt: backup.Created },
  Created: ago(Date.parse(backup.Created) / 1000),
  ...{ Size: humanSize(backup.Size), Compressed: humanSize(backup.Compressed) },
  ...{ Files: String(backup.Files), Digest: backup.Digest, By: backup.By },
  ...{ Consistent: backup.Consistent ? 'yes' : 'no', Note: backup.Note },
});

/** One line on a terminal that says how far it is; nothing elsewhere. */
function showing(): (progress: VolumeProgress) => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => undefined;
  process.once('exit', () => stderr.write('\r\x1b[K'));
  return ({ Stage, Bytes, Total }) => {
    const far = Bytes === undefined ? '' : ` ${humanSize(Bytes)}${Total === undefined ? '' : ` / ${humanSize(Total)}`}`;
    stderr.write(`\r\x1b[K${Stage}${far}`);
  };
}
