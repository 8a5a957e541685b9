#!/usr/bin/env node
/** `slipway`: docker's words for people who have no docker, against any engine. */
import '../base/scopes.js';
import { createReadStream } from 'node:fs';
import { Command, Option } from 'commander';
import { splitReference } from '../client/index.js';
import { usualHost } from '../client/transports/connect.js';
import { openContext, type Context } from './context.js';
import { copy, type CopyFlags } from './cp.js';
import { forEach, sentence } from './failures.js';
import { listContainers, listImages, type ListFlags } from './lists.js';
import { repeated, whole } from './options.js';
import { complain, print, write } from './output.js';
import { fullName, pullImage } from './pull.js';
import { pushImage, saveImages, type PushOptions } from './push.js';
import { login, logout, search, type LoginFlags, type SearchFlags } from './registries.js';
import { attach, exec, run, startAttached, type AttachFlags, type ExecFlags } from './run.js';
import { withRunFlags, type RunFlags } from './run-flags.js';
import { storeCommands } from './store.js';
import { table } from './table.js';
import { cliVersion, events, info, inspect, version } from './show.js';
import { moment } from './units.js';
import { volumeDataCommands } from './volume-data.js';
import { volumeCommands } from './volume.js';

const program = new Command('slipway')
  .description('A container desktop for Linux, from the command line.')
  .version(`Slipway version ${cliVersion}`, '-v, --version', 'Print version information and quit')
  .option('-H, --host <address>', 'The engine to talk to (default: DOCKER_HOST, else your own)')
  .enablePositionalOptions()
  .showHelpAfterError("Run 'slipway --help' for more.")
  .exitOverride();

interface ImportFlags {
  change: string[];
  message?: string;
  platform?: string;
}

let host = '';
let exitCode = 0;

/** Runs a command with the engine that was chosen; what it returns is the exit code. */
async function withEngine(act: (context: Context) => Promise<number | void>): Promise<void> {
  host = (program.opts().host as string | undefined) ?? (process.env['DOCKER_HOST'] || usualHost());
  const context = openContext(host);
  try {
    exitCode = (await act(context)) ?? 0;
  } finally {
    await context.client.close();
  }
}

/** A command that joins this terminal to a process: the arguments behind its own belong to that process. */
const joining = (command: Command) => command.passThroughOptions().allowExcessArguments(false);

joining(withRunFlags(program.command('run')))
  .description('Create and run a new container from an image')
  .argument('<image>')
  .argument('[command...]')
  .action((image: string, command: string[], flags: RunFlags) =>
    withEngine((context) => run(context, image, command, flags)),
  );

joining(program.command('exec'))
  .description('Execute a command in a running container')
  .option('-d, --detach', 'Run command in the background')
  .option('--detach-keys <keys>', 'Override the key sequence for detaching a container')
  .addOption(repeated('-e, --env <variable>', 'Set environment variables'))
  .option('-i, --interactive', 'Keep STDIN open even if not attached')
  .option('--privileged', 'Give extended privileges to the command')
  .option('-t, --tty', 'Allocate a pseudo-TTY')
  .option('-u, --user <user>', 'Username or UID (format: <name|uid>[:<group|gid>])')
  .option('-w, --workdir <directory>', 'Working directory inside the container')
  .argument('<container>')
  .argument('<command...>')
  .action((container: string, command: string[], flags: ExecFlags) =>
    withEngine((context) => exec(context, container, command, flags)),
  );

program
  .command('attach')
  .description('Attach local standard input, output, and error streams to a running container')
  .option('--detach-keys <keys>', 'Override the key sequence for detaching a container')
  .option('--no-stdin', 'Do not attach STDIN')
  .option('--sig-proxy', 'Proxy all received signals to the process', true)
  .option('--no-sig-proxy', 'Do not proxy received signals')
  .argument('<container>')
  .action((container: string, flags: AttachFlags) => withEngine((context) => attach(context, container, flags)));

program
  .command('ps')
  .description('List containers')
  .option('-a, --all', 'Show all containers (default shows just running)')
  .addOption(repeated('-f, --filter <filter>', 'Filter output based on conditions provided'))
  .option('--format <format>', "Format output: 'table', 'table TEMPLATE', 'json' or 'TEMPLATE'")
  .option('-n, --last <count>', 'Show n last created containers (includes all states)', whole)
  .option('-l, --latest', 'Show the latest created container (includes all states)')
  .option('--no-trunc', "Don't truncate output")
  .option('-q, --quiet', 'Only display container IDs')
  .option('-s, --size', 'Display total file sizes')
  .action((flags: ListFlags) => withEngine(async (context) => print(await listContainers(context, flags))));

