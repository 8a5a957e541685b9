/** A container's life, ours and dockerd's: how long a start, a first byte, a whole run, an end and a look at it take. */
import { once } from 'node:events';
import { api, hijack } from '../fixtures/engine.js';
import { compare, elapsed, isWanted } from './measure.js';
import {
  count,
  create,
  remove,
  removeAll,
  sleeper,
  start,
  times,
  waited,
  wholeRun,
  withContainers,
  type Idle,
  type Peer,
  type Peers,
} from './peers.js';

async function startUntilAnswer({ socket }: Peer, network: string): Promise<number> {
  const id = await create(socket, ['true'], { NetworkMode: network });
  const time = await elapsed(() => start(socket, id));
  await waited(socket, id);
  await remove(socket, id);
  return time;
}

/** Attach and start, until the first byte of `echo x`. */
async function firstByte({ socket }: Peer, network: string): Promise<number> {
  const id = await create(socket, ['echo', 'x'], { NetworkMode: network });
  const time = await elapsed(async () => {
    const stream = await hijack(socket, `/containers/${id}/attach?stream=1&stdout=1&stderr=1`);
    const byte = stream.head.length > 0 ? Promise.resolve() : once(stream.socket.resume(), 'data');
    await start(socket, id);
    await byte;
    stream.socket.destroy();
  });
  await remove(socket, id);
  return time;
}

/** From the signal to the answer of who waits. */
async function killUntilWaited(peer: Peer): Promise<number> {
  const { socket } = peer;
  const id = await sleeper(peer);
  const ended = waited(socket, id);
  await new Promise((resolve) => setTimeout(resolve, 30)); // both engines have the wait by then
  const time = await elapsed(async () => {
    await api(socket, 'POST', `/containers/${id}/kill`);
    await ended;
  });
  await remove(socket, id);
  return time;
}

export async function lifeBench({ both }: Peers): Promise<void> {
  for (const network of ['none', 'bridge'])
    await compare(`start until answered, network ${network}`, both, (peer) => startUntilAnswer(peer, network), {
      target: network === 'none' ? 0.08 : 0.12,
      n: 40,
    });
  for (const network of ['none', 'bridge'])
    await compare(`attach + start to first byte, network ${network}`, both, (peer) => firstByte(peer, network), {
      target: 0.12,
      n: 30,
    });
  await compare('create + start + wait + remove, network none', both, (peer) => elapsed(() => wholeRun(peer)), {
    target: 0.15,
    n: 30,
  });
  await compare('kill until wait answers', both, killUntilWaited, { target: 0.15, n: 30 });
  await compare('50 runs, ten at once', both, (peer) => elapsed(() => times(50, 10, () => wholeRun(peer))), {
    target: 0.1,
    n: 5,
  });
  if (isWanted('list 200 containers') || isWanted('inspect a container')) await look(both);
}

async function look(both: Peers['both']): Promise<void> {
  const idle = await withContainers(both, sleeper);
  const inspect = ({ socket, container }: Idle) => elapsed(() => count(socket, `/containers/${container}/json`));
  await compare('inspect a container', idle, inspect, { target: 1, n: 300 });
  const crowd: Idle[] = [];
  for (const { subject } of both)
    await times(200, 4, async () => crowd.push({ ...subject, container: await create(subject.socket, ['true']) }));
  const list = ({ socket }: Peer) => elapsed(() => count(socket, '/containers/json?all=1'));
  await compare('list 200 containers', both, list, { target: 0.35, n: 100 });
  await times(crowd.length, 4, (turn) => remove(crowd[turn]!.socket, crowd[turn]!.container));
  await removeAll(idle);
}
