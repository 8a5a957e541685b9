/** The command-line flags of an engine, with dockerd's names: the same for the headless one and for the app that hosts one. */
import { isIP } from 'node:net';
import { InvalidArgumentError, Option, type Command } from 'commander';

/** What the flags come to; `Object.entries` of it, as flags again, is what `engineArguments` gives. */
export interface EngineFlags {
  registryMirror: string[];
  insecureRegistry: string[];
  /** Registries that get layers too that their makers do not want distributed. */
  allowNondistributableArtifacts: string[];
  /** Path by name. */
  addRuntime: Record<string, string>;
  defaultRuntime?: string;
  usernsRemap?: string;
  storageDriver?: string;
  logDriver?: string;
  /** Value by name. */
  logOpt: Record<string, string>;
  hostGatewayIp?: string;
  /** Bytes, as a person writes them. */
  binSize?: string;
}

const many = (value: string, before: string[]) => [...before, value];

const named = (value: string, before: Record<string, string>) => {
  const [, name, path] = /^([\w.-]+)=(\/.+)$/.exec(value) ?? [];
  if (!name || !path) throw new InvalidArgumentError('it must be NAME=/path/of/the/runtime.');
  return { ...before, [name]: path };
};

const logOption = (value: string, before: Record<string, string>) => {
  const [, name, said] = /^([\w.-]+)=(.*)$/s.exec(value) ?? [];
  if (!name || said === undefined) throw new InvalidArgumentError('it must be NAME=VALUE, as in max-size=10m.');
  return { ...before, [name]: said };
};

const address = (value: string) => {
  if (!isIP(value)) throw new InvalidArgumentError('it must be an IP address.');
  return value;
};

const size = (value: string) => {
  if (bytesOf(value) === undefined) throw new InvalidArgumentError('it must be a size, as in 500m or 2g.');
  return value;
};

/** `512m`, `2g`, `1.5GiB`, in bytes. */
function bytesOf(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const scale = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }[unit.toLowerCase()];
  return number === undefined || scale === undefined ? undefined : Math.floor(Number(number) * scale);
}

const flags = (): Option[] => [
  new Option('--registry-mirror <url>', "Tried before Docker Hub, for Docker Hub's images").argParser(many).default([]),
  new Option('--insecure-registry <host>', 'A registry (HOST:PORT or CIDR) that may speak plain HTTP')
    .argParser(many)
    .default([]),
  new Option('--allow-nondistributable-artifacts <host>', 'A registry that is given foreign layers too')
    .argParser(many)
    .default([]),
  new Option('--add-runtime <name=path>', 'Another OCI runtime that containers may ask for')
    .argParser(named)
    .default({}),
  new Option('--default-runtime <name>', 'The runtime for containers that ask for none'),
  new Option('--userns-remap <who>', 'User ids of their own for containers: default, auto, UID[:GID] or user[:group]'),
  new Option(
    '--storage-driver <name>',
    'How layers are put together (default: the first of these that can be had here)',
  ).choices(['overlay2', 'fuse-overlayfs', 'vfs']),
  new Option('--log-driver <name>', 'Where the output of containers that say nothing goes: json-file or none'),
  new Option('--log-opt <name=value>', 'An option of that log driver: max-size=50m, max-file=5, …')
    .argParser(logOption)
    .default({}),
  new Option('--host-gateway-ip <address>', 'What host-gateway means in --add-host').argParser(address),
  new Option(
    '--bin-size <size>',
    'How much removed containers and volumes may take (default: a tenth of the disk, half of what is free at most, 2g at least)',
  ).argParser(size),
];

/** Teaches a command the engine's flags. */
export function addEngineFlags(command: Command): Command {
  for (const flag of flags()) command.addOption(flag);
  return command;
}

/** The flags as `openEngine` has them. */
export const engineSettings = (given: EngineFlags) => ({
  registryMirrors: given.registryMirror,
  insecureRegistries: given.insecureRegistry,
  nondistributableTo: given.allowNondistributableArtifacts,
  runtimes: Object.fromEntries(Object.entries(given.addRuntime).map(([name, path]) => [name, { path }])),
  defaultRuntime: given.defaultRuntime,
  usernsRemap: given.usernsRemap,
  storageDriver: given.storageDriver,
  logs: { ...(given.logDriver && { driver: given.logDriver }), options: given.logOpt },
  hostGatewayIp: given.hostGatewayIp,
  binSize: given.binSize === undefined ? undefined : bytesOf(given.binSize),
});

/** The flags as arguments again, for the engine that goes on after this one. */
export function engineArguments(given: EngineFlags): string[] {
  const values = given as unknown as Record<string, string | string[] | Record<string, string> | undefined>;
  return flags().flatMap((flag) => {
    const value = values[flag.attributeName()];
    if (value === undefined) return [];
    const each =
      typeof value === 'string'
        ? [value]
        : Array.isArray(value)
          ? value
          : Object.entries(value).map(([name, one]) => `${name}=${one}`);
    return each.flatMap((one) => [String(flag.long), one]);
  });
}
