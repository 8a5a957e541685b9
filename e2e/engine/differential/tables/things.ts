/** Images, networks, files, limits, the system. */
import type { FullStep, Step } from '../compare.js';
import { make } from './lifecycle.js';

const filters = (value: unknown) => `filters=${encodeURIComponent(JSON.stringify(value))}`;

export const system: Step[] = [
  { ask: 'GET /_ping' },
  { ask: 'HEAD /_ping' },
  { ask: 'GET /version', compare: 'shape' },
  { ask: 'GET /info', compare: 'shape' },
  { ask: 'GET /system/df', compare: 'shape' },
  { ask: `POST /build/prune?${filters({ bogus: ['1'] })}`, compare: 'status' },
];

export const images: Step[] = [
  'GET /images/json',
  'GET /images/json?all=1',
  'GET /images/json?digests=1',
  `GET /images/json?${filters({ reference: ['busybox'] })}`,
  `GET /images/json?${filters({ reference: ['busy*:t*'] })}`,
  `GET /images/json?${filters({ reference: ['['] })}`,
  `GET /images/json?${filters({ dangling: ['true'] })}`,
  `GET /images/json?${filters({ dangling: ['false'] })}`,
  `GET /images/json?${filters({ dangling: ['maybe'] })}`,
  `GET /images/json?${filters({ label: ['nosuch'] })}`,
  `GET /images/json?${filters({ before: ['busybox:test'] })}`,
  `GET /images/json?${filters({ since: ['nosuch'] })}`,
  `GET /images/json?${filters({ bogus: ['1'] })}`,
  'GET /images/json?filters=nonsense',
  'GET /images/busybox:test/json',
  'GET /images/busybox/json',
  'GET /images/nosuch/json',
  'GET /images/library/busybox:test/json',
  'GET /images/docker.io/library/busybox:test/json',
  'GET /images/Not%20Good/json',
  'GET /images/sha256:0000/json',
  'GET /images/busybox:test/history',
  'GET /images/nosuch/history',
  'GET /images/nosuch/get',
  'GET /images/get',
  'GET /images/get?names=nosuch',
  'POST /images/busybox:test/tag?repo=team/app&tag=1',
  'POST /images/busybox:test/tag?repo=team/app',
  'POST /images/busybox:test/tag',
  'POST /images/busybox:test/tag?repo=Not+Good',
  'POST /images/busybox:test/tag?repo=team/app&tag=-bad',
  'POST /images/busybox:test/tag?repo=a@sha256:' + '0'.repeat(64),
  'POST /images/nosuch/tag?repo=x',
  'GET /images/team/app:1/json',
  { ask: 'GET /images/json', sort: '' },
  'DELETE /images/team/app:1',
  'DELETE /images/team/app:1',
  'DELETE /images/nosuch',
  'DELETE /images/Not%20Good',
  make('user', ['sleep', '1000']),
  'POST /containers/user/start',
  'DELETE /images/busybox:test',
  'DELETE /images/busybox:latest',
  'DELETE /images/team/app:latest',
  'DELETE /images/busybox:test',
  'DELETE /images/busybox:test?force=1',
  'GET /containers/json?all=1',
  'POST /containers/user/kill',
  'GET /images/json',
  'POST /images/prune',
  `POST /images/prune?${filters({ bogus: ['1'] })}`,
  `POST /images/prune?${filters({ dangling: ['maybe'] })}`,
  `POST /images/prune?${filters({ until: ['1h', '2h'] })}`,
  'POST /images/create',
  'POST /images/create?fromImage=Not+Good',
  { ask: 'POST /images/load', body: 'not a tar', headers: { 'Content-Type': 'application/x-tar' } },
  make('source', ['true'], { Labels: { a: 'b' } }),
  { ask: 'POST /commit?container=source&repo=made&tag=1&comment=why&author=me', body: {}, compare: 'shape' },
  { ask: 'POST /commit?container=source&repo=made&tag=2&changes=ENV%20A=b', body: { Cmd: ['id'] }, compare: 'shape' },
  'POST /commit?container=nosuch',
  'POST /commit',
  'POST /commit?container=source&repo=Not+Good',
  'POST /commit?container=source&changes=BOGUS%20x',
];

const hex = 'a'.repeat(64);

