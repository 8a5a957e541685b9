import type { ContainerConfig } from '../../contract/containers.js';
import type { ContainerRecord } from '../containers/index.js';
import type { Config, ImageRecord } from '../images/index.js';
import type { Mounts } from '../snapshots/index.js';

/** The query and the body of `POST /commit`. */
export interface CommitRequest {
  container: string;
  repo: string;
  tag: string;
  comment: string;
  author: string;
  pause: boolean;
  /** Lines of a Dockerfile. */
  changes: string[];
  /** Instead of the container's own. */
  config?: Partial<ContainerConfig> | undefined;
}

/** The configuration document of a container's image, as Docker's and the OCI's image specification have it. */
export function committedImage({
  parent,
  diffId,
  config,
  record,
  request: { author, comment },
}: {
  parent: ImageRecord;
  /** Undefined where the container has changed nothing. */
  diffId: string | undefined;
  config: Config;
  record: Readonly<ContainerRecord>;
  request: Pick<CommitRequest, 'author' | 'comment'>;
}): object {
  const created = new Date().toISOString();
  const history = {
    created,
    ...(author && { author }),
    created_by: (record.config.Cmd ?? []).join(' '),
    ...(comment && { comment }),
    ...(diffId === undefined && { empty_layer: true }),
  };
  return {
    architecture: parent.architecture,
    ...(parent.variant && { variant: parent.variant }),
    os: parent.os,
    ...(author && { author }),
    ...(comment && { comment }),
    created,
    container: record.id,
    container_config: record.config,
    config,
    rootfs: { type: 'layers', diff_ids: [...parent.diffIds, ...(diffId === undefined ? [] : [diffId])] },
    history: [...parent.history, history],
  };
}

/** About how many bytes a container has written: where its files are a copy of all of them, what it has more than what it was copied from. */
export async function writtenIn(
  { upper, lower, driver }: Pick<Mounts, 'upper' | 'lower' | 'driver'>,
  bytesIn: (path: string) => Promise<number>,
): Promise<number> {
  const own = await bytesIn(upper);
  if (driver !== 'vfs') return own;
  const below = await Promise.all(lower.map(bytesIn));
  return Math.max(
    0,
    below.reduce((rest, bytes) => rest - bytes, own),
  );
}

/** What a configuration leaves open is the container's, by Docker's rules. */
export function mergeConfig(config: Config, base: Config): Config {
  const merged: Config = { ...base, ...withoutEmpty(config) };
  const named = new Set((config.Env ?? []).map(keyOf));
  merged.Env = [...(config.Env ?? []), ...(base.Env ?? []).filter((entry) => !named.has(keyOf(entry)))];
  merged.Labels = { ...base.Labels, ...config.Labels };
  if (base.ExposedPorts || config.ExposedPorts) merged.ExposedPorts = { ...base.ExposedPorts, ...config.ExposedPorts };
  merged.Volumes = base.Volumes || config.Volumes ? { ...base.Volumes, ...config.Volumes } : null;
  // An entry point of its own goes with arguments of its own.
  const entrypoint = (config.Entrypoint ?? []).length > 0;
  merged.Cmd = entrypoint || (config.Cmd ?? []).length > 0 ? (config.Cmd ?? null) : (base.Cmd ?? null);
  merged.Entrypoint = config.Entrypoint ?? base.Entrypoint ?? null;
  return merged;
}

const keyOf = (entry: string): string => entry.split('=', 1)[0] as string;

const withoutEmpty = (config: Config): Config =>
  Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
