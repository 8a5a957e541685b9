/** `ps` and `images`: what there is, in docker's columns. */
import type { ContainerSummary } from '../contract/containers.js';
import type { Filters } from '../contract/filters.js';
import type { ImageSummary } from '../contract/images.js';
import type { Context } from './context.js';
import { listing } from './table.js';
import { ago, humanSize } from './units.js';

export interface ListFlags {
  all?: boolean;
  filter: string[];
  format?: string;
  quiet?: boolean;
  /** False for `--no-trunc`. */
  trunc?: boolean;
}

/** `key=value` flags as the API's filters. */
export function filtersOf(flags: string[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const flag of flags) {
    const at = flag.indexOf('=');
    if (at < 1)
      throw new Error(`invalid argument "${flag}" for "-f, --filter" flag: bad format of filter (expected name=value)`);
    (filters[flag.slice(0, at).trim().toLowerCase()] ??= []).push(flag.slice(at + 1).trim());
  }
  return filters;
}

const short = (id: string, trunc: boolean | undefined) =>
  trunc === false ? id : id.replace(/^sha256:/, '').slice(0, 12);

/** Go's time, as docker prints it. */
const goTime = (unixSeconds: number) =>
  `${new Date(unixSeconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;

export async function listContainers(
  { client }: Context,
  flags: ListFlags & { last?: number; latest?: boolean; size?: boolean },
): Promise<string> {
  const limit = flags.latest ? 1 : flags.last;
  const size = flags.size ?? flags.format?.includes('.Size') ?? false;
  const containers = await client.containers.list({ all: flags.all, limit, size, filters: filtersOf(flags.filter) });
  return listing(
    {
      columns: {
        ID: 'CONTAINER ID',
        Image: 'IMAGE',
        Command: 'COMMAND',
        RunningFor: 'CREATED',
        Status: 'STATUS',
        Ports: 'PORTS',
        Names: 'NAMES',
        ...(flags.size && { Size: 'SIZE' }),
      },
      headers: { CreatedAt: 'CREATED AT', LocalVolumes: 'LOCAL VOLUMES', Size: 'SIZE' },
      rows: containers.map((container) => containerRow(container, flags.trunc)),
      quietField: 'ID',
    },
    flags,
  );
}

function containerRow(container: ContainerSummary, trunc: boolean | undefined) {
  const command =
    trunc === false || container.Command.length <= 20 ? container.Command : `${container.Command.slice(0, 19)}…`;
  // An image that lost its name is told by its id.
  const image = container.Image.startsWith('sha256:') ? short(container.Image, trunc) : container.Image;
  return {
    Command: JSON.stringify(command),
    CreatedAt: goTime(container.Created),
    ID: short(container.Id, trunc),
    Image: image || '<no image>',
    Labels: Object.entries(container.Labels ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    LocalVolumes: '0',
    Mounts: '',
    Names: container.Names.map((name) => name.replace(/^\//, ''))
      .filter((name) => trunc === false || !name.includes('/'))
      .join(','),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
    Ports: container.Ports.map(port).join(', '),
    RunningFor: ago(container.Created),
    Size: sizeOf(container),
    State: container.State,
    Status: container.Status,
  };
}

function sizeOf({ SizeRw, SizeRootFs }: ContainerSummary): string {
  const own = humanSize(SizeRw ?? 0);
  return SizeRootFs ? `${own} (virtual ${humanSize(SizeRootFs)})` : own;
}

function port({ IP, PrivatePort, PublicPort, Type }: ContainerSummary['Ports'][number]): string {
  const own = `${PrivatePort}/${Type}`;
  if (!PublicPort) return own;
  return `${IP?.includes(':') ? `[${IP}]` : (IP ?? '')}:${PublicPort}->${own}`;
}

export async function listImages(
  { client }: Context,
  name: string | undefined,
  flags: ListFlags & { digests?: boolean },
): Promise<string> {
  const filters = { ...filtersOf(flags.filter), ...(name !== undefined && { reference: [name] }) };
  const images = await client.images.list({ all: flags.all, filters });
  return listing(
    {
      columns: {
        Repository: 'REPOSITORY',
        Tag: 'TAG',
        ...(flags.digests && { Digest: 'DIGEST' }),
        ID: 'IMAGE ID',
        CreatedSince: 'CREATED',
        Size: 'SIZE',
      },
      headers: { CreatedAt: 'CREATED AT' },
      rows: images.flatMap((image) => imageRows(image, flags)),
      quietField: 'ID',
    },
    flags,
  );
}

/** One row for each name; an image without one has a row too. */
function imageRows(image: ImageSummary, { trunc, digests }: { trunc?: boolean; digests?: boolean }) {
  const digestOf = (repository: string) =>
    image.RepoDigests?.find((name) => name.startsWith(`${repository}@`))?.split('@')[1] ?? '<none>';
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
  const names: { Repository: string; Tag: string; Digest: string }[] = tags.map((tag) => {
    const at = tag.lastIndexOf(':');
    const Repository = tag.slice(0, at);
    return { Repository, Tag: tag.slice(at + 1), Digest: digests ? digestOf(Repository) : '<none>' };
  });
  if (names.length === 0) {
    const [Repository = '<none>', Digest = '<none>'] = image.RepoDigests?.[0]?.split('@') ?? [];
    names.push({ Repository, Tag: '<none>', Digest: digests ? Digest : '<none>' });
  }
  return names.map((name) => ({
    Containers: image.Containers < 0 ? 'N/A' : String(image.Containers),
    CreatedAt: goTime(image.Created),
    CreatedSince: ago(image.Created),
    ID: short(image.Id, trunc),
    SharedSize: 'N/A',
    Size: humanSize(image.Size),
    UniqueSize: 'N/A',
    ...name,
  }));
}
