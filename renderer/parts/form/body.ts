/** The body of `POST /containers/create` from the form. */
import type { ContainerCreate, HealthConfig } from '../../../main/contract/containers.js';
import { splitCommand } from '../command-line.js';
import { parseMemory, parseTime } from '../sizes.js';
import type { Draft } from './flags.js';
import { otherFlags } from './line.js';
import { mountBody, needsMount } from './mounts.js';
import { wordsOf, type ContainerForm, type Pair, type PortRow } from './value.js';

const wordsIn = (text: string): string[] => {
  const split = splitCommand(text);
  return 'words' in split ? split.words : [];
};

const named = (pairs: Pair[]): Pair[] => pairs.filter(({ key }) => key.trim() !== '');
const objectOf = (pairs: Pair[]): Record<string, string> =>
  Object.fromEntries(named(pairs).map(({ key, value }) => [key.trim(), value]));
const some = (value: object | undefined) => value !== undefined && Object.keys(value).length > 0;

/** `8000-8002`: each of them; undefined: it is no port and no range of them. */
export function portsIn(text: string): number[] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim());
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first < 1 || last > 65535 || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Container port to where it is published: a container's range meets the host's one by one. */
function bindingsOf(rows: PortRow[]) {
  const result: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { ip, host, container, protocol } of rows) {
    const inner = portsIn(container) ?? [];
    const outer = portsIn(host);
    inner.forEach((port, at) => {
      // One port of a range that is free, as Docker has it.
      const HostPort = inner.length === 1 ? host.trim() : String(outer?.[at] ?? '');
      (result[`${port}/${protocol}`] ??= []).push({ HostIp: ip.trim(), HostPort });
    });
  }
  return result;
}

function healthOf({ health }: ContainerForm, startInterval: unknown): HealthConfig | undefined {
  if (health.mode === 'none') return { Test: ['NONE'] };
  const times = {
    Interval: parseTime(health.interval),
    Timeout: parseTime(health.timeout),
    StartPeriod: parseTime(health.startPeriod),
    StartInterval: typeof startInterval === 'string' ? parseTime(startInterval) : undefined,
    Retries: /^\d+$/.test(health.retries.trim()) ? Number(health.retries) : undefined,
  };
  const test = health.command === health.exec ? ['CMD', ...wordsIn(health.exec)] : ['CMD-SHELL', health.command.trim()];
  const config: HealthConfig = {
    ...(health.mode === 'command' && { Test: test }),
    ...Object.fromEntries(Object.entries(times).filter(([, value]) => value !== undefined)),
  };
  return some(config) ? config : undefined;
}

