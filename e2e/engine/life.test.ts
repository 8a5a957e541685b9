/** What happens to containers while they live, end and come back: on our engine and beside it on Debian's dockerd, event by event. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  api,
  docker,
  loadBusybox,
  request,
  startDockerd,
  startEngine,
  type RunningEngine,
} from '../fixtures/engine.js';

const skip = process.getuid?.() !== 0 && 'needs root';
const options = { skip, timeout: 600_000 };
let ours: RunningEngine;
let theirs: Awaited<ReturnType<typeof startDockerd>>;

before(async () => {
  if (skip) return;
  [ours, theirs] = await Promise.all([startEngine(), startDockerd()]);
  await Promise.all([loadBusybox(ours), loadBusybox(theirs)]);
});
after(async () => {
  await ours?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

type Where = { socket: string };

interface Inspect {
  Id: string;
  RestartCount: number;
  State: { Status: string; Running: boolean; Restarting: boolean; Paused: boolean; Pid: number; ExitCode: number };
}

async function create(
  { socket }: Where,
  name: string,
  cmd: string,
  host: object = {},
  more: object = {},
): Promise<string> {
  const body = { Image: 'busybox:test', Cmd: ['sh', '-c', cmd], ...more, HostConfig: { NetworkMode: 'none', ...host } };
  return (await api<{ Id: string }>(socket, 'POST', `/containers/create?name=${name}`, body)).Id;
}
const post = async ({ socket }: Where, url: string): Promise<number> =>
  (await request(socket, 'POST', `/containers/${url}`)).status;
const inspect = ({ socket }: Where, id: string): Promise<Inspect> => api(socket, 'GET', `/containers/${id}/json`);

async function until(where: Where, id: string, reached: (seen: Inspect) => boolean): Promise<Inspect> {
  for (let tries = 0; tries < 4000; tries++) {
    const seen = await inspect(where, id);
    if (reached(seen)) return seen;
    await sleep(25);
  }
  throw new Error(`still ${JSON.stringify((await inspect(where, id)).State)}`);
}

/** A run has said that it listens to signals, for so many times now. */
async function ready(where: Where, id: string, times: number): Promise<void> {
  for (let tries = 0; tries < 4000; tries++) {
    const { stdout } = await docker(where, ['logs', id]);
    if (stdout.split('ready').length > times) return;
    await sleep(25);
  }
  throw new Error(`${id} is not ready`);
}

/** What was told of a container so far: action and the attributes that are its own. */
async function told({ socket }: Where, id: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ container: { [id]: true } }));
  const until = (Date.now() / 1000 + 0.2).toFixed(3);
  const { body } = await request(socket, 'GET', `/events?since=1&until=${until}&filters=${filters}`);
  return body
    .toString()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: Record<string, string> } })
    .map(({ Action, Actor: { Attributes } }) => {
      const { exitCode, signal, oldName } = Attributes;
      return [Action, exitCode, signal, oldName?.replace(/.*/, 'old')].filter(Boolean).join(' ');
    });
}

/** The same story on both; what it returns and what was told of its container must be the same. */
function same(name: string, story: (where: Where, name: string) => Promise<{ id: string; seen: unknown }>): void {
  test(`as with dockerd: ${name}`, options, async () => {
    const own = name.replace(/\W+/g, '-');
    const run = async (where: Where) => {
      const { id, seen } = await story(where, own);
      return { seen, told: await told(where, id) };
    };
    const [mine, oracle] = await Promise.all([run(ours), run(theirs)]);
    assert.deepEqual(mine, oracle);
  });
}

same('on-failure tries so often, and then it has exited', async (where, name) => {
  const id = await create(where, name, 'exit 3', { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } });
  await post(where, `${id}/start`);
  const { State, RestartCount } = await until(where, id, (at) => !at.State.Running && at.RestartCount === 3);
  return { id, seen: [State.Status, State.ExitCode, State.Restarting, RestartCount] };
});

same('on-failure lets a success be', async (where, name) => {
  const id = await create(where, name, 'exit 0', { RestartPolicy: { Name: 'on-failure' } });
  await post(where, `${id}/start`);
  const { State, RestartCount } = await until(where, id, (at) => at.State.Status === 'exited');
  return { id, seen: [State.ExitCode, RestartCount] };
});

