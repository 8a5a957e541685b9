/** Attach, exec, wait: connections that are taken over, and what comes before they are. */
import type { Step } from '../compare.js';
import { make } from './lifecycle.js';

const upgrade = { Connection: 'Upgrade', Upgrade: 'tcp' };

export const attaching: Step[] = [
  make('cat', ['cat'], { OpenStdin: true, StdinOnce: true }),
  'POST /containers/cat/attach',
  { ask: 'POST /containers/cat/attach?stream=1&stdout=1&detachKeys=bogus', headers: upgrade },
  { ask: 'POST /containers/cat/attach?stream=1&stdout=1&detachKeys=ctrl-%3F', headers: upgrade },
  'POST /containers/cat/start',
  { ask: 'POST /containers/cat/attach?stream=1&stdin=1&stdout=1&stderr=1', headers: upgrade, input: 'hello\n' },
  { ask: 'POST /containers/cat/attach?logs=1&stdout=1', headers: upgrade, input: '' },
  'POST /containers/cat/wait',
  'POST /containers/cat/start',
  { ask: 'POST /containers/cat/attach?stream=1&stdin=1&stdout=1', input: 'no upgrade\n' },
  'POST /containers/cat/wait',
  make('tcat', ['cat'], { OpenStdin: true, StdinOnce: true, Tty: true }),
  'POST /containers/tcat/start',
  'POST /containers/tcat/kill',
  'POST /containers/tcat/start',
  'POST /containers/tcat/pause',
  { ask: 'POST /containers/tcat/attach?stream=1&stdout=1', headers: upgrade },
  'POST /containers/tcat/unpause',
  { ask: 'GET /containers/tcat/attach/ws?stream=1&stdout=1' },
  'POST /containers/tcat/kill',
  { ask: 'POST /containers/nosuch/attach?stream=1', headers: upgrade },
  make('ended', ['echo', 'said']),
  'POST /containers/ended/start',
  'POST /containers/ended/wait',
  { ask: 'POST /containers/ended/attach?logs=1&stdout=1&stderr=1', headers: upgrade, input: '' },
];

/** The number of a terminal depends on which others are still going. */
const TERMINAL = 'test -t 1 && echo a terminal || echo none';

const exec = (body: object, name = 'host', keep = 'exec'): Step => ({
  ask: `POST /containers/${name}/exec`,
  body,
  keep,
});
const run = (body: object, input = '', started = 'Tty' in body): Step[] => [
  exec({ AttachStdout: true, AttachStderr: true, ...body }),
  'GET /exec/{exec}/json',
  { ask: 'POST /exec/{exec}/start', body: { Detach: false, Tty: started }, headers: upgrade, input },
  { ask: 'GET /exec/{exec}/json', until: /"Running":false/ },
];

export const execs: Step[] = [
  exec({ Cmd: ['true'] }, 'nosuch'),
  make('host', ['sleep', '1000'], { Env: ['FROM=container'] }),
  exec({ Cmd: ['true'] }),
  'POST /containers/host/start',
  exec({}),
  exec({ Cmd: [] }),
  exec({ Cmd: ['true'], DetachKeys: 'bogus' }),
  { ask: 'POST /containers/host/exec' },
  { ask: 'POST /containers/host/exec', body: '{' },
  { ask: 'POST /containers/host/exec', body: '{}', headers: { 'Content-Type': 'text/plain' } },
  ...run({ Cmd: ['echo', 'hello'] }),
  { ask: 'POST /exec/{exec}/start', body: { Detach: false }, headers: upgrade },
  ...run({ Cmd: ['sh', '-c', 'echo err >&2; exit 7'] }),
  ...run({ Cmd: ['cat'], AttachStdin: true }, 'from here\n'),
  ...run({ Cmd: ['sh', '-c', TERMINAL], Tty: true }),
  ...run({ Cmd: ['sh', '-c', TERMINAL], Tty: true }, '', false),
  ...run({ Cmd: ['sh', '-c', `${TERMINAL}; echo err >&2`] }, '', true),
  ...run({ Cmd: ['id'], User: 'app', WorkingDir: '/tmp', Env: ['X=y'] }),
  ...run({ Cmd: ['nosuchprogram'] }),
  ...run({ Cmd: ['pwd'], WorkingDir: '/no/such/dir' }),
  ...run({ Cmd: ['id'], User: 'nosuch' }),
  ...run({ Cmd: ['/etc/passwd'] }),
  exec({ Cmd: ['true'] }),
  { ask: 'POST /exec/{exec}/start', body: { Detach: true } },
  { ask: 'GET /exec/{exec}/json', until: /"Running":false/ },
  { ask: 'POST /exec/{exec}/start', body: { Detach: true } },
  exec({ Cmd: ['nosuchprogram'] }),
  { ask: 'POST /exec/{exec}/start', body: { Detach: true } },
  exec({ Cmd: ['sleep', '1000'] }),
  { ask: 'POST /exec/{exec}/start', body: { Detach: true } },
  'POST /exec/{exec}/resize?h=x&w=1',
  'POST /exec/{exec}/resize?h=10&w=20',
  'GET /containers/host/json',
  { ask: 'POST /exec/nosuch/start', body: { Detach: true } },
  { ask: 'POST /exec/nosuch/start', body: {} },
  { ask: 'POST /exec/nosuch/start' },
  'POST /exec/nosuch/resize?h=1&w=1',
  'GET /exec/nosuch/json',
  exec({ Cmd: ['true'] }, 'host', 'late'),
  'POST /containers/host/pause',
  exec({ Cmd: ['true'] }),
  { ask: 'POST /exec/{late}/start', body: { Detach: true } },
  'POST /containers/host/unpause',
  'POST /containers/host/kill',
  exec({ Cmd: ['true'] }),
  { ask: 'POST /exec/{late}/start', body: { Detach: true } },
  'GET /exec/{late}/json',
];
