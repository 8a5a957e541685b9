/** The flags of `run`, as docker has them, turned into what the API takes. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ContainerCreate } from '../contract/containers.js';
import { parseMount } from './mount-flag.js';
import { parseMemory } from './units.js';

export interface RunFlags {
  addHost: string[];
  attach: string[];
  capAdd: string[];
  capDrop: string[];
  cgroupns?: string;
  cpuPeriod?: number;
  cpuQuota?: number;
  cpuShares?: number;
  cpus?: number;
  cpusetCpus?: string;
  detach?: boolean;
  detachKeys?: string;
  device: string[];
  dns: string[];
  entrypoint?: string;
  env: string[];
  envFile: string[];
  expose: string[];
  groupAdd: string[];
  hostname?: string;
  init?: boolean;
  interactive?: boolean;
  ipc?: string;
  label: string[];
  logDriver?: string;
  logOpt: string[];
  memory?: number;
  memoryReservation?: number;
  memorySwap?: number;
  mount: string[];
  name?: string;
  network?: string;
  oomScoreAdj?: number;
  pid?: string;
  pidsLimit?: number;
  platform?: string;
  privileged?: boolean;
  publish: string[];
  publishAll?: boolean;
  pull: 'always' | 'missing' | 'never';
  quiet?: boolean;
  readOnly?: boolean;
  restart?: string;
  rm?: boolean;
  runtime?: string;
  securityOpt: string[];
  shmSize?: number;
  sigProxy?: boolean;
  stopSignal?: string;
  stopTimeout?: number;
  sysctl: string[];
  tmpfs: string[];
  tty?: boolean;
  ulimit: string[];
  user?: string;
  userns?: string;
  uts?: string;
  volume: string[];
  volumesFrom: string[];
  workdir?: string;
}

const many = (value: string, before: string[]) => [...before, value];
const list = (flags: string, text: string) => new Option(flags, text).argParser(many).default([], '');
const size = (value: string) => orInvalid(() => (value === '-1' ? -1 : parseMemory(value)));
const number = (value: string) => {
  if (!/^-?\d+(\.\d+)?$/.test(value)) throw new InvalidArgumentError(`"${value}" is not a number.`);
  return Number(value);
};

function orInvalid<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** Flags end at the image's name: what follows is the container's command. */
export const withRunFlags = (command: Command): Command =>
  command
    .addOption(list('--add-host <host:ip>', 'Add a custom host-to-IP mapping'))
    .addOption(list('-a, --attach <stream>', 'Attach to STDIN, STDOUT or STDERR'))
    .addOption(list('--cap-add <capability>', 'Add Linux capabilities'))
    .addOption(list('--cap-drop <capability>', 'Drop Linux capabilities'))
    .option('--cgroupns <mode>', 'Cgroup namespace to use (host|private)')
    .option('--cpu-period <us>', 'Limit CPU CFS period', number)
    .option('--cpu-quota <us>', 'Limit CPU CFS quota', number)
    .option('-c, --cpu-shares <n>', 'CPU shares (relative weight)', number)
    .option('--cpus <n>', 'Number of CPUs', number)
    .option('--cpuset-cpus <list>', 'CPUs in which to allow execution (0-3, 0,1)')
    .option('-d, --detach', 'Run container in background and print container ID')
    .option('--detach-keys <keys>', 'Override the key sequence for detaching a container')
    .addOption(list('--device <path>', 'Add a host device to the container'))
    .addOption(list('--dns <ip>', 'Set custom DNS servers'))
    .option('--entrypoint <command>', 'Overwrite the default ENTRYPOINT of the image')
    .addOption(list('-e, --env <variable>', 'Set environment variables'))
    .addOption(list('--env-file <file>', 'Read in a file of environment variables'))
    .addOption(list('--expose <port>', 'Expose a port or a range of ports'))
    .addOption(list('--group-add <group>', 'Add additional groups to join'))
    .option('-h, --hostname <name>', 'Container host name')
    .option('--init', 'Run an init inside the container that forwards signals and reaps processes')
    .option('-i, --interactive', 'Keep STDIN open even if not attached')
    .option('--ipc <mode>', 'IPC mode to use')
    .addOption(list('-l, --label <label>', 'Set meta data on a container'))
    .option('--log-driver <driver>', 'Logging driver for the container')
    .addOption(list('--log-opt <option>', 'Log driver options'))
    .option('-m, --memory <bytes>', 'Memory limit', size)
    .option('--memory-reservation <bytes>', 'Memory soft limit', size)
    .option('--memory-swap <bytes>', "Swap limit equal to memory plus swap: '-1' to enable unlimited swap", size)
    .addOption(list('--mount <mount>', 'Attach a filesystem mount to the container'))
    .option('--name <name>', 'Assign a name to the container')
    .option('--net, --network <network>', 'Connect a container to a network')
    .option('--oom-score-adj <n>', "Tune host's OOM preferences (-1000 to 1000)", number)
    .option('--pid <mode>', 'PID namespace to use')
    .option('--pids-limit <n>', 'Tune container pids limit (set -1 for unlimited)', number)
    .option('--platform <platform>', 'Set platform if the engine is multi-platform capable')
    .option('--privileged', 'Give extended privileges to this container')
    .addOption(list('-p, --publish <ports>', "Publish a container's port(s) to the host"))
    .option('-P, --publish-all', 'Publish all exposed ports to random ports')
    .addOption(
      new Option('--pull <policy>', 'Pull image before running')
        .choices(['always', 'missing', 'never'])
        .default('missing'),
    )
    .option('-q, --quiet', 'Suppress the pull output')
    .option('--read-only', "Mount the container's root filesystem as read only")
    .option('--restart <policy>', 'Restart policy to apply when a container exits')
    .option('--rm', 'Automatically remove the container when it exits')
    .option('--runtime <name>', 'Runtime to use for this container')
    .addOption(list('--security-opt <option>', 'Security options'))
    .option('--shm-size <bytes>', 'Size of /dev/shm', size)
    .option('--sig-proxy', 'Proxy received signals to the process', true)
    .option('--no-sig-proxy', 'Do not proxy received signals')
    .option('--stop-signal <signal>', 'Signal to stop the container')
    .option('--stop-timeout <seconds>', 'Timeout (in seconds) to stop a container', number)
    .addOption(list('--sysctl <key=value>', 'Sysctl options'))
    .addOption(list('--tmpfs <path>', 'Mount a tmpfs directory'))
    .option('-t, --tty', 'Allocate a pseudo-TTY')
    .addOption(list('--ulimit <limit>', 'Ulimit options'))
    .option('-u, --user <user>', 'Username or UID (format: <name|uid>[:<group|gid>])')
    .option('--userns <mode>', "User namespace to use ('host', or 'auto' for user ids of its own)")
    .option('--uts <mode>', 'UTS namespace to use')
    .addOption(list('-v, --volume <volume>', 'Bind mount a volume'))
    .addOption(list('--volumes-from <container>', 'Mount volumes from the specified container(s)'))
    .option('-w, --workdir <directory>', 'Working directory inside the container');