same('between two runs it is restarting, for every verb', async (where, name) => {
  const id = await create(where, name, 'exit 4', { RestartPolicy: { Name: 'always' } });
  await post(where, `${id}/start`);
  // The sixth waits for 3.2 seconds.
  const { State } = await until(where, id, (at) => at.RestartCount === 6 && at.State.Restarting);
  const { stdout } = await docker(where, ['ps', '--filter', `name=${name}`, '--format', '{{.Status}} {{.State}}']);
  const answers = [];
  for (const verb of ['start', 'pause', 'exec', 'attach?stream=1&stdout=1'])
    answers.push(`${verb} ${await post(where, `${id}/${verb}`)}`);
  answers.push((await request(where.socket, 'DELETE', `/containers/${id}`)).status);
  answers.push((await request(where.socket, 'GET', `/containers/${id}/top`)).status);
  answers.push(await post(where, `${id}/stop`));
  const stopped = await inspect(where, id);
  await sleep(3400);
  const later = await inspect(where, id);
  return {
    id,
    seen: [
      { ...State, StartedAt: '', FinishedAt: '', Health: '' },
      stdout.replace(/Less than a second|About a minute|\d+ seconds?/, 'now'),
      answers,
      [stopped.State.Status, stopped.State.ExitCode, later.State.Status, later.RestartCount],
    ],
  };
});

same('a kill ends a restarting one too', async (where, name) => {
  const id = await create(where, name, 'exit 4', { RestartPolicy: { Name: 'unless-stopped' } });
  await post(where, `${id}/start`);
  await until(where, id, (at) => at.RestartCount === 6 && at.State.Restarting);
  const wait = request(where.socket, 'POST', `/containers/${id}/wait`);
  await sleep(100);
  const killed = await post(where, `${id}/kill`);
  const waited = JSON.parse((await wait).body.toString()) as { StatusCode: number };
  const { State } = await until(where, id, (at) => !at.State.Running);
  return { id, seen: [killed, waited.StatusCode, State.Status, State.ExitCode] };
});

same('a restarting one is removed by force', async (where, name) => {
  const id = await create(where, name, 'exit 4', { RestartPolicy: { Name: 'always' } });
  await post(where, `${id}/start`);
  await until(where, id, (at) => at.RestartCount === 5 && at.State.Restarting);
  const { status } = await request(where.socket, 'DELETE', `/containers/${id}?force=1`);
  return { id, seen: [status, (await request(where.socket, 'GET', `/containers/${id}/json`)).status] };
});

same('a start by hand counts from nothing', async (where, name) => {
  const id = await create(where, name, 'exit 1', { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 } });
  const counts = [];
  for (let time = 0; time < 2; time++) {
    await post(where, `${id}/start`);
    counts.push((await until(where, id, (at) => !at.State.Running && at.RestartCount === 1)).RestartCount);
  }
  return { id, seen: counts };
});

same('a first start that fails is not tried again', async (where, name) => {
  const body = {
    Image: 'busybox:test',
    Cmd: ['/nope'],
    HostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'always' } },
  };
  const { Id: id } = await api<{ Id: string }>(where.socket, 'POST', `/containers/create?name=${name}`, body);
  const status = await post(where, `${id}/start`);
  await sleep(400);
  const { State, RestartCount } = await inspect(where, id);
  return { id, seen: [status, State.Status, State.ExitCode, RestartCount] };
});

same('restart by hand: of what was created, runs, is paused and has exited', async (where, name) => {
  const id = await create(where, name, 'trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done');
  const seen = [await post(where, `${id}/restart`), (await inspect(where, id)).State.Status];
  await ready(where, id, 1);
  seen.push(await post(where, `${id}/restart?t=60`), (await inspect(where, id)).State.Status);
  await ready(where, id, 2);
  await post(where, `${id}/pause`);
  seen.push(await post(where, `${id}/restart?t=60`), (await inspect(where, id)).State.Status);
  await ready(where, id, 3);
  await post(where, `${id}/stop?t=60`);
  seen.push(await post(where, `${id}/restart`), (await inspect(where, id)).RestartCount);
  await post(where, `${id}/kill`);
  await until(where, id, (at) => !at.State.Running);
  return { id, seen };
});

