// A helper of a test's own: its socket, its directories, its end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.SLIPWAY_HELPER ?? fileURLToPath(new URL('../build/slipway-helper', import.meta.url));

/** Starts `slipway-helper serve` in directories of its own; both end with the test. */
export async function startHelper(t) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-native-'));
  const runDir = join(root, 'run');
  const dataRoot = join(root, 'data');
  await mkdir(runDir, { mode: 0o700 });
  await mkdir(join(dataRoot, 'layers'), { recursive: true });
  const child = spawn(BINARY, ['serve', '--run-dir', runDir, '--data-root', dataRoot], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(root, { recursive: true, force: true });
  });
  await once(child.stdout, 'data');
  const socket = join(runDir, 'helper.sock');
  return { pid: child.pid, root, dataRoot, ask: (request, body) => ask(socket, request, body), socket };
}

/** One request. Resolves with the final line, with `progress` and `output` (bytes after it) added; rejects with the error's message. */
export async function ask(path, request, body) {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.write(JSON.stringify(request) + '\n');
  if (body !== undefined) socket.end(body);
  const chunks = [];
  for await (const chunk of socket) chunks.push(chunk);
  socket.destroy();
  let bytes = Buffer.concat(chunks);
  const progress = [];
  for (;;) {
    const end = bytes.indexOf('\n');
    if (end < 0) throw new Error(`no answer: ${bytes.toString()}`);
    const line = JSON.parse(bytes.subarray(0, end).toString());
    bytes = bytes.subarray(end + 1);
    if (line.error) throw Object.assign(new Error(line.error.message), line.error);
    if (line.ok) return { ...line, progress, output: bytes };
    progress.push(line.progress);
  }
}