/** What cannot be read is left out: `problems.ts` says so before. */
export function createBody(form: ContainerForm): ContainerCreate {
  const draft: Draft = { HostConfig: {}, endpoint: {} };
  const text = (value: string) => value.trim();
  const put = (into: Record<string, unknown>, fields: Record<string, unknown>) => {
    for (const [field, value] of Object.entries(fields))
      if (value !== undefined && value !== '' && !(typeof value === 'object' && value !== null && !some(value)))
        into[field] = value;
  };

  const attached = !form.detach;
  const mounts = form.mounts.filter(({ target }) => text(target) !== '');
  const anonymous = mounts.filter((row) => !needsMount(row) && text(row.source) === '');
  // On the machine's own network nothing is published: Docker would pass over it with a warning.
  const bindings = form.network === 'host' ? {} : bindingsOf(form.ports);
  put(draft, {
    Cmd: wordsIn(form.command),
    Entrypoint: wordsIn(form.entrypoint),
    WorkingDir: text(form.workdir),
    User: text(form.user),
    Hostname: text(form.hostname),
    Labels: objectOf(form.labels),
    StopSignal: text(form.stopSignal),
    StopTimeout: /^-?\d+$/.test(text(form.stopTimeout)) ? Number(form.stopTimeout) : undefined,
    Volumes: Object.fromEntries(anonymous.map(({ target }) => [text(target), {}])),
  });
  // An empty object is what is meant here.
  const exposed = Object.keys(bindingsOf(form.ports));
  if (exposed.length > 0) draft['ExposedPorts'] = Object.fromEntries(exposed.map((port) => [port, {}]));
  put(draft.HostConfig, {
    Binds: mounts
      .filter((row) => !needsMount(row) && text(row.source) !== '')
      .map(({ source, target, readOnly, options }) => {
        const mode = [...(readOnly ? ['ro'] : []), ...wordsOf(options)].join(',');
        return [text(source), text(target), mode].filter((part) => part !== '').join(':');
      }),
    Mounts: mounts.filter(needsMount).map(mountBody),
    VolumesFrom: wordsOf(form.volumesFrom),
    Tmpfs: objectOf(form.tmpfs),
    PortBindings: bindings,
    NetworkMode: form.network,
    Dns: wordsOf(form.dns),
    ExtraHosts: named(form.extraHosts).map(({ key, value }) => `${key.trim()}:${value.trim()}`),
    Memory: parseMemory(form.memory),
    MemorySwap: text(form.memorySwap) === '-1' ? -1 : parseMemory(form.memorySwap),
    NanoCpus: text(form.cpus) === '' ? undefined : Math.round(Number(form.cpus) * 1e9),
    CpusetCpus: text(form.cpuset),
    PidsLimit: /^-?\d+$/.test(text(form.pids)) ? Number(form.pids) : undefined,
    ShmSize: parseMemory(form.shm),
    CapAdd: wordsOf(form.capAdd),
    CapDrop: wordsOf(form.capDrop),
    ...(form.privileged && { Privileged: true }),
    ...(form.readOnly && { ReadonlyRootfs: true }),
    ...(form.noNewPrivileges && { SecurityOpt: ['no-new-privileges'] }),
    ...(form.init && { Init: true }),
    Devices: form.devices
      .filter(({ host }) => text(host) !== '')
      .map(({ host, container, permissions }) => ({
        PathOnHost: text(host),
        PathInContainer: text(container) || text(host),
        CgroupPermissions: text(permissions) || 'rwm',
      })),
    Sysctls: objectOf(form.sysctls),
    Ulimits: named(form.ulimits).map(({ key, value }) => {
      const [soft = '', hard = soft] = value.trim().split(':');
      return { Name: key.trim(), Soft: Number(soft), Hard: Number(hard) };
    }),
    LogConfig:
      form.logDriver === '' && named(form.logOptions).length === 0
        ? undefined
        : { Type: form.logDriver, Config: objectOf(form.logOptions) },
  });
  for (const { flag, value } of otherFlags(form)?.flags ?? []) if (flag?.body && value) flag.body(draft, value.text);

  const { endpoint, HostConfig, healthStartInterval, ...config } = draft;
  const health = healthOf(form, healthStartInterval);
  return {
    Image: text(form.image),
    ...config,
    Env: named(form.env).map(({ key, value }) => `${key.trim()}=${value}`),
    Tty: form.tty,
    OpenStdin: form.interactive,
    // As docker does: who holds the input ends it, unless a terminal outlives its viewers.
    StdinOnce: form.interactive && attached && !form.tty,
    AttachStdin: form.interactive && attached,
    AttachStdout: attached,
    AttachStderr: attached,
    ...(health && { Healthcheck: health }),
    HostConfig: {
      AutoRemove: form.autoRemove,
      RestartPolicy: {
        Name: form.restart,
        MaximumRetryCount: form.restart === 'on-failure' && /^\d+$/.test(text(form.retries)) ? Number(form.retries) : 0,
      },
      ...HostConfig,
    },
    ...(some(endpoint) && { NetworkingConfig: { EndpointsConfig: { [form.network || 'default']: endpoint } } }),
  };
}