program
  .command('images')
  .description('List images')
  .option('-a, --all', 'Show all images (default hides intermediate images)')
  .option('--digests', 'Show digests')
  .addOption(repeated('-f, --filter <filter>', 'Filter output based on conditions provided'))
  .option('--format <format>', "Format output: 'table', 'table TEMPLATE', 'json' or 'TEMPLATE'")
  .option('--no-trunc', "Don't truncate output")
  .option('-q, --quiet', 'Only show image IDs')
  .argument('[name]')
  .action((name: string | undefined, flags: ListFlags) =>
    withEngine(async (context) => print(await listImages(context, name, flags))),
  );

program
  .command('pull')
  .description('Download an image from a registry')
  .option('-a, --all-tags', 'Download all tagged images in the repository')
  .option('--platform <platform>', 'Set platform if the engine is multi-platform capable')
  .option('-q, --quiet', 'Suppress verbose output')
  .argument('<image>')
  .action((image: string, flags: { allTags?: boolean; quiet?: boolean; platform?: string }) =>
    withEngine(async (context) => {
      await pullImage(context, image, { ...flags, to: process.stdout });
      await print(`${flags.allTags ? fullName(image).replace(/:[^:]*$/, '') : fullName(image)}\n`);
    }),
  );

program
  .command('import')
  .description('Import the contents from a tarball to create a filesystem image')
  .addOption(repeated('-c, --change <instruction>', 'Apply Dockerfile instruction to the created image'))
  .option('-m, --message <text>', 'Set commit message for imported image')
  .option('--platform <platform>', 'Set platform if the engine is multi-platform capable')
  .argument('<file|URL|->')
  .argument('[name]')
  .action((source: string, reference: string | undefined, { change, ...flags }: ImportFlags) =>
    withEngine(async ({ client }) => {
      const archive =
        source === '-' ? process.stdin : /^https?:\/\//.test(source) ? { url: source } : createReadStream(source);
      const options = { ...flags, changes: change, ...(reference !== undefined && { reference }) };
      for await (const { status, progressDetail } of client.images.import(archive, options))
        if (status !== undefined && !progressDetail?.current) await print(`${status}\n`);
    }),
  );

program
  .command('login')
  .description('Authenticate to a registry; the engine keeps the login')
  .option('-p, --password <password>', 'Password or Personal Access Token (PAT)')
  .option('--password-stdin', 'Take the Password or Personal Access Token (PAT) from stdin')
  .option('-u, --username <name>', 'Username')
  .argument('[server]')
  .action((server: string | undefined, flags: LoginFlags) => withEngine((context) => login(context, server, flags)));

program
  .command('logout')
  .description('Log out from a registry')
  .argument('[server]')
  .action((server: string | undefined) => withEngine((context) => logout(context, server)));

program
  .command('search')
  .description('Search Docker Hub for images')
  .addOption(repeated('-f, --filter <filter>', 'Filter output based on conditions provided'))
  .option('--format <format>', "Format output: 'table', 'table TEMPLATE', 'json' or 'TEMPLATE'")
  .option('--limit <count>', 'Max number of search results', whole)
  .option('--no-trunc', "Don't truncate output")
  .argument('<term>')
  .action((term: string, flags: SearchFlags) =>
    withEngine(async (context) => print(await search(context, term, flags))),
  );

program
  .command('push')
  .description('Upload an image to a registry')
  .option('-a, --all-tags', 'Push all tags of an image to the repository')
  .option('-q, --quiet', 'Suppress verbose output')
  .argument('<name>')
  .action((name: string, flags: PushOptions) => withEngine((context) => pushImage(context, name, flags)));

program
  .command('tag')
  .description('Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE')
  .argument('<source>')
  .argument('<target>')
  .action((source: string, target: string) =>
    withEngine(async ({ client }) => {
      const { name, tag } = splitReference(target);
      await client.images.tag(source, name, tag);
    }),
  );

program
  .command('save')
  .description('Save one or more images to a tar archive (streamed to STDOUT by default)')
  .option('-o, --output <file>', 'Write to a file, instead of STDOUT')
  .argument('<image...>')
  .action((names: string[], { output }: { output?: string }) =>
    withEngine((context) => saveImages(context, names, output)),
  );

program
  .command('load')
  .description('Load an image from a tar archive or STDIN')
  .option('-i, --input <file>', 'Read from tar archive file, instead of STDIN')
  .option('-q, --quiet', 'Suppress the load output')
  .action((flags: { input?: string; quiet?: boolean }) =>
    withEngine(async ({ client }) => {
      if (!flags.input && process.stdin.isTTY) throw new Error('requested load from stdin, but stdin is empty');
      const archive = flags.input ? createReadStream(flags.input) : process.stdin;
      for await (const { stream, status, id } of client.images.load(archive)) {
        if (stream !== undefined) await print(stream);
        else if (status !== undefined && !flags.quiet && process.stdout.isTTY && id)
          await write(process.stderr, `${id}: ${status}\n`);
      }
    }),
  );