same('stop waits as long as it is told, and for ever where the time is negative', async (where, name) => {
  const id = await create(where, name, 'trap "sleep 0.4; exit 6" TERM; echo ready; while :; do sleep 0.05; done');
  const seen: unknown[] = [];
  for (const [index, t] of ['-1', '60', '0'].entries()) {
    await post(where, `${id}/start`);
    await ready(where, id, index + 1);
    seen.push(await post(where, `${id}/stop?t=${t}`), (await inspect(where, id)).State.ExitCode);
  }
  return { id, seen };
});

same('a paused one hears a TERM once it is let go for it, and dies of a KILL', async (where, name) => {
  const id = await create(where, name, 'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done');
  const seen: unknown[] = [];
  for (const [index, signal] of ['TERM', 'KILL'].entries()) {
    await post(where, `${id}/start`);
    await ready(where, id, index + 1);
    await post(where, `${id}/pause`);
    seen.push(await post(where, `${id}/kill?signal=${signal}`));
    const { State } = await until(where, id, (at) => !at.State.Running);
    seen.push(State.Status, State.ExitCode, State.Paused);
  }
  return { id, seen };
});

test('many removals at once: each is answered, and its name is free at once', options, async () => {
  const id = await create(ours, 'contested', 'sleep 1000');
  await post(ours, `${id}/start`);
  const removal = () => request(ours.socket, 'DELETE', `/containers/${id}?force=1`);
  const answers = await Promise.all(Array.from({ length: 10 }, removal));
  // Who comes when it has gone already is told so.
  for (const { status, body } of answers)
    if (status !== 204) assert.match(`${status} ${body.toString()}`, /^404 .*No such container/);
  assert.ok(answers.some(({ status }) => status === 204));
  await create(ours, 'contested', 'true');
});

test('of many that want a name one has it; the others are told who', options, async () => {
  const ids = await Promise.all(['one', 'two', 'three'].map((name) => create(ours, `wants-${name}`, 'true')));
  const answers = await Promise.all(
    ids.map((id) => request(ours.socket, 'POST', `/containers/${id}/rename?name=wanted`)),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 409, 409]);
  const holder = (await inspect(ours, 'wanted')).Id;
  for (const { status, body } of answers) if (status === 409) assert.match(body.toString(), new RegExp(holder));
  const created = await Promise.all(
    Array.from({ length: 5 }, () =>
      request(ours.socket, 'POST', '/containers/create?name=fresh', { Image: 'busybox:test' }),
    ),
  );
  assert.deepEqual(created.map(({ status }) => status).sort(), [201, 409, 409, 409, 409]);
});

test('what is done to a container that is just being removed does not bring it back', options, async () => {
  const verbs = ['rename?name=undead', 'stop', 'start', 'pause', 'update', 'kill', 'restart?t=0'];
  for (const verb of verbs) {
    const id = await create(ours, '', 'exit 1', { RestartPolicy: { Name: 'always' } });
    await post(ours, `${id}/start`);
    const removed = request(ours.socket, 'DELETE', `/containers/${id}?force=1`);
    const body = verb === 'update' ? { RestartPolicy: { Name: 'no' } } : undefined;
    const { status } = await request(ours.socket, 'POST', `/containers/${id}/${verb}`, body);
    assert.ok(status < 500, `${verb}: ${status}`);
    assert.equal((await removed).status, 204, verb);
    assert.equal((await request(ours.socket, 'GET', `/containers/${id}/json`)).status, 404, verb);
  }
  await ours.kill();
  await ours.restart();
  const { stdout } = await docker(ours, ['ps', '-a', '--filter', 'name=undead', '--format', '{{.Names}}']);
  assert.equal(stdout, '');
});

