/** A download as it goes: one line for each layer, redrawn in place on a terminal. */
import { splitReference } from '../client/index.js';
import type { Progress } from '../contract/images.js';
import type { Context } from './context.js';
import { write } from './output.js';
import { humanSize } from './units.js';

export interface PullOptions {
  quiet?: boolean;
  platform?: string;
  allTags?: boolean;
  /** Where the progress goes: `run` keeps stdout for the container. */
  to: NodeJS.WriteStream;
}

export async function pullImage(
  { client }: Context,
  reference: string,
  { quiet, platform, allTags = false, to }: PullOptions,
): Promise<void> {
  const tagged = /[@]|:[^/]*$/.test(reference);
  if (allTags && tagged) throw new Error("tag can't be used with --all-tags/-a");
  const display = displayOn(to);
  if (!quiet && !tagged && !allTags) await write(to, 'Using default tag: latest\n');
  for await (const progress of client.images.pull(reference, { platform, allTags }))
    if (!quiet) await display(progress);
}

/** A reference as docker prints it when it is there: `docker.io/library/debian:12`. */
export function fullName(reference: string): string {
  const { name, tag } = splitReference(reference);
  const [first = ''] = name.split('/');
  const hasHost = name.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  const full = hasHost ? name : `docker.io/${name.includes('/') ? name : `library/${name}`}`;
  return `${full}${tag.startsWith('sha256:') ? '@' : ':'}${tag}`;
}

type Display = (progress: Progress) => Promise<void>;

/** Shows what layers say of themselves, in place where it can. */
export const displayOn = (to: NodeJS.WriteStream): Display => (to.isTTY ? redrawn(to) : plain(to));

/** Without a terminal only what has happened is told, not how far it is. */
const plain =
  (to: NodeJS.WriteStream): Display =>
  async ({ id, status, stream, progressDetail }) => {
    if (stream !== undefined) await write(to, stream);
    else if (status !== undefined && !progressDetail?.total && !progressDetail?.current)
      await write(to, id ? `${id}: ${status}\n` : `${status}\n`);
  };

function redrawn(to: NodeJS.WriteStream): Display {
  const rows: string[] = [];
  return async (progress) => {
    const { id, status = '', stream, progressDetail } = progress;
    if (stream !== undefined) return write(to, stream);
    if (progress.aux !== undefined) return undefined;
    if (!id) {
      rows.length = 0;
      return write(to, `${status}\n`);
    }
    const line = `${id}: ${status} ${bar(progressDetail)}`.slice(0, Math.max(20, (to.columns || 80) - 1));
    const row = rows.indexOf(id);
    if (row < 0) {
      rows.push(id);
      return write(to, `${line}\n`);
    }
    const up = rows.length - row;
    return write(to, `\u001b[${up}A\r\u001b[2K${line}\u001b[${up}B\r`);
  };
}

const width = 50;

function bar({ current, total }: NonNullable<Progress['progressDetail']> = {}): string {
  if (!current) return '';
  if (!total) return humanSize(current);
  const filled = Math.min(width, Math.floor((current / total) * width));
  return `[${'='.repeat(filled)}>${' '.repeat(width - filled)}] ${humanSize(current)}/${humanSize(total)}`;
}