program
  .command('logs')
  .description('Fetch the logs of a container')
  .option('--details', 'Show extra details provided to logs')
  .option('-f, --follow', 'Follow log output')
  .option('--since <time>', 'Show logs since timestamp (2026-01-02T13:23:37Z) or relative (42m)')
  .option('-n, --tail <lines>', 'Number of lines to show from the end of the logs', 'all')
  .option('-t, --timestamps', 'Show timestamps')
  .option('--until <time>', 'Show logs before a timestamp (2026-01-02T13:23:37Z) or relative (42m)')
  .argument('<container>')
  .action(
    (
      container: string,
      flags: {
        follow?: boolean;
        since?: string;
        until?: string;
        tail: string;
        timestamps?: boolean;
        details?: boolean;
      },
    ) =>
      withEngine(async ({ client }) => {
        const { since, until, tail, ...rest } = flags;
        const range = { since: since && moment(since), until: until && moment(until), tail: tail as 'all' };
        for await (const { stream, bytes } of client.containers.logs(container, { ...rest, ...range }))
          await write(stream === 'stderr' ? process.stderr : process.stdout, bytes);
      }),
  );

/** A command that does one thing to each container that is named, and prints the name. */
const eachContainer = (
  name: string,
  text: string,
  act: (context: Context, container: string, flags: Flags) => Promise<void>,
) =>
  program
    .command(name)
    .description(text)
    .argument('<container...>')
    .action((containers: string[], flags: Flags) =>
      withEngine((context) =>
        forEach(containers, host, async (container) => {
          await act(context, container, flags);
          await print(`${container}\n`);
        }),
      ),
    );

interface Flags {
  time?: number;
  timeout?: number;
  signal?: string;
  force?: boolean;
  volumes?: boolean;
  link?: boolean;
}

/** Being already so is what was wanted. */
const unlessAlready = (error: unknown) => {
  if ((error as { kind?: string }).kind !== 'not-modified') throw error;
};

const withEnding = (command: Command) =>
  command
    .option('-t, --time <seconds>', 'Seconds to wait before killing the container', whole)
    .addOption(new Option('--timeout <seconds>', 'The same as --time').argParser(whole).hideHelp())
    .option('-s, --signal <signal>', 'Signal to send to the container');

const ending = ({ time, timeout = time, signal }: Flags) => ({ t: timeout, signal });

withEnding(
  eachContainer('stop', 'Stop one or more running containers', ({ client }, container, flags) =>
    client.containers.stop(container, ending(flags)).catch(unlessAlready),
  ),
);
withEnding(
  eachContainer('restart', 'Restart one or more containers', ({ client }, container, flags) =>
    client.containers.restart(container, ending(flags)),
  ),
);
eachContainer('kill', 'Kill one or more running containers', ({ client }, container, flags) =>
  client.containers.kill(container, flags.signal),
).option('-s, --signal <signal>', 'Signal to send to the container');
eachContainer('pause', 'Pause all processes within one or more containers', ({ client }, container) =>
  client.containers.pause(container),
);
eachContainer('unpause', 'Unpause all processes within one or more containers', ({ client }, container) =>
  client.containers.unpause(container),
);
eachContainer('rm', 'Remove one or more containers', ({ client }, container, { force, volumes, link }) =>
  client.containers.remove(container, { force, v: volumes, link }),
)
  .option('-f, --force', 'Force the removal of a running container (uses SIGKILL)')
  .option('-l, --link', 'Remove the specified link')
  .option('-v, --volumes', 'Remove anonymous volumes associated with the container');

program
  .command('start')
  .description('Start one or more stopped containers')
  .option('-a, --attach', 'Attach STDOUT/STDERR and forward signals')
  .option('--detach-keys <keys>', 'Override the key sequence for detaching a container')
  .option('-i, --interactive', "Attach container's STDIN")
  .argument('<container...>')
  .action((containers: string[], flags: AttachFlags & { attach?: boolean; interactive?: boolean }) =>
    withEngine(async (context) => {
      if (flags.attach || flags.interactive) {
        const [only, ...more] = containers;
        if (only === undefined || more.length > 0)
          throw new Error('you cannot start and attach multiple containers at once');
        return startAttached(context, only, flags);
      }
      const failed = new Set(containers);
      const code = await forEach(containers, host, async (container) => {
        await context.client.containers.start(container).catch(unlessAlready);
        failed.delete(container);
        await print(`${container}\n`);
      });
      if (failed.size > 0) await complain(`Error: failed to start containers: ${[...failed].join(', ')}`);
      return code;
    }),
  );

