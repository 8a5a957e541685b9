/**
 * What clients may send. Fields that we do not know are kept as they are, lists may be null, a command may be one string:
 * the ways of Docker's own decoder.
 */
import { z } from 'zod';
import type { CheckRequest } from '../contract/check.js';
import type { ContainerCreate, ContainerUpdate, ExecCreate, ExecStart } from '../contract/containers.js';
import type { ContainerChange } from '../contract/changes.js';
import type { DebugCreate } from '../contract/files.js';
import type { MountWish } from '../contract/mounts.js';
import type { NetworkConnect, NetworkCreate, NetworkDisconnect } from '../contract/networks.js';
import type { RegistryChange } from '../contract/registries.js';
import type { BackupSchedule } from '../contract/volume-data.js';
import type { ServeRequest } from '../contract/serve.js';
import type { VolumeCreate } from '../contract/volumes.js';
import { invalid } from '../base/errors.js';

/** Absent and null are the same: not said. */
const maybe = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().transform((value) => value ?? undefined);
const strings = z.array(z.string());
const words = z.union([strings, z.string().transform((word) => [word])]);
const anything = z.record(z.string(), z.unknown());
const whole = z.number().int();

const labels = maybe(z.record(z.string(), z.string()));

const endpointConfig = z.looseObject({
  IPAMConfig: maybe(
    z.looseObject({ IPv4Address: maybe(z.string()), IPv6Address: maybe(z.string()), LinkLocalIPs: maybe(strings) }),
  ),
  Aliases: maybe(strings),
  Links: maybe(strings),
  MacAddress: maybe(z.string()),
  DriverOpts: labels,
  GwPriority: maybe(whole),
});

const mounts = maybe(
  z.array(
    z.looseObject({
      Type: maybe(z.string()),
      Source: maybe(z.string()),
      Target: maybe(z.string()),
      ReadOnly: maybe(z.boolean()),
      Consistency: maybe(z.string()),
      BindOptions: maybe(
        z.looseObject({
          Propagation: maybe(z.string()),
          CreateMountpoint: maybe(z.boolean()),
          NonRecursive: maybe(z.boolean()),
          ReadOnlyNonRecursive: maybe(z.boolean()),
          ReadOnlyForceRecursive: maybe(z.boolean()),
        }),
      ),
      VolumeOptions: maybe(
        z.looseObject({
          NoCopy: maybe(z.boolean()),
          Labels: labels,
          DriverConfig: maybe(z.looseObject({ Name: maybe(z.string()), Options: labels })),
          Subpath: maybe(z.string()),
        }),
      ),
      ImageOptions: maybe(z.looseObject({ Subpath: maybe(z.string()) })),
      TmpfsOptions: maybe(
        z.looseObject({ SizeBytes: maybe(whole), Mode: maybe(whole), Options: maybe(z.array(strings)) }),
      ),
    }),
  ),
);

const devices = maybe(
  z.array(
    z.looseObject({
      PathOnHost: z.string(),
      PathInContainer: maybe(z.string()).transform((value) => value ?? ''),
      CgroupPermissions: maybe(z.string()).transform((value) => value ?? ''),
    }),
  ),
);

const deviceRequests = maybe(
  z.array(z.looseObject({ Driver: maybe(z.string()), Capabilities: maybe(z.array(strings)) })),
);

const restartPolicy = maybe(
  z.looseObject({
    Name: maybe(z.string()).transform((value) => value ?? ''),
    MaximumRetryCount: maybe(whole).transform((value) => value ?? 0),
  }),
);

const rates = maybe(z.array(z.looseObject({ Path: z.string(), Rate: whole.nonnegative() })));

