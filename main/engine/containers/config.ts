import { normalize } from 'node:path/posix';
import { invalid } from '../../base/errors.js';
import type { ContainerCreate } from '../../contract/containers.js';
import type { ImageConfig } from '../../contract/images.js';
import { checkHealthcheck, mergeHealthcheck } from './health.js';
import type { FullConfig } from './record.js';
import { signalNumber } from './signals.js';

/** The kernel's own limit. */
const LONGEST_HOSTNAME = 64;

/** The process to run, as inspect's Path and Args have it. */
export const argumentsOf = ({ Entrypoint, Cmd }: Pick<FullConfig, 'Entrypoint' | 'Cmd'>): string[] => [
  ...(Entrypoint ?? []),
  ...(Cmd ?? []),
];

/** Docker's merge: the request wins, the image fills what it left open. */
export function mergeConfig(id: string, body: ContainerCreate, image: ImageConfig): FullConfig {
  let entrypoint = list(body.Entrypoint);
  let cmd = list(body.Cmd);
  if (!entrypoint?.length) {
    if (!cmd?.length) cmd = image.Cmd ?? null;
    entrypoint ??= image.Entrypoint ?? null;
  }
  // `--entrypoint ''` takes the image's away.
  if (entrypoint?.length === 1 && entrypoint[0] === '') entrypoint = null;
  if (!entrypoint?.length && !cmd?.length) throw invalid('No command specified');
  const env = [...(body.Env ?? [])];
  const named = new Set(env.map(keyOf));
  env.push(...(image.Env ?? []).filter((entry) => !named.has(keyOf(entry))));
  const ports = { ...image.ExposedPorts, ...body.ExposedPorts };
  const volumes = { ...image.Volumes, ...body.Volumes };
  const stopSignal = body.StopSignal || image.StopSignal;
  const healthcheck = mergeHealthcheck(body.Healthcheck, image.Healthcheck);
  const shell = body.Shell ?? image.Shell;
  return {
    Hostname: body.Hostname || id.slice(0, 12),
    Domainname: body.Domainname ?? '',
    User: body.User || image.User || '',
    AttachStdin: body.AttachStdin ?? false,
    AttachStdout: body.AttachStdout ?? false,
    AttachStderr: body.AttachStderr ?? false,
    ...(Object.keys(ports).length > 0 && { ExposedPorts: ports }),
    Tty: body.Tty ?? false,
    OpenStdin: body.OpenStdin ?? false,
    StdinOnce: body.StdinOnce ?? false,
    Env: env,
    Cmd: cmd,
    ...(healthcheck && { Healthcheck: healthcheck }),
    Image: body.Image ?? '',
    Volumes: Object.keys(volumes).length > 0 ? volumes : null,
    WorkingDir: cleaned(body.WorkingDir || image.WorkingDir || ''),
    Entrypoint: entrypoint,
    OnBuild: body.OnBuild ?? null,
    Labels: { ...image.Labels, ...body.Labels },
    ...(stopSignal && { StopSignal: stopSignal }),
    ...(shell?.length && { Shell: shell }),
    ...(body.NetworkDisabled && { NetworkDisabled: true }),
    ...(typeof body.StopTimeout === 'number' && { StopTimeout: body.StopTimeout }),
  };
}

const cleaned = (path: string): string => path && normalize(path).replace(/(?<=.)\/$/, '');

/** A list, or the single string that old clients send. */
const list = (given: string[] | string | null | undefined): string[] | null =>
  typeof given === 'string' ? [given] : (given ?? null);

const keyOf = (entry: string): string => entry.split('=', 1)[0] as string;

/** What nobody could run. */
export function checkConfig(config: FullConfig): void {
  if (config.WorkingDir && !config.WorkingDir.startsWith('/')) {
    throw invalid(`the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  }
  for (const entry of config.Env) if (keyOf(entry) === '') throw invalid(`invalid environment variable: ${entry}`);
  if (Buffer.byteLength(config.Hostname) > LONGEST_HOSTNAME)
    throw invalid(`invalid hostname: ${config.Hostname} is longer than ${LONGEST_HOSTNAME} bytes`);
  if (config.StopSignal) signalNumber(config.StopSignal);
  checkHealthcheck(config.Healthcheck);
  const texts = [...argumentsOf(config), ...config.Env, config.WorkingDir, config.Hostname, config.User];
  if (texts.some((text) => text.includes('\0')))
    throw invalid('a NUL byte cannot be part of a command or its environment');
}
