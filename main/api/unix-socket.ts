/** A socket file that only its owner (and, for root, its group) may use, and that never takes a living engine's place. */
import { mkdir, stat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { codeOf, conflict, invalid, messageOf, system } from '../base/errors.js';

/** Connections that may wait to be accepted, as many as Go asks for: beyond Node's 511 a burst of clients would be turned away. */
const mostWaiting = 4096;
/** `sun_path` has 108 bytes, one of them for the end. */
const longestPath = 107;

export async function listenOn(server: Server, path: string): Promise<void> {
  const length = Buffer.byteLength(path);
  if (length > longestPath)
    throw invalid(
      `the socket path ${path} has ${length} bytes, and Linux allows ${longestPath}: choose a shorter one with --host`,
    );
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await clearStale(path);
  const isRoot = process.getuid?.() === 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(system(`cannot listen on ${path}: ${messageOf(error)}`, { cause: error })));
    // `bind` happens inside `listen`, so the file never exists with another mode.
    const before = process.umask(isRoot ? 0o117 : 0o177);
    try {
      server.listen({ path, backlog: mostWaiting }, resolve);
    } finally {
      process.umask(before);
    }
  });
}

async function clearStale(path: string): Promise<void> {
  const existing = await stat(path).catch(() => undefined);
  if (!existing) return;
  if (!existing.isSocket()) throw conflict(`${path} is in the way: it is not a socket`);
  if (await someoneAnswers(path)) throw conflict(`another engine already answers at ${path}`);
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw system(`cannot remove the stale socket ${path}: ${messageOf(error)}`);
  });
}

const someoneAnswers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOENT'));
  });
