/**
 * Runs inside the guest, twice: engines of root and of an ordinary user with containers of every restart policy, then the machine is reset as
 * if its power had failed. After that the engines are started again; what became of the containers is printed as one line of JSON.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { app, people, startNode, unpack } from './people.mjs';

const MARK = '/var/lib/slipway-rebooted';
const places = {
  root: { data: '/var/lib/slipway-test', run: '/run/slipway-test', socket: '/run/slipway-test.sock' },
  dev: { data: '/home/dev/data', run: '/run/user/1000/slip', socket: '/home/dev/docker.sock' },
};
/** By name: the policy, and what is done before the power fails. */
const CONTAINERS = {
  always: ['always', 'runs'],
  'always-stopped': ['always', 'stopped'],
  unless: ['unless-stopped', 'runs'],
  'unless-stopped': ['unless-stopped', 'stopped'],
  failing: ['on-failure', 'runs'],
  never: ['no', 'runs'],
  paused: ['always', 'paused'],
  ended: ['no', 'ended'],
  created: ['always', 'created'],
  fleeting: ['no', 'removed'],
};

function request(person, method, url, body) {
  return new Promise((resolve, reject) => {
    const payload = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const headers = { 'Content-Type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json' };
    const outgoing = http.request({ socketPath: places[person].socket, method, path: url, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      incoming.on('end', () =>
        incoming.statusCode < 400 ? resolve(text) : reject(new Error(`${method} ${url}: ${text}`)),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}
const json = async (...args) => JSON.parse((await request(...args)) || 'null');

async function startEngine(person) {
  const { data, run, socket } = places[person];
  const flags = ['--data-root', data, '--exec-root', run, '--host', `unix://${socket}`];
  const engine = startNode(person, [path.join(app, 'out/daemon.cjs'), ...flags]);
  await new Promise((resolve, reject) => {
    engine.stdout.on('data', (chunk) => String(chunk).includes('listening on') && resolve());
    engine.once('close', (code) => reject(new Error(`the engine of ${person} ended with ${code}`)));
  });
}

async function populate(person) {
  await startEngine(person);
  await request(person, 'POST', '/images/load', readFileSync(path.join(app, 'busybox.tar')));
  for (const [name, [Name, what]] of Object.entries(CONTAINERS)) {
    const Cmd = ['sh', '-c', what === 'ended' ? 'echo done; exit 7' : 'echo line; exec sleep 10000'];
    const HostConfig = { NetworkMode: 'none', AutoRemove: what === 'removed', RestartPolicy: { Name } };
    await request(person, 'POST', `/containers/create?name=${name}`, { Image: 'busybox:test', Cmd, HostConfig });
    if (what === 'created') continue;
    await request(person, 'POST', `/containers/${name}/start`);
    if (what === 'ended') await request(person, 'POST', `/containers/${name}/wait`);
    if (what === 'stopped') await request(person, 'POST', `/containers/${name}/stop?t=0`);
    if (what === 'paused') await request(person, 'POST', `/containers/${name}/pause`);
  }
}

/** What there is of a person's containers, once those that come back have had the time. */
async function found(person) {
  await startEngine(person);
  const states = async () => {
    const all = await json(person, 'GET', '/containers/json?all=1');
    const each = all.map(({ Id }) => json(person, 'GET', `/containers/${Id}/json`));
    return (await Promise.all(each)).sort((a, b) => a.Name.localeCompare(b.Name));
  };
  let seen = await states();
  for (let tries = 0; tries < 100 && seen.filter(({ State }) => State.Status === 'running').length < 5; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    seen = await states();
  }
  const containers = seen.map(({ Name, RestartCount, State: { Status, ExitCode, Error, Pid, Paused } }) => ({
    ...{ name: Name.slice(1), Status, ExitCode, Error, RestartCount, Paused },
    alive: Pid > 0 && existsSync(`/proc/${Pid}`),
  }));
  const running = seen.filter(({ State }) => State.Running).map(({ Id }) => Id);
  const log = await request(person, 'GET', '/containers/never/logs?stdout=1');
  const result = {
    containers,
    log: log.replaceAll(/[^a-z\n]/g, ''),
    strays: readdirSync(path.join(places[person].run, 'c')).filter(
      (name) => !running.some((id) => id.startsWith(name)),
    ),
  };
  for (const { Id } of seen) await request(person, 'DELETE', `/containers/${Id}?force=1`);
  // What a container leaves is cleared away behind the answer.
  const left = () => readdirSync(path.join(places[person].run, 'c'));
  for (let tries = 0; tries < 20 && left().length > 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 500));
  result.left = left();
  return [person, result];
}

// The job ends with its last process: an engine that outlives us here would keep the guest waiting.
process.on('exit', () => spawnSync('pkill', ['-KILL', '-f', 'out/daemon.cjs']));

if (!existsSync(MARK)) {
  unpack();
  await Promise.all(people.map(populate));
  writeFileSync(MARK, readFileSync('/proc/sys/kernel/random/boot_id'));
  execFileSync('sync');
  writeFileSync('/proc/sysrq-trigger', 'b');
  await new Promise(() => setInterval(() => undefined, 1000));
}
const rebooted = readFileSync(MARK, 'utf8') !== readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
const results = Object.fromEntries(await Promise.all(people.map(found)));
const groups = execFileSync('find', ['/sys/fs/cgroup', '-path', '*/slipway/*', '-type', 'd'], { encoding: 'utf8' });
console.log(JSON.stringify({ rebooted, ...results, groups: groups.split('\n').filter(Boolean) }));
process.exit(0);
