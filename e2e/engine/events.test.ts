/** Every filter of `GET /events`, over what really happened to a container: the same is found as with Debian's dockerd. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { docker, loadBusybox, request, startDockerd, startEngine, type RunningEngine } from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
let ours: Told;
let theirs: Told;
let engine: RunningEngine;
let dockerd: Awaited<ReturnType<typeof startDockerd>>;

interface Told {
  socket: string;
  since: number;
  until: number;
  id: string;
}

before(async () => {
  if (skip) return;
  [engine, dockerd] = await Promise.all([startEngine(), startDockerd()]);
  await Promise.all([loadBusybox(engine), loadBusybox(dockerd)]);
  [ours, theirs] = await Promise.all([lived(engine), lived(dockerd)]);
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await dockerd?.[Symbol.asyncDispose]();
});

/** A container with a volume and labels that is run, entered, renamed, paused, ended and removed, and an image that gets a name. */
async function lived({ socket }: { socket: string }): Promise<Told> {
  const since = Date.now() / 1000;
  const does = async (...args: string[]) => {
    const ran = await docker({ socket }, args);
    assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  const labels = ['--label', 'tier=front', '--label', 'team=a'];
  const stay = ['busybox:test', 'sleep', '1000'];
  const id = await does('run', '-d', '--name', 'web', '--network=none', '-v', 'data:/data', ...labels, ...stay);
  await does('exec', 'web', 'true');
  await does('rename', 'web', 'site');
  await does('pause', 'site');
  await does('unpause', 'site');
  await does('kill', 'site');
  await does('wait', 'site');
  await does('run', '--rm', '--name', 'other', '--label', 'tier=back', 'busybox:test', 'true');
  await does('tag', 'busybox:test', 'second:name');
  await does('rmi', 'second:name');
  await does('rm', '-v', 'site');
  await does('volume', 'rm', 'data');
  // The last of `--rm` comes after the answer.
  const ended = { container: ['other'], event: ['destroy'] };
  while ((await found({ socket, since, until: Date.now() / 1000, id }, ended)).length === 0);
  await does('create', '--name', 'left', '--network=none', 'busybox:test', 'true');
  for (const what of ['container', 'image', 'volume', 'network', 'builder']) await does(what, 'prune', '-f');
  return { socket, since, until: Date.now() / 1000, id };
}

async function found({ socket, since, until, id }: Told, filters: Record<string, string[]>): Promise<string[]> {
  const text = JSON.stringify(filters).replaceAll('SHORT', id.slice(0, 12)).replaceAll('ID', id);
  const url = `/v1.41/events?since=${since}&until=${until}&filters=${encodeURIComponent(text)}`;
  const { body } = await request(socket, 'GET', url);
  return body
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { Type, Action, Actor, ...more } = JSON.parse(line) as {
        Type: string;
        Action: string;
        Actor: { ID: string; Attributes: Record<string, string> };
      };
      if (Action === 'prune') return `${Type} prune ${JSON.stringify(Actor)} ${Object.keys(more).sort().join(' ')}`;
      return `${Type} ${Action} ${Type === 'container' ? Actor.Attributes['name'] : ''}`.trim();
    })
    .sort();
}

const some: Record<string, string[]>[] = [
  {},
  ...['container', 'image', 'network', 'volume'].map((type) => ({ type: [type] })),
  ...['create', 'start', 'die', 'kill', 'rename', 'pause', 'tag', 'untag', 'mount', 'connect', 'destroy', 'prune'].map(
    (event) => ({ event: [event] }),
  ),
  ...['exec_create', 'exec_start', 'exec_start: true ', 'exec_die'].map((event) => ({ event: [event] })),
  ...['web', 'site', 'ID', 'SHORT', 'other'].map((container) => ({ container: [container] })),
  ...['busybox:test', 'busybox'].map((image) => ({ image: [image] })),
  ...['tier', 'tier=front', 'tier=back'].map((label) => ({ label: [label] })),
  { label: ['tier=front', 'team=a'] },
  { volume: ['data'] },
  { network: ['none'] },
  { network: ['bridge'] },
  { scope: ['local'] },
  { type: ['container'], event: ['start', 'die'] },
  ...['container', 'image', 'network', 'volume', 'builder'].map((type) => ({ type: [type], event: ['prune'] })),
  { container: ['other'], event: ['die'] },
];
const none: Record<string, string[]>[] = [
  ...['config', 'daemon', 'node', 'plugin', 'secret', 'service'].map((key) => ({ [key]: ['any'] })),
  ...['container', 'image', 'network', 'volume', 'event', 'type', 'label'].map((key) => ({ [key]: ['nosuch'] })),
  { label: ['tier=front', 'team=b'] },
  { label: ['tier=front', 'tier=back'] },
  { scope: ['swarm'] },
  { type: ['volume'], event: ['die'] },
];

for (const filters of some)
  test(`found as with dockerd: ${JSON.stringify(filters)}`, { skip }, async () => {
    const mine = await found(ours, filters);
    assert.ok(mine.length > 0);
    assert.deepEqual(mine, await found(theirs, filters));
  });

test('what does not fit finds nothing', { skip }, async () => {
  for (const filters of none) {
    assert.deepEqual(await found(ours, filters), [], JSON.stringify(filters));
    assert.deepEqual(await found(theirs, filters), [], JSON.stringify(filters));
  }
});
