/** `inspect`, `version`, `info` and `events`: what the engine says, as it says it or in docker's layout. */
import { ApiError } from '../client/index.js';
import type { EngineEvent } from '../contract/events.js';
import type { Context } from './context.js';
import { sentence } from './failures.js';
import { filtersOf } from './lists.js';
import { complain, print } from './output.js';
import { render, type Fields } from './template.js';
import { humanSize, moment } from './units.js';

export const cliVersion = process.env['SLIPWAY_VERSION'] ?? 'development';

export const inspect = (
  { client, host }: Context,
  names: string[],
  flags: { type?: string; format?: string; size?: boolean },
): Promise<number> => inspectEach(names, { format: flags.format, host }, (name) => inspectOne(client, name, flags));

/** Prints what was asked for, and tells what was not found; answers the exit code. */
export async function inspectEach(
  names: string[],
  { format, host }: { format: string | undefined; host: string },
  one: (name: string) => Promise<object>,
): Promise<number> {
  const found: object[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push(await one(name));
    } catch (error) {
      failures.push(sentence(error, host));
    }
  }
  if (format === 'json') await print(`${JSON.stringify(found)}\n`);
  else if (format) for (const item of found) await print(`${render(format, item as Fields)}\n`);
  else await print(`${JSON.stringify(found, undefined, 4)}\n`);
  for (const failure of failures) await complain(failure);
  return failures.length > 0 ? 1 : 0;
}

