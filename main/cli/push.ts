/** An upload as it goes, and images as one archive. */
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Context } from './context.js';
import { print, write } from './output.js';
import { displayOn, fullName } from './pull.js';

export interface PushOptions {
  quiet?: boolean;
  allTags?: boolean;
}

export async function pushImage({ client }: Context, name: string, { quiet, allTags }: PushOptions): Promise<void> {
  const tagged = /:[^/]*$/.test(name);
  if (allTags && tagged) throw new Error("tag can't be used with --all-tags/-a");
  if (!quiet && !allTags && !tagged) await print('Using default tag: latest\n');
  const display = displayOn(process.stdout);
  for await (const progress of client.images.push(name, { allTags })) if (!quiet) await display(progress);
  if (quiet) await print(`${allTags ? fullName(name).replace(/:[^/:]*$/, '') : fullName(name)}\n`);
}

/** To standard output, or whole into a file: what was there before stays until then. */
export async function saveImages({ client }: Context, names: string[], output: string | undefined): Promise<void> {
  if (output === undefined) {
    if (process.stdout.isTTY) throw new Error('cowardly refusing to save to a terminal. Use the -o flag or redirect');
    for await (const chunk of (await client.images.save(names)).bytes) await write(process.stdout, chunk);
    return;
  }
  const part = `${output}.part-${process.pid}`;
  const { bytes } = await client.images.save(names);
  try {
    await pipeline(Readable.from(bytes), createWriteStream(part));
    const file = await open(part);
    await file.sync().finally(() => file.close());
    await rename(part, output);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