const resources = {
  Memory: maybe(whole),
  MemoryReservation: maybe(whole),
  MemorySwap: maybe(whole),
  MemorySwappiness: maybe(whole),
  NanoCpus: maybe(whole),
  CpuShares: maybe(whole),
  CpuPeriod: maybe(whole),
  CpuQuota: maybe(whole),
  CpusetCpus: maybe(z.string()),
  CpusetMems: maybe(z.string()),
  PidsLimit: maybe(whole),
  OomKillDisable: maybe(z.boolean()),
  CpuRealtimePeriod: maybe(whole),
  CpuRealtimeRuntime: maybe(whole),
  BlkioWeight: maybe(whole),
  BlkioWeightDevice: maybe(z.array(z.looseObject({ Path: z.string(), Weight: whole }))),
  BlkioDeviceReadBps: rates,
  BlkioDeviceWriteBps: rates,
  BlkioDeviceReadIOps: rates,
  BlkioDeviceWriteIOps: rates,
  KernelMemory: maybe(whole),
  KernelMemoryTCP: maybe(whole),
  CpuCount: maybe(whole),
  CpuPercent: maybe(whole),
  IOMaximumBandwidth: maybe(whole),
  IOMaximumIOps: maybe(whole),
};

const hostConfig = z.looseObject({
  Binds: maybe(strings),
  LogConfig: maybe(
    z.looseObject({
      Type: maybe(z.string()).transform((value) => value ?? ''),
      Config: maybe(z.record(z.string(), z.string())).transform((value) => value ?? {}),
    }),
  ),
  NetworkMode: maybe(z.string()),
  RestartPolicy: restartPolicy,
  AutoRemove: maybe(z.boolean()),
  CapAdd: maybe(words),
  CapDrop: maybe(words),
  Dns: maybe(strings),
  DnsOptions: maybe(strings),
  DnsSearch: maybe(strings),
  Mounts: mounts,
  Devices: devices,
  DeviceCgroupRules: maybe(strings),
  DeviceRequests: deviceRequests,
  VolumeDriver: maybe(z.string()),
  CgroupParent: maybe(z.string()),
  UsernsMode: maybe(z.string()),
  Annotations: labels,
  StorageOpt: labels,
  ExtraHosts: maybe(strings),
  GroupAdd: maybe(strings),
  IpcMode: maybe(z.string()),
  PidMode: maybe(z.string()),
  UTSMode: maybe(z.string()),
  CgroupnsMode: maybe(z.string()),
  Privileged: maybe(z.boolean()),
  PublishAllPorts: maybe(z.boolean()),
  ReadonlyRootfs: maybe(z.boolean()),
  SecurityOpt: maybe(strings),
  ShmSize: maybe(whole),
  Tmpfs: maybe(z.record(z.string(), z.string())),
  Sysctls: maybe(z.record(z.string(), z.string())),
  Runtime: maybe(z.string()),
  Init: maybe(z.boolean()),
  OomScoreAdj: maybe(whole),
  ...resources,
  Ulimits: maybe(z.array(z.looseObject({ Name: z.string(), Soft: whole, Hard: whole }))),
  // Here null and an empty list differ: null is the default set of paths, an empty list is none.
  MaskedPaths: strings.nullish(),
  ReadonlyPaths: strings.nullish(),
  PortBindings: maybe(
    z.record(
      z.string(),
      maybe(
        z.array(
          z.object({
            HostIp: maybe(z.string()).transform((value) => value ?? ''),
            HostPort: maybe(z.string()).transform((value) => value ?? ''),
          }),
        ),
      ).transform((value) => value ?? []),
    ),
  ),
  Links: maybe(strings),
  VolumesFrom: maybe(strings),
  ConsoleSize: maybe(z.tuple([whole, whole])),
});