/** The streams that the person stays with; none when detached. */
export function attachedStreams(flags: RunFlags): { stdin: boolean; stdout: boolean; stderr: boolean } {
  const named = flags.attach.map((stream) => stream.toLowerCase());
  const wrong = named.find((stream) => !['stdin', 'stdout', 'stderr'].includes(stream));
  if (wrong !== undefined) throw new Error('valid streams are STDIN, STDOUT and STDERR');
  if (flags.detach) return { stdin: false, stdout: false, stderr: false };
  if (named.length === 0) return { stdin: flags.interactive ?? false, stdout: true, stderr: true };
  return { stdin: named.includes('stdin'), stdout: named.includes('stdout'), stderr: named.includes('stderr') };
}

/** The body of `POST /containers/create`. */
export async function createBody(image: string, command: string[], flags: RunFlags): Promise<ContainerCreate> {
  const { stdin, stdout, stderr } = attachedStreams(flags);
  const ports = flags.publish.map(parsePort);
  const exposed = [
    ...flags.expose.map((port) => (port.includes('/') ? port : `${port}/tcp`)),
    ...ports.map(({ port }) => port),
  ];
  const mounts = flags.volume.filter((volume) => volume.includes(':')).map(bind);
  const anonymous = flags.volume.filter((volume) => !volume.includes(':'));
  return {
    Image: image,
    ...(command.length > 0 && { Cmd: command }),
    // As docker does: an empty entrypoint is a list of one empty word.
    ...(flags.entrypoint !== undefined && { Entrypoint: [flags.entrypoint] }),
    Hostname: flags.hostname ?? '',
    User: flags.user ?? '',
    Tty: flags.tty ?? false,
    OpenStdin: flags.interactive ?? false,
    StdinOnce: stdin && (flags.interactive ?? false),
    AttachStdin: stdin,
    AttachStdout: stdout,
    AttachStderr: stderr,
    Env: await environment(flags),
    Labels: pairs(flags.label, ''),
    WorkingDir: flags.workdir ?? '',
    ...(flags.stopSignal !== undefined && { StopSignal: flags.stopSignal }),
    ...(flags.stopTimeout !== undefined && { StopTimeout: flags.stopTimeout }),
    ...(exposed.length > 0 && { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
    ...(anonymous.length > 0 && { Volumes: Object.fromEntries(anonymous.map((path) => [path, {}])) }),
    HostConfig: {
      Binds: mounts,
      AutoRemove: flags.rm ?? false,
      NetworkMode: flags.network ?? 'default',
      CapAdd: flags.capAdd,
      CapDrop: flags.capDrop,
      SecurityOpt: await Promise.all(flags.securityOpt.map(securityOption)),
      Dns: flags.dns,
      ExtraHosts: flags.addHost,
      GroupAdd: flags.groupAdd,
      VolumesFrom: flags.volumesFrom,
      ...(flags.mount.length > 0 && { Mounts: flags.mount.map(mount) }),
      Privileged: flags.privileged ?? false,
      ReadonlyRootfs: flags.readOnly ?? false,
      PublishAllPorts: flags.publishAll ?? false,
      RestartPolicy: restartPolicy(flags.restart),
      ...(flags.init && { Init: true }),
      ...(flags.runtime !== undefined && { Runtime: flags.runtime }),
      ...(flags.ipc !== undefined && { IpcMode: flags.ipc }),
      ...(flags.pid !== undefined && { PidMode: flags.pid }),
      ...(flags.uts !== undefined && { UTSMode: flags.uts }),
      ...(flags.userns !== undefined && { UsernsMode: flags.userns }),
      ...(flags.cgroupns !== undefined && { CgroupnsMode: flags.cgroupns }),
      ...(flags.memory !== undefined && { Memory: flags.memory }),
      ...(flags.memoryReservation !== undefined && { MemoryReservation: flags.memoryReservation }),
      ...(flags.memorySwap !== undefined && { MemorySwap: flags.memorySwap }),
      ...(flags.cpus !== undefined && { NanoCpus: Math.round(flags.cpus * 1e9) }),
      ...(flags.cpuShares !== undefined && { CpuShares: flags.cpuShares }),
      ...(flags.cpuPeriod !== undefined && { CpuPeriod: flags.cpuPeriod }),
      ...(flags.cpuQuota !== undefined && { CpuQuota: flags.cpuQuota }),
      ...(flags.cpusetCpus !== undefined && { CpusetCpus: flags.cpusetCpus }),
      ...(flags.pidsLimit !== undefined && { PidsLimit: flags.pidsLimit }),
      ...(flags.oomScoreAdj !== undefined && { OomScoreAdj: flags.oomScoreAdj }),
      ...(flags.shmSize !== undefined && { ShmSize: flags.shmSize }),
      ...(flags.sysctl.length > 0 && { Sysctls: pairs(flags.sysctl, '') }),
      ...(flags.tmpfs.length > 0 && { Tmpfs: pairs(flags.tmpfs, '', ':') }),
      ...(flags.ulimit.length > 0 && { Ulimits: flags.ulimit.map(ulimit) }),
      ...(flags.device.length > 0 && { Devices: flags.device.map(device) }),
      ...((flags.logDriver !== undefined || flags.logOpt.length > 0) && {
        LogConfig: { Type: flags.logDriver ?? '', Config: pairs(flags.logOpt, '') },
      }),
      ...(ports.length > 0 && { PortBindings: bindings(ports) }),
      ...(flags.tty && process.stdout.isTTY && { ConsoleSize: [process.stdout.rows, process.stdout.columns] }),
    },
  };
}

/** `KEY=value`, or `KEY` for this shell's own value; a variable that is not set here is not set there. */
async function environment({ env, envFile }: RunFlags): Promise<string[]> {
  const files = await Promise.all(envFile.map((file) => readFile(file, 'utf8')));
  const lines = files.flatMap((file) => file.split('\n')).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return [...lines, ...env].flatMap((entry) => {
    if (entry.includes('=')) return [entry];
    const value = process.env[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

/** `KEY=value` as fields. */
export const pairs = (entries: string[], absent: string, separator = '='): Record<string, string> =>
  Object.fromEntries(
    entries.map((entry) => {
      const at = entry.indexOf(separator);
      return at < 0 ? [entry, absent] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );

/** A profile is a file of this machine; the engine gets its content. */
async function securityOption(option: string): Promise<string> {
  const match = /^seccomp[=:](.+)$/.exec(option);
  if (!match || match[1] === 'unconfined' || match[1] === 'builtin') return option;
  try {
    return `seccomp=${JSON.stringify(JSON.parse(await readFile(match[1] as string, 'utf8')))}`;
  } catch (error) {
    throw new Error(`opening seccomp profile (${match[1]}) failed: ${(error as Error).message}`, { cause: error });
  }
}

function restartPolicy(text = 'no') {
  const [name, count] = text.split(':');
  if (name !== 'no' && name !== 'always' && name !== 'unless-stopped' && name !== 'on-failure')
    throw new Error(`invalid restart policy ${text}`);
  if (count !== undefined && !/^\d+$/.test(count)) throw new Error('maximum retry count must be an integer');
  return { Name: name, MaximumRetryCount: Number(count ?? 0) } as const;
}

/** `source:target[:mode]`; a source that begins with a dot is meant from where the shell is. */
function bind(spec: string): string {
  const [source = '', ...rest] = spec.split(':');
  if (source === '' || rest.includes('')) throw new Error(`invalid spec: ${spec}: empty section between colons`);
  return [source.startsWith('.') ? resolve(source) : source, ...rest].join(':');
}

function mount(text: string) {
  try {
    return parseMount(text);
  } catch (error) {
    throw new Error(`invalid argument "${text}" for "--mount" flag: ${(error as Error).message}`, { cause: error });
  }
}

function ulimit(text: string) {
  const match = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (!match) throw new Error(`invalid ulimit argument: ${text}`);
  return { Name: match[1] as string, Soft: Number(match[2]), Hard: Number(match[3] ?? match[2]) };
}

function device(text: string) {
  const [host = '', second = host, third = 'rwm'] = text.split(':');
  const permissions = /^[rwm]+$/.test(second);
  return {
    PathOnHost: host,
    PathInContainer: permissions ? host : second,
    CgroupPermissions: permissions ? second : third,
  };
}

function parsePort(text: string): { port: string; HostIp: string; HostPort: string } {
  const match = /^(?:(?:([\d.]+|\[[\da-f:]+\]):)?(\d*):)?(\d+)(?:\/(tcp|udp|sctp))?$/i.exec(text);
  if (!match) throw new Error(`invalid port specification: "${text}"`);
  const [, ip = '', host = '', port = '', protocol = 'tcp'] = match;
  return { port: `${port}/${protocol.toLowerCase()}`, HostIp: ip.replace(/[[\]]/g, ''), HostPort: host };
}

function bindings(ports: ReturnType<typeof parsePort>[]) {
  const result: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { port, ...binding } of ports) (result[port] ??= []).push(binding);
  return result;
}
