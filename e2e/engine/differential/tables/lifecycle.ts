/** Start, stop, kill, pause, rename, wait and remove: status codes and sentences, in every state. */
import type { Step } from '../compare.js';

export const image = 'busybox:test';
/** A container with a name; `sleep` unless a command is given. It does not wait for a SIGTERM that nobody would hear. */
export const make = (name: string, cmd: string[] = ['sleep', '1000'], more: object = {}, host: object = {}): Step => ({
  ask: `POST /containers/create?name=${name}`,
  body: { Image: image, Cmd: cmd, StopTimeout: 1, ...more, HostConfig: { NetworkMode: 'none', ...host } },
  keep: name,
});
const verbs = [
  'start',
  'stop',
  'restart',
  'kill',
  'pause',
  'unpause',
  'wait',
  'resize?h=1&w=1',
  'rename?name=y',
  'update',
];
const each = (name: string, verbs: string[]): Step[] => verbs.map((verb) => `POST /containers/${name}/${verb}`);

export const lifecycle: Step[] = [
  ...each(
    'nosuch',
    verbs.filter((verb) => verb !== 'update'),
  ),
  { ask: 'POST /containers/nosuch/update', body: {} },
  'DELETE /containers/nosuch',
  'DELETE /containers/nosuch?force=1',
  'GET /containers/nosuch/json',
  'GET /containers/nosuch/top',
  'GET /containers/nosuch/logs?stdout=1',
  'GET /containers/nosuch/stats?stream=0',
  'GET /containers/nosuch/changes',
  'GET /containers/nosuch/export',
  'POST /containers/nosuch/attach?stream=1&stdout=1',

  make('web'),
  ...each('web', ['stop', 'kill', 'pause', 'unpause', 'resize?h=1&w=1']),
  'GET /containers/web/top',
  'GET /containers/web/json',
  'POST /containers/web/start',
  'POST /containers/web/start',
  'GET /containers/web/json',
  'POST /containers/{web}/unpause',
  'POST /containers/web/pause',
  'POST /containers/web/pause',
  'POST /containers/web/start',
  'GET /containers/web/json',
  'DELETE /containers/web',
  'DELETE /containers/{web}',
  'POST /containers/web/unpause',
  'DELETE /containers/web',
  'DELETE /containers/web?link=1',
  'POST /containers/web/kill?signal=NOSUCH',
  'POST /containers/web/kill?signal=999',
  'POST /containers/web/kill?signal=0',
  'POST /containers/web/start',
  'POST /containers/web/kill?signal=SIGCHLD',
  'POST /containers/web/kill?signal=28',
  'POST /containers/web/resize?h=x&w=1',
  'POST /containers/web/resize?h=1',
  'POST /containers/web/resize?h=10&w=20',
  'POST /containers/web/stop?t=x',
  'POST /containers/web/restart?t=x',
  { ask: 'POST /containers/web/wait?condition=bogus', closeAfter: 300 },
  'POST /containers/web/restart?t=0',
  'GET /containers/web/json',
  'POST /containers/web/rename',
  'POST /containers/web/rename?name=',
  'POST /containers/web/rename?name=web',
  'POST /containers/web/rename?name=not%20good',
  make('other', ['true']),
  'POST /containers/web/rename?name=other',
  'POST /containers/web/rename?name=/shop',
  'GET /containers/web/json',
  'POST /containers/shop/stop?t=0',
  'POST /containers/shop/stop',
  'GET /containers/shop/json',
  'POST /containers/shop/kill',
  'POST /containers/shop/wait',
  'POST /containers/shop/wait?condition=not-running',
  'POST /containers/other/start',
  { ask: 'POST /containers/other/wait?condition=not-running' },
  'GET /containers/other/json',
  'DELETE /containers/shop?v=1&force=0',
  'DELETE /containers/other?force=true',
  'DELETE /containers/other',

  { ask: 'POST /containers/create?name=body', body: { Image: image, Cmd: ['true'] } },
  { ask: 'POST /containers/body/start', body: { Binds: ['/tmp:/x'] } },
  { ask: 'POST /containers/body/start', body: {} },
  'POST /containers/body/wait',
  { ask: 'POST /containers/body/start', headers: { 'Content-Type': 'text/plain' } },
  'POST /containers/body/wait',

  make('gone', ['true'], {}, { AutoRemove: true }),
  'POST /containers/gone/start',
  { ask: 'GET /containers/gone/json', until: /^404/ },
];

/** Starts that fail, and what they leave. */
export const failedStarts: Step[] = [
  ...(
    [
      ['notfound', ['nosuch'], {}],
      ['absolute', ['/no/such'], {}],
      ['directory', ['/etc'], {}],
      ['noexec', ['/etc/passwd'], {}],
      ['nouser', ['true'], { User: 'nosuch' }],
      ['nogroup', ['true'], { User: 'root:nosuch' }],
    ] as const
  ).flatMap(([name, cmd, more]) => [
    make(name, [...cmd], more),
    `POST /containers/${name}/start`,
    { ask: `GET /containers/${name}/json`, only: ['State', 'Path', 'Args', 'RestartCount'] },
    `DELETE /containers/${name}`,
  ]),
  make('joins', ['true'], {}, { PidMode: 'container:{notrunning}' }),
  make('notrunning', ['true']),
  make('joiner', ['true'], {}, { NetworkMode: 'container:notrunning' }),
  'POST /containers/joiner/start',
  { ask: 'GET /containers/joiner/json', only: ['State', 'Path', 'Args', 'RestartCount'] },
];
