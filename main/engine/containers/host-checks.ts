import { isIP } from 'node:net';
import { invalid, notImplemented } from '../../base/errors.js';
import type { ContainerCreate } from '../../contract/containers.js';
import { capabilitiesOf } from './capabilities.js';
import { checkDevices } from './devices.js';
import { checkLimits } from './limits.js';
import type { FullHostConfig } from './record.js';
import { securityOptions } from './security.js';

const RLIMITS =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');
/** Of the IPC namespace; all of `fs.mqueue` is too. */
const IPC_SYSCTLS = 'msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced'
  .split(' ')
  .map((name) => `kernel.${name}`);

/** Docker's own checks, in its words. */
export function checkHostConfig(hostConfig: FullHostConfig): void {
  if (hostConfig.AutoRemove && hostConfig.RestartPolicy.Name !== 'no')
    throw invalid("can't create 'AutoRemove' container with restart policy");
  checkLimits(hostConfig);
  checkDevices(hostConfig);
  capabilitiesOf(hostConfig, 63);
  securityOptions(hostConfig.SecurityOpt);
  if (hostConfig.ShmSize < 0) throw invalid('SHM size can not be less than 0');
  if (hostConfig.OomScoreAdj < -1000 || hostConfig.OomScoreAdj > 1000) {
    throw invalid(`Invalid value ${hostConfig.OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  for (const [field, modes] of Object.entries({
    IpcMode: /^(|none|private|shareable|host|container:.+)$/,
    PidMode: /^(|host|container:.+)$/,
    UTSMode: /^(|host)$/,
    UsernsMode: /^(|host|auto)$/,
    CgroupnsMode: /^(|host|private)$/,
  })) {
    const mode = String(hostConfig[field] ?? '');
    const name = field === 'CgroupnsMode' ? 'cgroup namespace mode' : field.replace('Mode', ' mode');
    if (!modes.test(mode)) throw invalid(`invalid ${name}: ${mode}`);
  }
  if (hostConfig.NetworkMode === 'container:')
    throw invalid('Invalid network mode: invalid container format container:<name|id>');
  for (const { Name, Soft, Hard } of hostConfig.Ulimits ?? []) {
    if (!RLIMITS.includes(Name)) throw invalid(`invalid ulimit type: ${Name}`);
    if (Hard !== -1 && (Soft > Hard || Soft === -1)) {
      throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
  }
  for (const server of hostConfig.Dns ?? [])
    if (!isIP(server)) throw invalid(`bad nameserver: ${server} is not an ip address`);
  for (const entry of hostConfig.ExtraHosts ?? []) {
    const [, address] = /^[^:=\s]+[:=](.+)$/.exec(entry) ?? [];
    if (address === undefined) throw invalid(`bad format for add-host: "${entry}"`);
    if (address !== 'host-gateway' && !isIP(address.replace(/^\[(.*)\]$/, '$1')))
      throw invalid(`invalid IP address in add-host: "${address}"`);
  }
  checkSysctls(hostConfig);
}

/** Only what a namespace of its own keeps to the container. */
function checkSysctls({ Sysctls, NetworkMode, IpcMode, UTSMode }: FullHostConfig): void {
  for (const given of Object.keys(Sysctls ?? {})) {
    const name = given.replaceAll('/', '.');
    if (!/^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)+$/.test(name)) throw invalid(`invalid sysctl: ${given}`);
    if (name === 'kernel.hostname') {
      throw invalid(`sysctl "${given}" is not allowed as it conflicts with the OCI "hostname" field`);
    }
    if (name.startsWith('net.')) {
      if (NetworkMode === 'host') throw invalid(`sysctl "${given}" not allowed in host network namespace`);
      continue;
    }
    const ipc = IPC_SYSCTLS.includes(name) || name.startsWith('fs.mqueue.');
    if (ipc ? IpcMode === 'host' : name !== 'kernel.domainname' || UTSMode === 'host') {
      throw invalid(`sysctl "${given}" is not in a separate kernel namespace`);
    }
  }
}

/** What cannot both be: who shares another's network has no say in it. */
export function checkConflicts(
  { Hostname, Domainname, ExposedPorts }: ContainerCreate,
  hostConfig: FullHostConfig,
): void {
  const { UTSMode, NetworkMode, Dns, ExtraHosts, PortBindings, PublishAllPorts } = hostConfig;
  const conflict = (what: string) => invalid(`conflicting options: ${what}`);
  const some = (value: object | null | undefined): boolean => Object.keys(value ?? {}).length > 0;
  if (NetworkMode.startsWith('container:')) {
    if (Hostname) throw conflict('hostname and the network mode');
    if (Dns?.length) throw conflict('dns and the network mode');
    if (ExtraHosts?.length) throw conflict('custom host-to-IP mapping and the network mode');
    if (some(PortBindings) || PublishAllPorts) {
      throw conflict('port publishing and the container type network mode');
    }
    if (some(ExposedPorts)) throw conflict('port exposing and the container type network mode');
  }
  if (UTSMode === 'host' && Hostname) throw conflict('hostname and the UTS mode');
  if (UTSMode === 'host' && Domainname) throw conflict('domain name and the UTS mode');
}

/** What is asked for where it can change nothing. */
export function warnOfWhatDoesNothing(body: ContainerCreate): string[] {
  const { IpcMode = '', ShmSize = 0, NetworkMode = '', PortBindings } = body.HostConfig ?? {};
  const shared = /^(none|host|container:.*)$/.test(IpcMode);
  return [
    ...(NetworkMode === 'host' && Object.keys(PortBindings ?? {}).length > 0
      ? ['Published ports are discarded when using host network mode']
      : []),
    ...(ShmSize > 0 && shared
      ? [`With the IPC mode ${IpcMode} a container has no shared memory of its own. ShmSize discarded.`]
      : []),
    ...('ArgsEscaped' in body && body.ArgsEscaped ? ['linux does not know ArgsEscaped. ArgsEscaped discarded.'] : []),
  ];
}

const missing = (what: string) =>
  notImplemented(`${what} not available in this version of Slipway: leave that option out`);

/** What this version has no answer for is refused by name: a wish that is silently dropped would surprise later. */
export function refuseWhatIsMissing(hostConfig: FullHostConfig, { rootless }: { rootless: boolean }): void {
  const given = (value: unknown): boolean =>
    typeof value === 'object' && value ? Object.keys(value).length > 0 : !!value;
  const lacking: Record<string, unknown> = {
    'links (--link) are': hostConfig.Links,
    'a cgroup specification (Cgroup) is': hostConfig['Cgroup'],
  };
  for (const [what, value] of Object.entries(lacking)) if (given(value)) throw missing(what);
  if (rootless && (given(hostConfig.PortBindings) || hostConfig.PublishAllPorts))
    throw notImplemented(
      'published ports (-p, -P) need root in this version of Slipway: use --network host, or leave that option out',
    );
  const [request] =
    (hostConfig['DeviceRequests'] as { Driver?: string; Capabilities?: string[][] | null }[] | null) ?? [];
  if (request) {
    const { Driver = '', Capabilities } = request;
    const capabilities = (Capabilities ?? []).map((all) => `[${all.join(' ')}]`).join(' ');
    throw invalid(`could not select device driver "${Driver}" with capabilities: [${capabilities}]`);
  }
  if (given(hostConfig['StorageOpt'])) {
    throw invalid("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  }
  if (hostConfig['Isolation'] && hostConfig['Isolation'] !== 'default') {
    const given = JSON.stringify(hostConfig['Isolation']);
    throw invalid(`Invalid isolation: ${given} - linux only supports 'default'`);
  }
  const annotation = Object.keys((hostConfig['Annotations'] as object | undefined) ?? {}).find((key) =>
    /^(dev\.slipway|run\.oci)\./.test(key),
  );
  if (annotation) throw invalid(`the annotation ${annotation} is this engine's own word: leave it out`);
}