async function inspectOne(
  client: Context['client'],
  name: string,
  { type, size }: { type?: string; size?: boolean },
): Promise<object> {
  const isMissing = (error: unknown) => error instanceof ApiError && error.kind === 'not-found';
  if (type === 'image') return client.images.inspect(name);
  if (type === 'volume') return client.volumes.inspect(name);
  try {
    return await client.containers.inspect(name, { size });
  } catch (error) {
    if (!isMissing(error) || type === 'container') throw error;
  }
  try {
    return await client.images.inspect(name);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  try {
    return await client.volumes.inspect(name);
  } catch (error) {
    throw isMissing(error) ? new Error(`Error: No such object: ${name}`) : error;
  }
}

export async function version({ client }: Context, format: string | undefined): Promise<void> {
  const own = { Version: cliVersion, ApiVersion: '1.47', Os: process.platform, Arch: goArch(), Node: process.version };
  let engine: Awaited<ReturnType<typeof client.system.version>> | undefined;
  let failure: unknown;
  try {
    engine = await client.system.version();
  } catch (error) {
    failure = error;
  }
  if (format === 'json') await print(`${JSON.stringify({ Client: own, Server: engine ?? null })}\n`);
  else if (format) await print(`${render(format, { Client: own, Server: engine as unknown })}\n`);
  else {
    const lines = [
      'Client: Slipway',
      ` Version:           ${own.Version}`,
      ` API version:       ${own.ApiVersion}`,
      ` Node version:      ${own.Node.replace(/^v/, '')}`,
      ` OS/Arch:           ${own.Os}/${own.Arch}`,
    ];
    if (engine)
      lines.push(
        '',
        `Server: ${engine.Platform?.Name || 'Docker Engine'}`,
        ' Engine:',
        `  Version:          ${engine.Version}`,
        `  API version:      ${engine.ApiVersion} (minimum version ${engine.MinAPIVersion})`,
        `  OS/Arch:          ${engine.Os}/${engine.Arch}`,
        `  Kernel:           ${engine.KernelVersion}`,
        ...(engine.Components ?? [])
          .slice(1)
          .flatMap(({ Name, Version }) => [` ${Name}:`, `  Version:          ${Version}`]),
      );
    await print(`${lines.join('\n')}\n`);
  }
  if (failure) throw failure;
}

const goArch = () => ({ x64: 'amd64', ia32: '386' })[process.arch as string] ?? process.arch;

export async function info({ client, host }: Context, format: string | undefined): Promise<void> {
  const engine = await client.system.info();
  if (format) return print(`${format === 'json' ? JSON.stringify(engine) : render(format, engine)}\n`);
  const lines = [
    'Client:',
    ` Version:    ${cliVersion}`,
    ` Engine at:  ${host}`,
    '',
    'Server:',
    ` Containers: ${engine.Containers}`,
    `  Running: ${engine.ContainersRunning}`,
    `  Paused: ${engine.ContainersPaused}`,
    `  Stopped: ${engine.ContainersStopped}`,
    ` Images: ${engine.Images}`,
    ` Server Version: ${engine.ServerVersion}`,
    ` Storage Driver: ${engine.Driver}`,
    ` Cgroup Driver: ${engine.CgroupDriver}`,
    ` Cgroup Version: ${engine.CgroupVersion}`,
    ` Runtimes: ${Object.keys(engine.Runtimes ?? {}).join(' ')}`,
    ` Default Runtime: ${engine.DefaultRuntime}`,
    ' Security Options:',
    ...(engine.SecurityOptions ?? []).map((option) => `  ${option.replace(/^name=/, '').split(',')[0]}`),
    ` Kernel Version: ${engine.KernelVersion}`,
    ` Operating System: ${engine.OperatingSystem}`,
    ` OSType: ${engine.OSType}`,
    ` Architecture: ${engine.Architecture}`,
    ` CPUs: ${engine.NCPU}`,
    ` Total Memory: ${humanBinary(engine.MemTotal)}`,
    ` Name: ${engine.Name}`,
    ` ID: ${engine.ID}`,
    ` Root Dir: ${engine.DockerRootDir}`,
    ...section('Insecure Registries', engine.RegistryConfig?.InsecureRegistryCIDRs),
    ...section('Registry Mirrors', engine.RegistryConfig?.Mirrors),
  ];
  await print(`${lines.join('\n')}\n`);
  for (const warning of engine.Warnings ?? [])
    await complain(warning.startsWith('WARNING') ? warning : `WARNING: ${warning}`);
}

const section = (title: string, items: string[] | null | undefined) =>
  items && items.length > 0 ? [` ${title}:`, ...items.map((item) => `  ${item}`)] : [];

const humanBinary = (bytes: number) =>
  bytes >= 2 ** 30
    ? `${Number((bytes / 2 ** 30).toPrecision(4))}GiB`
    : bytes >= 2 ** 20
      ? `${Number((bytes / 2 ** 20).toPrecision(4))}MiB`
      : humanSize(bytes);

export async function events(
  { client }: Context,
  flags: { since?: string; until?: string; filter: string[]; format?: string },
): Promise<void> {
  const since = flags.since === undefined ? undefined : moment(flags.since);
  const until = flags.until === undefined ? undefined : moment(flags.until);
  for await (const event of await client.events.subscribe({ since, until, filters: filtersOf(flags.filter) }))
    await print(`${eventLine(event, flags.format)}\n`);
}

function eventLine(event: EngineEvent, format: string | undefined): string {
  if (format === 'json' || format === '{{json .}}') return JSON.stringify(event);
  if (format) return render(format, { ...event });
  const attributes = Object.entries(event.Actor.Attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const suffix = attributes.length > 0 ? ` (${attributes.join(', ')})` : '';
  return `${localTime(event)} ${event.Type} ${event.Action} ${event.Actor.ID}${suffix}`;
}

/** RFC 3339 with nine digits in this machine's zone, as docker prints events. */
function localTime({ time, timeNano }: EngineEvent): string {
  const date = new Date(time * 1000);
  const offset = -date.getTimezoneOffset();
  const clock = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19);
  const fraction = String(BigInt(timeNano) % 1_000_000_000n).padStart(9, '0');
  const two = (value: number) => String(value).padStart(2, '0');
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${clock}.${fraction}${offset === 0 ? 'Z' : zone}`;
}