const containerCreateSchema = z.looseObject({
  Hostname: maybe(z.string()),
  Domainname: maybe(z.string()),
  User: maybe(z.string()),
  AttachStdin: maybe(z.boolean()),
  AttachStdout: maybe(z.boolean()),
  AttachStderr: maybe(z.boolean()),
  Tty: maybe(z.boolean()),
  OpenStdin: maybe(z.boolean()),
  StdinOnce: maybe(z.boolean()),
  Env: maybe(strings),
  Cmd: maybe(words),
  Image: maybe(z.string()),
  Volumes: maybe(anything),
  WorkingDir: maybe(z.string()),
  Entrypoint: maybe(words),
  Labels: maybe(z.record(z.string(), z.string())),
  ExposedPorts: maybe(anything),
  StopSignal: maybe(z.string()),
  StopTimeout: maybe(whole),
  Healthcheck: maybe(
    z.looseObject({
      Test: maybe(strings),
      ...{ Interval: maybe(whole), Timeout: maybe(whole), StartPeriod: maybe(whole), StartInterval: maybe(whole) },
      Retries: maybe(whole),
    }),
  ),
  Shell: maybe(words),
  ArgsEscaped: maybe(z.boolean()),
  NetworkDisabled: maybe(z.boolean()),
  OnBuild: maybe(strings),
  HostConfig: maybe(hostConfig),
  NetworkingConfig: maybe(z.looseObject({ EndpointsConfig: maybe(z.record(z.string(), endpointConfig.nullable())) })),
  MacAddress: maybe(z.string()),
});

const consoleSize = z.tuple([whole, whole]).nullish();

const containerUpdateSchema = z.looseObject({ ...resources, RestartPolicy: restartPolicy });

const execCreateSchema = z.object({
  AttachStdin: maybe(z.boolean()),
  AttachStdout: maybe(z.boolean()),
  AttachStderr: maybe(z.boolean()),
  DetachKeys: maybe(z.string()),
  Tty: maybe(z.boolean()),
  Env: maybe(strings),
  Cmd: maybe(words).transform((value) => value ?? []),
  Privileged: maybe(z.boolean()),
  User: maybe(z.string()),
  WorkingDir: maybe(z.string()),
  ConsoleSize: consoleSize,
});

const execStartSchema = z.object({
  Detach: maybe(z.boolean()),
  Tty: maybe(z.boolean()),
  ConsoleSize: consoleSize,
});

export function containerCreate(body: unknown): ContainerCreate {
  if (body === undefined || body === null) throw invalid('config cannot be empty in order to create a container');
  const wish = inOurCase(body, containerCreateSchema.shape);
  if (wish['HostConfig']) wish['HostConfig'] = inOurCase(wish['HostConfig'], hostConfig.shape);
  return said(read(containerCreateSchema, wish)) as ContainerCreate;
}

const containerChangeSchema = z.strictObject({
  Name: maybe(z.string()),
  Image: maybe(z.string()),
  Config: maybe(anything),
  HostConfig: maybe(anything),
});

const configSchema = z.looseObject(omitted(containerCreateSchema.shape, 'HostConfig', 'NetworkingConfig', 'Image'));

/** Null is a wish of its own here: as if that field had never been said. */
export function containerChange(body: unknown): ContainerChange {
  const { Config, HostConfig, ...rest } = said(
    read(containerChangeSchema, inOurCase(body ?? {}, containerChangeSchema.shape)),
  ) as { Config?: Record<string, unknown>; HostConfig?: Record<string, unknown> };
  const part = (schema: typeof configSchema | typeof hostConfig, fields: Record<string, unknown>) => {
    const wish = inOurCase(fields, schema.shape);
    const unsaid = Object.keys(wish).filter((name) => wish[name] === null);
    return { ...(said(read(schema, wish)) as object), ...Object.fromEntries(unsaid.map((name) => [name, null])) };
  };
  return {
    ...rest,
    ...(Config && { Config: part(configSchema, Config) }),
    ...(HostConfig && { HostConfig: part(hostConfig, HostConfig) }),
  };
}

const containerRevertSchema = z.strictObject({ Seq: whole.nonnegative() });

export const containerRevert = (body: unknown): { Seq: number } => read(containerRevertSchema, body ?? {});

const path = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'must not hold a NUL');

const mountWishSchema = z.strictObject({
  Type: z.enum(['bind', 'volume']),
  Source: path,
  Target: path,
  ReadOnly: maybe(z.boolean()),
  IdMap: maybe(z.boolean()),
  Restart: maybe(z.boolean()),
});

export const mountWish = (body: unknown): MountWish =>
  said(read(mountWishSchema, inOurCase(body ?? {}, mountWishSchema.shape))) as unknown as MountWish;

