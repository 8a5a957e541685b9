/**
 * Runs inside the guest (cgroup v2, systemd), as root or as an ordinary user: starts the engine from the shared folder, runs containers at
 * their limits and prints what came of them as one JSON line. Plain JavaScript: the guest has Node and nothing else of ours.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const share = '/mnt/share';
const base = mkdtempSync('/tmp/guest-');
// A share over 9p is slow for many small reads and no place for a program to run from.
cpSync(share, path.join(base, 'app'), { recursive: true });
const run = path.join(base, 'run');
mkdirSync(run, { mode: 0o700 });
const socket = path.join(base, 'docker.sock');
const engine = spawn(
  process.execPath,
  [
    path.join(base, 'app/out/daemon.cjs'),
    '--data-root',
    path.join(base, 'data'),
    '--exec-root',
    run,
    '--host',
    `unix://${socket}`,
  ],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
// The job ends with its last process: an engine that outlives a failure here would keep the guest waiting.
process.on('exit', () => engine.kill('SIGKILL'));
await new Promise((resolve, reject) => {
  engine.stdout.on('data', (chunk) => String(chunk).includes('listening on') && resolve());
  engine.on('exit', (code) => reject(new Error(`the engine ended with ${code}`)));
});

const request = (method, url, body) =>
  new Promise((resolve, reject) => {
    const payload = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const outgoing = http.request(
      {
        socketPath: socket,
        method,
        path: url,
        headers: { 'Content-Type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json' },
      },
      (incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (incoming.statusCode >= 400) reject(new Error(`${method} ${url}: ${incoming.statusCode} ${text}`));
          else resolve(text);
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(payload);
  });

/** Runs a container to its end; its output, its state, and what creating it warned of. */
async function container(Cmd, HostConfig) {
  const created = JSON.parse(
    await request('POST', '/containers/create', {
      Image: 'busybox:test',
      Cmd,
      Tty: true,
      HostConfig: { NetworkMode: 'none', ...HostConfig },
    }),
  );
  await request('POST', `/containers/${created.Id}/start`);
  await request('POST', `/containers/${created.Id}/wait`);
  const output = await request('GET', `/containers/${created.Id}/logs?stdout=1&stderr=1`);
  const { State } = JSON.parse(await request('GET', `/containers/${created.Id}/json`));
  await request('DELETE', `/containers/${created.Id}`);
  return { output, code: State.ExitCode, oom: State.OOMKilled, warnings: created.Warnings };
}

await request('POST', '/images/load', readFileSync(path.join(base, 'app/busybox.tar')));
const info = JSON.parse(await request('GET', '/info'));
const eat = 'x=$(dd if=/dev/zero bs=1M count=64 2>/dev/null | tr "\\0" x); echo survived';
const spin = 'i=0; while [ $i -lt 20000000 ]; do i=$((i+1)); done & sleep 2; kill $!; cat /sys/fs/cgroup/cpu.stat';
const result = {
  uid: process.getuid(),
  cgroupVersion: info.CgroupVersion,
  warnings: info.Warnings,
  memory: await container(['sh', '-c', eat], { Memory: 20 << 20, MemorySwap: 20 << 20 }),
  memoryFree: await container(['sh', '-c', eat.replace('count=64', 'count=1')], { Memory: 64 << 20 }),
  pids: await container(
    ['sh', '-c', 'cat /sys/fs/cgroup/pids.max; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait; true'],
    { PidsLimit: 8 },
  ),
  cpu: await container(['sh', '-c', `cat /sys/fs/cgroup/cpu.max; ${spin}`], { NanoCpus: 200_000_000 }),
  device: await container(
    [
      'sh',
      '-c',
      'mknod /tmp/kmsg c 1 11 && head -c 1 /tmp/kmsg >/dev/null; echo "opened: $?"; head -c 1 /dev/zero | wc -c',
    ],
    {},
  ),
};
const ended = new Promise((resolve) => engine.once('exit', resolve));
engine.removeAllListeners('exit');
engine.once('exit', () => undefined);
engine.kill('SIGTERM');
await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5000))]);
console.log(JSON.stringify(result));
process.exit(0);
