import { mkdir, stat } from 'node:fs/promises';
import { hostname as hostName } from 'node:os';
import { codeOf, invalid, notFound, reasonOf } from '../../base/errors.js';
import type { EndpointSettings } from '../../contract/containers.js';
import type { BundleFile, HelperHello, NetworkRequest, RunRequest } from '../helper/index.js';
import { healthProbe } from './health.js';
import { networkFiles } from './network-files.js';
import type { ContainerPaths } from './paths.js';
import { logLimits } from './log-options.js';
import type { ContainerRecord, MountPoint } from './record.js';
import type { OverlayMounts } from './rooms.js';
import type { Seccomp } from './seccomp.js';
import type { ImageLayers } from './sources.js';
import type { UserNamespace } from './user-ids.js';
import { buildSpec, cgroupOf, sharedContainer, specText } from './spec.js';

export interface BundleInput {
  record: ContainerRecord;
  paths: ContainerPaths;
  hello: HelperHello;
  overlay: OverlayMounts;
  /** Its places on networks, the first one's gateway first. */
  endpoints: EndpointSettings[];
  seccomp: Seccomp;
  lastCapability: number;
  users: UserNamespace | undefined;
  layers: ReadonlyMap<string, ImageLayers>;
  /** What `host-gateway` means, where not the gateway of its network. */
  hostGateway: string | undefined;
  pidOf(container: string, namespace: string): number;
  /** The files of a container whose network is shared. */
  pathsOf(container: string): ContainerPaths;
}

/** The bundle: config.json and the files it mounts. What `-v` binds is made where it is not there. */
export async function bundleFiles(input: BundleInput): Promise<BundleFile[]> {
  const { record, paths, endpoints } = input;
  const { config, hostConfig, network } = record;
  const hostname = hostNameOf(record);
  const other = sharedContainer(network);
  const identity = other === undefined ? paths : input.pathsOf(other);
  const list = (key: string): string[] => (hostConfig[key] as string[] | null) ?? [];
  const [spec, files] = await Promise.all([
    buildSpec({ ...input, hostname, files: identity, bundle: paths.bundle }),
    networkFiles({
      mode: network,
      hostname,
      domainname: config.Domainname,
      addresses: endpoints.flatMap(({ IPAddress, GlobalIPv6Address }) => [IPAddress, GlobalIPv6Address]),
      names: endpoints.some(({ DNSNames }) => DNSNames != null),
      // On this machine's own network the machine is where it always is.
      gateway:
        input.hostGateway ||
        endpoints.find(({ Gateway }) => Gateway)?.Gateway ||
        (network === 'host' ? '127.0.0.1' : ''),
      dns: list('Dns'),
      dnsSearch: list('DnsSearch'),
      dnsOptions: list('DnsOptions'),
      extraHosts: list('ExtraHosts'),
    }),
    ...record.mounts.map(makeSource),
  ]);
  const specification = { path: paths.config, text: specText(spec), mode: 0o600 };
  if (other !== undefined) return [specification];
  return [
    specification,
    { path: paths.hostname, text: files.hostname },
    { path: paths.hosts, text: files.hosts },
    { path: paths.resolvConf, text: files.resolvConf },
  ];
}

/** With the host's network or UTS namespace a container bears the host's name. */
export function hostNameOf({ config, hostConfig, network, id }: ContainerRecord): string {
  const generated = config.Hostname === id.slice(0, 12);
  return hostConfig.UTSMode === 'host' || (network === 'host' && generated) ? hostName() : config.Hostname;
}

/** As dockerd does for `-v`: a source that is not there becomes an empty directory. That of a `--mount` has to be there still. */
export async function makeSource({ Type, Source, own }: MountPoint): Promise<void> {
  if (Type !== 'bind' && own?.device === undefined) return;
  try {
    await stat(own?.device ?? Source);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return; // the mount itself will say it better
    if (own?.device !== undefined) {
      const mount = `mount ${own.device}:${Source}, flags: 0x1000: no such file or directory`;
      throw notFound(`error while mounting volume '${Source}': failed to mount local volume: ${mount}`);
    }
    if (own?.strict) throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${Source}`);
    await mkdir(Source, { recursive: true, mode: 0o755 }).catch((cause: unknown) => {
      // A link that leads nowhere is there all the same.
      const why = codeOf(cause) === 'ENOENT' ? 'file exists' : reasonOf(cause);
      throw invalid(`error while creating mount source path '${Source}': mkdir ${Source}: ${why}`, { cause });
    });
  }
}

export function runRequest(
  record: ContainerRecord,
  paths: ContainerPaths,
  { files, network }: { files: BundleFile[]; network: NetworkRequest | null },
): RunRequest {
  const { id, config, hostConfig, runtime } = record;
  const [rows = 0, cols = 0] = hostConfig.ConsoleSize ?? [];
  return {
    id,
    bundle: paths.bundle,
    files,
    stateDir: paths.stateDir,
    cgroup: cgroupOf(record),
    io: { tty: config.Tty, stdin: config.OpenStdin, stdinOnce: config.StdinOnce, rows, cols },
    log: hostConfig.LogConfig.Type === 'none' ? null : { path: paths.log, ...logLimits(hostConfig.LogConfig.Config) },
    health: healthProbe(config),
    network,
    exitFile: paths.exitFile,
    runtime,
  };
}