/** Names as people and attackers write them: what they mean, and in which words they are refused. */
const NAMES = [
  ...[
    'busybox',
    'busybox:test',
    'library/busybox:test',
    'docker.io/busybox:test',
    'index.docker.io/library/busybox:test',
  ],
  ...['localhost/busybox:test', 'localhost:5000/busybox:test', 'example.com/busybox:test'],
  ...['busybox:Test', 'BusyBox', 'busy_box', 'busy__box', 'busy___box', 'busy-box'],
  ...['busy--box', '-busybox', 'busybox-', '.busybox', 'busy..box', 'a/b/c/d', 'a//b', '/a', 'a/', ':test', 'busybox:'],
  ...['busybox:-x', 'busybox:a:b', `busybox:${'t'.repeat(128)}`, `busybox:${'t'.repeat(129)}`, 'busy box', 'b@x'],
  ...[`busybox@sha256:${hex}`, `busybox:test@sha256:${hex}`, `busybox@sha256:${'a'.repeat(63)}`],
  ...[
    `busybox@md5:${'a'.repeat(32)}`,
    `busybox@sha256:${'A'.repeat(64)}`,
    hex,
    `sha256:${hex}`,
    'sha256:',
    'sha256:12',
  ],
  ...[
    'abc',
    'deadbeef',
    'e',
    '..',
    'a/../b',
    'http://x/y',
    'x.y/z',
    'x:5000',
    'x:5000/y',
    'x_y/z',
    'é',
    'a'.repeat(255),
  ],
  ...[`r.io/${'a'.repeat(250)}`, `r.io/${'a'.repeat(251)}`, '-h.io/x', 'h-.io/x', 'h..io/x', 'h.io:port/x', 'h.io:/x'],
];
/** Refused before anybody asks a registry. */
const NEVER_PULLED = ['BusyBox', 'busy___box', '-busybox', 'a//b', 'busybox:-x', 'busy box', 'b@x', hex, '..'];

export const names: Step[] = [
  // dockerd tidies a path up before it reads a name from it.
  ...NAMES.filter((name) => !/\/\/|^\/|\/$|\.\./.test(name)).map(
    (name) => `GET /images/${encodeURIComponent(name)}/json`,
  ),
  ...NAMES.map((name) => `POST /images/busybox:test/tag?repo=${encodeURIComponent(name)}`),
  { ask: 'GET /images/json', sort: '' },
  ...NEVER_PULLED.map((name) => `POST /images/create?fromImage=${encodeURIComponent(name)}`),
  ...['-bad', 'a:b', 'a b', 'x'.repeat(129), 'sha256:12'].map(
    (tag) => `POST /images/create?fromImage=busybox&tag=${encodeURIComponent(tag)}`,
  ),
  'POST /images/create?fromImage=busybox&tag=test&platform=a/b/c/d',
];

const importing = (query: string, body: Buffer | string = Buffer.alloc(1024)): FullStep => ({
  ask: `POST /images/create?fromSrc=-${query}`,
  body,
  headers: { 'Content-Type': 'application/x-tar' },
});
const seen = [
  'RepoTags',
  'RepoDigests',
  'Parent',
  'Comment',
  'Author',
  'Config',
  'Architecture',
  'Os',
  'Size',
  'RootFS',
];

export const imports: Step[] = [
  { ...importing('&repo=imported&tag=1'), compare: 'status' },
  { ask: 'GET /images/imported:1/json', only: seen },
  // The name of a container's image becomes another's.
  make('renamed', ['true']),
  'GET /containers/json?all=1',
  'POST /images/imported:1/tag?repo=busybox&tag=test',
  'GET /containers/json?all=1',
  { ask: 'GET /images/imported:1/history', compare: 'shape' },
  {
    ...importing('&repo=imported:2&message=why&changes=CMD%20%5B%22sh%22%5D&changes=ENV%20A%3Db%0AUSER%20me'),
    compare: 'status',
  },
  { ask: 'GET /images/imported:2/json', only: seen },
  { ...importing('&repo=imported:3&tag=4'), compare: 'status' },
  'GET /images/imported:3/json',
  { ask: 'GET /images/imported:4/json', only: seen },
  importing('&repo=Not+Good'),
  importing(`&repo=imported@sha256:${hex}`),
  importing('&repo=imported&tag=-bad'),
  importing('&repo=imported&changes=BOGUS%20x'),
  importing('&repo=imported&changes=RUN%20x'),
  { ...importing('&repo=imported&changes=CMD'), compare: 'status' },
];