test('each way of waiting ends when it should, with the exit status of that run', options, async () => {
  const id = await create(ours, 'awaited', 'until [ -e /go ]; do sleep 0.05; done; exit 9', { AutoRemove: true });
  /** `asked`: the engine has begun to answer, so it waits. */
  const wait = (condition: string) => {
    const path = `/containers/${id}/wait?condition=${condition}`;
    const outgoing = http.request({ socketPath: ours.socket, method: 'POST', path }).end();
    const asked = once(outgoing, 'response') as Promise<[http.IncomingMessage]>;
    const said = asked.then(async ([answer]) => {
      let text = '';
      for await (const chunk of answer) text += String(chunk);
      return `${answer.statusCode} ${text.trim()}`;
    });
    return { asked, said };
  };
  assert.equal(await wait('not-running').said, '200 {"StatusCode":0}'); // it was only created
  const order: string[] = [];
  const ways = ['next-exit', 'removed'].map((way) => {
    const { asked, said } = wait(way);
    return { asked, said: said.finally(() => order.push(way)) };
  });
  await Promise.all(ways.map(({ asked }) => asked));
  await post(ours, `${id}/start`);
  const all = [...ways, wait('')];
  await all[2]!.asked;
  await docker(ours, ['exec', id, 'touch', '/go']);
  assert.deepEqual(
    await Promise.all(all.map(({ said }) => said)),
    Array.from({ length: 3 }, () => '200 {"StatusCode":9}'),
  );
  assert.deepEqual(order, ['next-exit', 'removed']);
  assert.match(await wait('removed').said, /^404 /);
});

test('a client that leaves does not call off its stop', options, async () => {
  const id = await create(ours, 'abandoned', 'trap "" TERM; echo ready; while :; do sleep 0.1; done');
  await post(ours, `${id}/start`);
  await ready(ours, id, 1);
  const stop = http.request({ socketPath: ours.socket, method: 'POST', path: `/containers/${id}/stop?t=1` });
  stop.on('error', () => undefined).end();
  while (!(await told(ours, id)).includes('kill 15'));
  stop.destroy();
  const { State } = await until(ours, id, (at) => !at.State.Running);
  assert.equal(State.ExitCode, 137);
});

test('what a policy brings back is not what was stopped, across engines too', options, async () => {
  const policies = ['always', 'unless-stopped', 'on-failure', 'no'];
  const made = policies.flatMap((policy) => [`${policy}-stopped`, `${policy}-left`].map((name) => ({ policy, name })));
  await Promise.all(
    made.map(async ({ policy, name }) => {
      const id = await create(ours, name, 'sleep 1000', { RestartPolicy: { Name: policy } });
      await post(ours, `${id}/start`);
      if (name.endsWith('stopped')) await post(ours, `${id}/stop?t=0`);
    }),
  );
  await ours.stop();
  await ours.restart();
  const comesBack = (name: string) => name.endsWith('left') || name === 'always-stopped';
  for (const { name } of made.filter((each) => comesBack(each.name)))
    await until(ours, name, (at) => at.State.Status === 'running');
  await sleep(500);
  const states = await Promise.all(made.map(async ({ name }) => [name, (await inspect(ours, name)).State.Status]));
  assert.deepEqual(Object.fromEntries(states), {
    'always-stopped': 'running',
    'always-left': 'running',
    'unless-stopped-stopped': 'exited',
    'unless-stopped-left': 'running',
    'on-failure-stopped': 'exited',
    'on-failure-left': 'running',
    'no-stopped': 'exited',
    'no-left': 'running',
  });
});

test('a promised restart is kept by the next engine, and counted once', options, async () => {
  const id = await create(ours, 'promised', 'echo run; exit 2', {
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 6 },
  });
  await post(ours, `${id}/start`);
  await until(ours, id, (at) => at.RestartCount === 6 && at.State.Restarting); // it waits for 3.2 seconds
  await ours.kill();
  await ours.restart();
  const { State, RestartCount } = await until(ours, id, (at) => !at.State.Running);
  assert.deepEqual([State.Status, State.ExitCode, RestartCount], ['exited', 2, 6]);
  assert.equal((await docker(ours, ['logs', 'promised'])).stdout, 'run\n'.repeat(7));
});

test('what somebody starts just now is neither pruned nor removed without force', options, async () => {
  for (let round = 0; round < 10; round++) {
    const id = await create(ours, '', 'sleep 1000', {}, { Labels: { pruned: 'yes' } });
    const filters = encodeURIComponent(JSON.stringify({ label: { 'pruned=yes': true } }));
    const [started] = await Promise.all([
      post(ours, `${id}/start`),
      round % 2 === 0 ? post(ours, `prune?filters=${filters}`) : request(ours.socket, 'DELETE', `/containers/${id}`),
    ]);
    if (started === 204) assert.equal((await inspect(ours, id)).State.Status, 'running');
    else assert.equal((await request(ours.socket, 'GET', `/containers/${id}/json`)).status, 404);
    await request(ours.socket, 'DELETE', `/containers/${id}?force=1`);
  }
});