const networkCreateSchema = z.looseObject({
  Name: maybe(z.string()),
  Driver: maybe(z.string()),
  Scope: maybe(z.string()),
  ...{ Internal: maybe(z.boolean()), Attachable: maybe(z.boolean()), Ingress: maybe(z.boolean()) },
  ConfigOnly: maybe(z.boolean()),
  ConfigFrom: maybe(z.looseObject({ Network: maybe(z.string()) })),
  ...{ EnableIPv4: maybe(z.boolean()), EnableIPv6: maybe(z.boolean()) },
  IPAM: maybe(
    z.looseObject({
      Driver: maybe(z.string()),
      Config: maybe(
        z.array(
          z.looseObject({
            ...{ Subnet: maybe(z.string()), IPRange: maybe(z.string()), Gateway: maybe(z.string()) },
            AuxiliaryAddresses: labels,
          }),
        ),
      ),
      Options: labels,
    }),
  ),
  ...{ Options: labels, Labels: labels },
});

export const networkCreate = (body: unknown): NetworkCreate =>
  said(read(networkCreateSchema, inOurCase(body ?? {}, networkCreateSchema.shape))) as NetworkCreate;

const networkConnectSchema = z.looseObject({ Container: z.string(), EndpointConfig: maybe(endpointConfig) });

export const networkConnect = (body: unknown): NetworkConnect =>
  said(read(networkConnectSchema, inOurCase(body ?? {}, networkConnectSchema.shape))) as NetworkConnect;

const networkDisconnectSchema = z.looseObject({ Container: z.string(), Force: maybe(z.boolean()) });

export const networkDisconnect = (body: unknown): NetworkDisconnect =>
  said(read(networkDisconnectSchema, inOurCase(body ?? {}, networkDisconnectSchema.shape))) as NetworkDisconnect;

const volumeCreateSchema = z.looseObject({
  Name: maybe(z.string()),
  Driver: maybe(z.string()),
  DriverOpts: labels,
  Labels: labels,
});

export const volumeCreate = (body: unknown): VolumeCreate =>
  said(read(volumeCreateSchema, inOurCase(body ?? {}, volumeCreateSchema.shape))) as VolumeCreate;

const volumeCloneSchema = z.looseObject({ Name: z.string(), Pause: maybe(z.boolean()) });
export const volumeClone = (body: unknown): { Name: string; Pause?: boolean } =>
  said(read(volumeCloneSchema, body ?? {})) as { Name: string; Pause?: boolean };

const backupCreateSchema = z.looseObject({ Pause: maybe(z.boolean()), Note: maybe(z.string()) });
export const backupCreate = (body: unknown): { Pause?: boolean; Note?: string } =>
  said(read(backupCreateSchema, body ?? {})) as { Pause?: boolean; Note?: string };

const backupRestoreSchema = z.looseObject({ Name: maybe(z.string()) });
export const backupRestore = (body: unknown): { Name?: string } =>
  said(read(backupRestoreSchema, body ?? {})) as { Name?: string };

const backupScheduleSchema = z.looseObject({ Every: z.number(), Keep: z.number(), Pause: maybe(z.boolean()) });
export function backupSchedule(body: unknown): BackupSchedule {
  const { Every, Keep, Pause } = read(backupScheduleSchema, body ?? {});
  return { Every, Keep, Pause: Pause ?? false };
}

export const containerUpdate = (body: unknown): ContainerUpdate =>
  said(read(containerUpdateSchema, body ?? {})) as ContainerUpdate;

export function execCreate(body: unknown): ExecCreate {
  const wish = said(read(execCreateSchema, inOurCase(body ?? {}, execCreateSchema.shape))) as ExecCreate;
  if (wish.Cmd.length === 0) throw invalid('No exec command specified');
  return wish;
}

const debugCreateSchema = execCreateSchema.omit({ Privileged: true });

export const debugCreate = (body: unknown): DebugCreate =>
  said(read(debugCreateSchema, inOurCase(body ?? {}, debugCreateSchema.shape))) as DebugCreate;

