/**
 * What changed between the versions of Docker's API: what an older client may say, and what it expects to read. Rooms below speak the newest;
 * this is the only place that knows of the others.
 */
import type { ContainerCreate, ContainerInspect, ContainerSummary, ContainerWait } from '../contract/containers.js';
import type { ImageInspect, ImageSummary } from '../contract/images.js';
import type { SystemInfo } from '../contract/system.js';
import { invalid } from '../base/errors.js';
import { atLeast, type ApiVersion } from './versions.js';

/** A create as the newest client would have sent it: without what its version did not have, with what its version meant by silence. */
export function createAskedAt(version: ApiVersion, body: ContainerCreate, cgroupVersion: 1 | 2): ContainerCreate {
  const since = (floor: string) => atLeast(version, floor);
  const host: Record<string, unknown> = { ...body.HostConfig };
  const config: Record<string, unknown> = { ...body };
  if (!since('1.25')) delete host['AutoRemove']; // such a client removes the container itself
  if (!since('1.40')) host['IpcMode'] ||= 'shareable';
  if (!since('1.41') && cgroupVersion === 1) host['CgroupnsMode'] ||= 'host';
  if (!since('1.42')) delete host['ConsoleSize'];
  else delete host['KernelMemory'];
  if (!since('1.43')) delete host['Annotations'];
  if (!since('1.44')) {
    const check = config['Healthcheck'] as Record<string, unknown> | undefined;
    if (check) {
      config['Healthcheck'] = { ...check };
      delete (config['Healthcheck'] as Record<string, unknown>)['StartInterval'];
    }
    const endpoints = Object.keys(body.NetworkingConfig?.EndpointsConfig ?? {});
    if (endpoints.length > 1)
      throw invalid(`Container cannot be created with multiple network endpoints: ${endpoints.join(', ')}`);
  }
  return { ...config, HostConfig: host };
}

export function containerAt(version: ApiVersion, container: ContainerInspect): object {
  const { HostConfig, NetworkSettings } = container;
  return {
    ...container,
    ...(!atLeast(version, '1.42') && { HostConfig: { ...HostConfig, KernelMemory: 0, KernelMemoryTCP: 0 } }),
    NetworkSettings: { ...NetworkSettings, Networks: networksAt(version, NetworkSettings.Networks) },
  };
}

export const summaryAt = (version: ApiVersion, summary: ContainerSummary): object => ({
  ...summary,
  NetworkSettings: { Networks: networksAt(version, summary.NetworkSettings.Networks) },
});

/** The names that a network's DNS knows have a field of their own since 1.44. */
const networksAt = (version: ApiVersion, networks: Record<string, object>): Record<string, object> =>
  atLeast(version, '1.44')
    ? Object.fromEntries(Object.entries(networks).map(([name, endpoint]) => [name, { DNSNames: null, ...endpoint }]))
    : networks;

/** Older clients find the field whether or not there was an error. */
export const waitAt = (version: ApiVersion, wait: ContainerWait): object =>
  atLeast(version, '1.42') ? wait : { Error: null, ...wait };

/** What a container's config holds where nothing was said: an image's is shown in the same shape. */
const BLANK = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

export function imageAt(version: ApiVersion, image: ImageInspect): object {
  const said = Object.entries(image.Config).filter(([, value]) => value != null);
  return {
    ...image,
    Config: { ...BLANK, ...Object.fromEntries(said) },
    ...(!atLeast(version, '1.44') && { VirtualSize: image.Size }),
    ...(!atLeast(version, '1.45') && { Container: '', ContainerConfig: BLANK }),
  };
}

export const imageSummaryAt = (version: ApiVersion, image: ImageSummary): object => ({
  ...image,
  ...(!atLeast(version, '1.44') && { VirtualSize: image.Size }),
});

export function infoAt(version: ApiVersion, info: SystemInfo): object {
  return {
    ...info,
    ...(!atLeast(version, '1.42') && { KernelMemory: false, KernelMemoryTCP: false }),
    ...(atLeast(version, '1.44') && { CDISpecDirs: [] }),
    // `name=seccomp,profile=builtin` was only the name.
    ...(!atLeast(version, '1.25') && {
      ExecutionDriver: '<not supported>',
      SecurityOptions: info.SecurityOptions.map((option) => option.replace(/^name=/, '').replace(/,.*/, '')),
    }),
  };
}

const diskFields = {
  container: ['Containers'],
  image: ['Images', 'LayersSize'],
  volume: ['Volumes'],
  'build-cache': ['BuildCache'],
} as const;
export type DiskType = keyof typeof diskFields;

/** What is to be counted: since 1.42 `type` picks. None: all of it. */
export function diskTypesAt(version: ApiVersion, types: readonly string[]): DiskType[] {
  if (!atLeast(version, '1.42')) return [];
  return types.map((type) => {
    if (type in diskFields) return type as DiskType;
    throw invalid(`unknown object type: ${type}`);
  });
}

/** The builder's own sum went with 1.42. */
export function diskUsageAt<
  Usage extends Record<string, unknown> & { Images: ImageSummary[]; Containers: ContainerSummary[] },
>(version: ApiVersion, newest: Usage, types: readonly DiskType[]): object {
  const usage = {
    ...newest,
    Images: newest.Images.map((image) => imageSummaryAt(version, image)),
    Containers: newest.Containers.map((summary) => summaryAt(version, summary)),
  };
  if (!atLeast(version, '1.42')) return { ...usage, BuilderSize: 0 };
  if (types.length === 0) return usage;
  const wanted: string[] = types.flatMap((type) => diskFields[type]);
  return Object.fromEntries(Object.entries(usage).filter(([key]) => wanted.includes(key)));
}