export const networks: Step[] = [
  { ask: 'GET /networks', sort: 'Name' },
  'GET /networks/bridge',
  'GET /networks/host',
  'GET /networks/none',
  'GET /networks/nosuch',
  `GET /networks?${filters({ name: ['bridge'] })}`,
  `GET /networks?${filters({ driver: ['null'] })}`,
  `GET /networks?${filters({ type: ['custom'] })}`,
  `GET /networks?${filters({ type: ['bogus'] })}`,
  `GET /networks?${filters({ scope: ['swarm'] })}`,
  'POST /networks/prune',
  { ask: `POST /networks/prune?${filters({ bogus: ['1'] })}` },
  { ask: `POST /networks/prune?${filters({ until: ['1h', '2h'] })}` },
  `GET /networks?${filters({ id: ['zzz'] })}`,
  `GET /networks?${filters({ label: ['x'] })}`,
  `GET /networks?${filters({ dangling: ['true'] })}`,
  `GET /networks?${filters({ bogus: ['1'] })}`,
  'GET /networks/bridge?scope=swarm',
  'GET /networks/bridge?verbose=true',
  make('placed', ['sleep', '1000'], {}, { NetworkMode: 'bridge' }),
  'POST /containers/placed/start',
  'GET /containers/placed/json',
  'GET /containers/json',
  'GET /networks/bridge',
];

const tarBody = (bytes: Buffer): Partial<{ body: Buffer; headers: Record<string, string> }> => ({
  body: bytes,
  headers: { 'Content-Type': 'application/x-tar' },
});

export const archives: Step[] = [
  make('files', ['true']),
  'HEAD /containers/files/archive?path=/etc/passwd',
  'HEAD /containers/files/archive?path=/bin/sh',
  'HEAD /containers/files/archive?path=/nosuch',
  'HEAD /containers/files/archive',
  'HEAD /containers/nosuch/archive?path=/etc',
  'GET /containers/files/archive?path=/etc/passwd',
  'GET /containers/files/archive?path=/etc',
  'GET /containers/files/archive?path=/etc/',
  'GET /containers/files/archive?path=/bin/sh',
  'GET /containers/files/archive?path=/nosuch',
  'GET /containers/files/archive?path=/etc/passwd/',
  'GET /containers/files/archive',
  'GET /containers/nosuch/archive?path=/etc',
  { ask: 'PUT /containers/files/archive?path=/nosuch', ...tarBody(Buffer.alloc(1024)) },
  { ask: 'PUT /containers/files/archive?path=/etc/passwd', ...tarBody(Buffer.alloc(1024)) },
  { ask: 'PUT /containers/files/archive?path=/tmp', ...tarBody(Buffer.alloc(1024)) },
  { ask: 'PUT /containers/files/archive', ...tarBody(Buffer.alloc(1024)) },
  { ask: 'PUT /containers/nosuch/archive?path=/', ...tarBody(Buffer.alloc(1024)) },
  { ask: 'GET /containers/files/export', compare: 'status' },
];

export const updates: Step[] = [
  make('limited', ['sleep', '1000'], {}, { Memory: 67108864 }),
  { ask: 'POST /containers/limited/update', body: { Memory: 33554432, MemorySwap: -1 } },
  { ask: 'POST /containers/limited/update', body: { RestartPolicy: { Name: 'always' } } },
  { ask: 'POST /containers/limited/update', body: { RestartPolicy: { Name: 'bogus' } } },
  { ask: 'POST /containers/limited/update', body: { Memory: 5 } },
  { ask: 'POST /containers/limited/update', body: { NanoCpus: 1e15 } },
  { ask: 'POST /containers/limited/update', body: {} },
  { ask: 'POST /containers/limited/update' },
  { ask: 'POST /containers/limited/update', body: '{' },
  'GET /containers/limited/json',
  'POST /containers/limited/start',
  { ask: 'POST /containers/limited/update', body: { PidsLimit: 50, CpuShares: 256 } },
  'GET /containers/limited/json',
];