const renameSchema = z.object({ From: z.string(), To: z.string() });

export const fileRename = (body: unknown): { From: string; To: string } => read(renameSchema, body ?? {});

const MOST_QUESTIONS = 64;

const checkRequestSchema = z.strictObject({
  Name: maybe(z.string()),
  Image: maybe(z.string()),
  Ports: maybe(
    z
      .array(
        z.strictObject({
          Ip: maybe(z.union([z.literal(''), z.ipv4(), z.ipv6()])),
          Port: whole.min(1).max(65535),
          Protocol: maybe(z.enum(['tcp', 'udp'])),
        }),
      )
      .max(MOST_QUESTIONS),
  ),
  Paths: maybe(z.array(z.string().regex(/^\/[^\0]*$/, 'a path must be absolute')).max(MOST_QUESTIONS)),
});

export const checkRequest = (body: unknown): CheckRequest => said(read(checkRequestSchema, body ?? {})) as CheckRequest;

const foldersRequestSchema = z.strictObject({
  Paths: z.array(z.string().regex(/^\/[^\0]*$/, 'a path must be absolute')).max(MOST_QUESTIONS),
});

export const foldersRequest = (body: unknown): string[] => read(foldersRequestSchema, body ?? {}).Paths;

/** PEM of many certificates is still far below this. */
const pem = z.string().max(1024 * 1024);

const registryChangeSchema = z.strictObject({
  mirrors: maybe(strings.max(32)),
  insecure: maybe(z.boolean()),
  ca: pem.nullish(),
  clientCertificate: pem.nullish(),
  clientKey: pem.nullish(),
});

export const registryChange = (body: unknown): RegistryChange =>
  said(read(registryChangeSchema, body ?? {})) as RegistryChange;

const registryLoginSchema = z.looseObject({ username: z.string().min(1), password: z.string().min(1) });

export function registryLogin(body: unknown): { username: string; password: string } {
  const { username, password } = read(registryLoginSchema, body ?? {});
  return { username, password };
}

const credentialsSchema = z.looseObject({
  username: maybe(z.string()),
  password: maybe(z.string()),
  serveraddress: maybe(z.string()),
  identitytoken: maybe(z.string()),
  registrytoken: maybe(z.string()),
});

/** What `POST /auth` is given. */
export function credentials(body: unknown): z.output<typeof credentialsSchema> {
  if (body === undefined) throw invalid('invalid request body: EOF');
  const { username, password, serveraddress, identitytoken, registrytoken } = read(
    credentialsSchema,
    inOurCase(body ?? {}, credentialsSchema.shape),
  );
  return said({ username, password, serveraddress, identitytoken, registrytoken }) as z.output<
    typeof credentialsSchema
  >;
}

const serveRequestSchema = z.strictObject({
  address: maybe(z.string().max(100)),
  writable: maybe(z.boolean()),
  persist: maybe(z.boolean()),
  token: maybe(z.boolean()),
});

export const serveRequest = (body: unknown): ServeRequest => said(read(serveRequestSchema, body ?? {})) as ServeRequest;

export const execStart = (body: unknown): ExecStart =>
  said(read(execStartSchema, inOurCase(body ?? {}, execStartSchema.shape))) as ExecStart;

function omitted<Shape extends object, Name extends keyof Shape>(shape: Shape, ...names: Name[]): Omit<Shape, Name> {
  const kept = Object.entries(shape).filter(([name]) => !(names as string[]).includes(name));
  return Object.fromEntries(kept) as Omit<Shape, Name>;
}

/** Docker's decoder takes a field's name in any case. */
function inOurCase(body: unknown, shape: object): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body as Record<string, unknown>;
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [names.get(name.toLowerCase()) ?? name, value]),
  );
}

function read<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.');
  throw invalid(`invalid request body: ${where ? `${where}: ` : ''}${issue?.message ?? 'it does not fit'}`);
}

/** Without the fields that were not said, at every depth where we look. */
function said(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, said(inner)]])),
  );
}
