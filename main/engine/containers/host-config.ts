import type { HelperHello } from '../helper/index.js';
import { withLogDefaults, type LogDefaults } from './log-options.js';
import type { FullHostConfig } from './record.js';
import { checkedRestartPolicy } from './restart-policy.js';

const SHM_SIZE = 64 * 1024 * 1024;

export const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];

export const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** In the order and with the defaults of dockerd's inspect. */
export function fillHostConfig(
  body: Record<string, unknown>,
  hello: HelperHello,
  logs: LogDefaults | undefined,
): FullHostConfig {
  const privileged = body['Privileged'] === true;
  const unmasked = privileged || ((body['SecurityOpt'] as string[] | null) ?? []).includes('systempaths=unconfined');
  const defaults = {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: 'json-file', Config: {} },
    NetworkMode: 'default',
    PortBindings: null,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    AutoRemove: false,
    VolumeDriver: '',
    VolumesFrom: null,
    ConsoleSize: [0, 0],
    CapAdd: null,
    CapDrop: null,
    CgroupnsMode: 'private',
    Dns: null,
    DnsOptions: null,
    DnsSearch: null,
    ExtraHosts: null,
    GroupAdd: null,
    IpcMode: 'private',
    Cgroup: '',
    Links: null,
    OomScoreAdj: 0,
    PidMode: '',
    Privileged: false,
    PublishAllPorts: false,
    ReadonlyRootfs: false,
    SecurityOpt: null,
    UTSMode: '',
    UsernsMode: '',
    ShmSize: SHM_SIZE,
    Runtime: 'slipway',
    Isolation: '',
    CpuShares: 0,
    Memory: 0,
    NanoCpus: 0,
    CgroupParent: '',
    BlkioWeight: 0,
    BlkioWeightDevice: null,
    BlkioDeviceReadBps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteIOps: null,
    CpuPeriod: 0,
    CpuQuota: 0,
    CpuRealtimePeriod: 0,
    CpuRealtimeRuntime: 0,
    CpusetCpus: '',
    CpusetMems: '',
    Devices: null,
    DeviceCgroupRules: null,
    DeviceRequests: null,
    MemoryReservation: 0,
    MemorySwap: 0,
    MemorySwappiness: null,
    OomKillDisable: hello.cgroup.version === 1 ? false : null,
    PidsLimit: null,
    Ulimits: null,
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    MaskedPaths: unmasked ? null : MASKED_PATHS,
    ReadonlyPaths: unmasked ? null : READONLY_PATHS,
  };
  const filled: Record<string, unknown> = { ...defaults };
  const further = 'Tmpfs Sysctls Init Mounts Annotations StorageOpt KernelMemory KernelMemoryTCP'.split(' ');
  for (const key of [...Object.keys(defaults), ...further]) {
    const given = body[key];
    if (given !== undefined && given !== null) filled[key] = given;
  }
  const hostConfig = filled as unknown as FullHostConfig;
  // An empty word or a zero means: as usual.
  hostConfig.NetworkMode ||= 'default';
  hostConfig.IpcMode ||= 'private';
  hostConfig.CgroupnsMode ||= 'private';
  hostConfig.Runtime ||= 'slipway';
  hostConfig.ShmSize ||= SHM_SIZE;
  // Where it shares everything there is no label to keep it apart.
  if (privileged || hostConfig.PidMode === 'host' || hostConfig.IpcMode === 'host')
    hostConfig.SecurityOpt ??= ['label=disable'];
  hostConfig.RestartPolicy = checkedRestartPolicy(hostConfig.RestartPolicy);
  hostConfig.LogConfig = withLogDefaults(hostConfig.LogConfig, logs);
  if (hostConfig.Memory > 0 && hostConfig.MemorySwap === 0) hostConfig.MemorySwap = hostConfig.Memory * 2;
  if (hostConfig.MemorySwappiness === -1) hostConfig.MemorySwappiness = null;
  if (hostConfig.PidsLimit !== null && hostConfig.PidsLimit <= 0) hostConfig.PidsLimit = null;
  return hostConfig;
}
