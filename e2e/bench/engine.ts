/** Our engine and Debian's dockerd through the same API: how long a start, a first byte and an exec take. */
import { once } from 'node:events';
import { api, hijack, loadBusybox, request, startDockerd, startEngine } from '../fixtures/engine.js';
import { compare, elapsed, note } from './measure.js';

type Peer = { socket: string };

/** Create, then attach and start, until the first byte of `echo x`; the container is removed afterwards, unmeasured. */
async function firstByte({ socket }: Peer, network: string): Promise<number> {
  const { Id } = await create(socket, ['echo', 'x'], network);
  const time = await elapsed(async () => {
    const stream = await hijack(socket, `/containers/${Id}/attach?stream=1&stdout=1&stderr=1`);
    const byte = stream.head.length > 0 ? Promise.resolve() : once(stream.socket.resume(), 'data');
    await api(socket, 'POST', `/containers/${Id}/start`);
    await byte;
    stream.socket.destroy();
  });
  await request(socket, 'DELETE', `/containers/${Id}?force=1`);
  return time;
}

async function startUntilAnswer({ socket }: Peer, network: string): Promise<number> {
  const { Id } = await create(socket, ['true'], network);
  const time = await elapsed(() => api(socket, 'POST', `/containers/${Id}/start`));
  await api(socket, 'POST', `/containers/${Id}/wait`);
  await request(socket, 'DELETE', `/containers/${Id}?force=1`);
  return time;
}

async function wholeRun({ socket }: Peer): Promise<number> {
  return elapsed(async () => {
    const { Id } = await create(socket, ['true'], 'none');
    await api(socket, 'POST', `/containers/${Id}/start`);
    await api(socket, 'POST', `/containers/${Id}/wait`);
    await request(socket, 'DELETE', `/containers/${Id}?force=1`);
  });
}

async function execTrue({ socket, container }: Peer & { container: string }): Promise<number> {
  return elapsed(async () => {
    const { Id } = await api<{ Id: string }>(socket, 'POST', `/containers/${container}/exec`, {
      Cmd: ['true'],
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await hijack(socket, `/exec/${Id}/start`, { Detach: false, Tty: false });
    await once(stream.socket.resume(), 'end');
    stream.socket.destroy();
  });
}

const create = (socket: string, Cmd: string[], NetworkMode: string) =>
  api<{ Id: string }>(socket, 'POST', '/containers/create', {
    Image: 'busybox:test',
    Cmd,
    AttachStdout: true,
    HostConfig: { NetworkMode },
  });

export async function engineBench(): Promise<void> {
  await using ours = await startEngine();
  await using theirs = await startDockerd();
  const peers = [
    { name: 'slipway', subject: ours as Peer },
    { name: 'dockerd', subject: theirs as Peer },
  ];
  for (const { subject } of peers) await loadBusybox(subject);
  await compare('start until answered, network none', peers, (peer) => startUntilAnswer(peer, 'none'), { target: 0.2 });
  await compare('start until answered, network bridge', peers, (peer) => startUntilAnswer(peer, 'bridge'), {
    target: 0.25,
  });
  await compare('attach + start to first byte, network none', peers, (peer) => firstByte(peer, 'none'), {
    target: 0.2,
  });
  await compare('attach + start to first byte, network bridge', peers, (peer) => firstByte(peer, 'bridge'), {
    target: 0.25,
  });
  await compare('create + start + wait + remove, network none', peers, wholeRun, { target: 0.25 });
  const idle = [];
  for (const { name, subject } of peers) {
    const { Id } = await create(subject.socket, ['sleep', '3600'], 'none');
    await api(subject.socket, 'POST', `/containers/${Id}/start`);
    idle.push({ name, subject: { ...subject, container: Id } });
  }
  await compare('exec true', idle, execTrue, { target: 0.35, n: 30 });
  note('monitor of an idle container, PSS', ['slipway'], [await monitorMemory()], { unit: 'KiB', target: 1024 });
}

/** PSS of each of our monitors in KiB. */
async function monitorMemory(): Promise<number[]> {
  const { readdir, readFile } = await import('node:fs/promises');
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.split('\0')[0]!.endsWith('slipway-monitor')) continue;
    const smaps = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    const pss = /^Pss:\s+(\d+)/m.exec(smaps)?.[1];
    if (pss) found.push(Number(pss));
  }
  if (found.length === 0) throw new Error('no monitor was found to measure');
  return found;
}