program
  .command('cp')
  .description('Copy files/folders between a container or a volume and the local filesystem')
  .usage(
    '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n       slipway cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH\n\nIn the place of CONTAINER: volume:NAME, for the files of a volume.',
  )
  .option('-a, --archive', 'Archive mode (copy all uid/gid information)')
  .option('-L, --follow-link', 'Always follow symbol link in SRC_PATH')
  .option(
    '-q, --quiet',
    'Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached',
  )
  .argument('<from>')
  .argument('<to>')
  .action((from: string, to: string, flags: CopyFlags) => withEngine((context) => copy(context, from, to, flags)));

program
  .command('rename')
  .description('Rename a container')
  .argument('<container>')
  .argument('<name>')
  .action((container: string, name: string) => withEngine(({ client }) => client.containers.rename(container, name)));

program
  .command('wait')
  .description('Block until one or more containers stop, then print their exit codes')
  .argument('<container...>')
  .action((containers: string[]) =>
    withEngine(({ client }) =>
      forEach(containers, host, async (container) => {
        const { result } = await client.containers.wait(container);
        await print(`${(await result).StatusCode}\n`);
      }),
    ),
  );

program
  .command('top')
  .description('Display the running processes of a container')
  .passThroughOptions()
  .argument('<container>')
  .argument('[ps...]')
  .action((container: string, ps: string[]) =>
    withEngine(async ({ client }) => {
      const { Titles, Processes } = await client.containers.top(container, ps.join(' ') || undefined);
      // The last column is a command line, as long as it is.
      await print(table([Titles, ...Processes], 20));
    }),
  );

program
  .command('rmi')
  .description('Remove one or more images')
  .option('-f, --force', 'Force removal of the image')
  .option('--no-prune', 'Do not delete untagged parents')
  .argument('<image...>')
  .action((images: string[], flags: { force?: boolean; prune: boolean }) =>
    withEngine(({ client }) =>
      forEach(images, host, async (image) => {
        for (const item of await client.images.remove(image, { force: flags.force, noprune: !flags.prune }))
          await print('Deleted' in item ? `Deleted: ${item.Deleted}\n` : `Untagged: ${item.Untagged}\n`);
      }),
    ),
  );

program
  .command('inspect')
  .description('Return low-level information on containers, images and volumes')
  .option('-f, --format <format>', "Format output: 'json' or 'TEMPLATE'")
  .option('-s, --size', 'Display total file sizes if the type is container')
  .addOption(
    new Option('--type <type>', 'Only inspect objects of the given type').choices(['container', 'image', 'volume']),
  )
  .argument('<name...>')
  .action((names: string[], flags: { type?: string; format?: string; size?: boolean }) =>
    withEngine((context) => inspect(context, names, flags)),
  );

program
  .command('version')
  .description('Show the version of this program and of the engine')
  .option('-f, --format <format>', "Format output: 'json' or 'TEMPLATE'")
  .action((flags: { format?: string }) => withEngine((context) => version(context, flags.format)));

program
  .command('info')
  .description('Display system-wide information')
  .option('-f, --format <format>', "Format output: 'json' or 'TEMPLATE'")
  .action((flags: { format?: string }) => withEngine((context) => info(context, flags.format)));

program
  .command('events')
  .description('Get real time events from the engine')
  .addOption(repeated('-f, --filter <filter>', 'Filter output based on conditions provided'))
  .option('--format <format>', "Format output: 'json' or 'TEMPLATE'")
  .option('--since <time>', 'Show all events created since timestamp')
  .option('--until <time>', 'Stream events until this timestamp')
  .action((flags: { since?: string; until?: string; filter: string[]; format?: string }) =>
    withEngine((context) => events(context, flags)),
  );

volumeDataCommands(volumeCommands(program, withEngine), withEngine);
storeCommands(program, withEngine);

async function main(): Promise<number> {
  try {
    // Run by Electron as Node (as the package does), commander would take the script's own path for an argument.
    await program.parseAsync(process.argv, { from: 'node' });
    return exitCode;
  } catch (error) {
    const { code, exitCode: said } = error as { code?: string; exitCode?: number };
    // Commander has told what was wrong. Docker's code for a flag is 125, for a missing argument or an unknown command 1.
    if (said !== undefined)
      return code === 'commander.unknownOption' || code === 'commander.invalidArgument' ? 125 : said;
    // A pipe that is no longer read (`slipway logs web | head`) is no failure.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0;
    await complain(sentence(error, host)).catch(() => undefined);
    return 1;
  }
}

void main().then((code) => process.exit(code));
