/** Archives of images between the engine and this machine's disk; nothing of them stays in memory. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { invalid } from '../../main/base/errors.js';
import type { Client } from '../../main/client/index.js';
import type { Progress } from '../../main/contract/images.js';
import { save, watched, type Watch } from './copies.js';

/** All of them in one archive, as `docker load` reads it. */
export const saveImages = (client: Client, images: string[], to: string, watch: Watch): Promise<void> =>
  save(() => client.images.save(images, { signal: watch.signal }), to, watch);

/** Gives an archive to the engine, and passes on what it says; `as`: it is a root file system's tar and becomes one image. */
export async function loadImages(
  client: Client,
  file: string,
  as: { reference?: string } | undefined,
  watch: Watch & { say(line: Progress): void },
): Promise<void> {
  const found = await stat(file);
  if (!found.isFile()) throw invalid(`${basename(file)} is a folder: pack it into a tar first`);
  const { signal } = watch;
  const bytes = watched(createReadStream(file, { highWaterMark: 512 * 1024 }), watch, found.size);
  const lines = as ? client.images.import(bytes, { ...as, signal }) : client.images.load(bytes, { signal });
  for await (const line of lines) watch.say(line);
}
