/**
 * Lanes: small machines within this one, in which test files run side by side without seeing one another. Each has processes, mounts, a
 * network, control groups, users, /run, /dev/shm and a folder for temporary files of its own, so what a test leaves behind is its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaksAfter, snapshot } from './leaks.mjs';
import { root } from './setup.mjs';

/** How many lanes this machine carries. One where no lane can be made: it takes root, and control groups of version 1. */
export const lanesHere = () =>
  process.getuid() === 0 && groupMounts().some(({ type }) => type === 'cgroup')
    ? Math.min(4, os.availableParallelism())
    : 1;

/**
 * Runs a script of ours in a lane, which then does one job after another; its output is handed over with the end of each.
 * @returns {Promise<{run(job: object): Promise<{result: object, output: string}>, close(): Promise<void>}>} `result.ended`: it does no more jobs
 */
export async function openLane(script) {
  // A short name: sockets and podman allow few letters for the whole of a path.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lane-'));
  fs.chmodSync(folder, 0o1777);
  const groups = groupMounts().map((mount) => ({ ...mount, own: ownGroup(mount, `slipway-${path.basename(folder)}`) }));
  const close = async () => {
    for (const { own } of groups) await removeGroups(own);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const { own } of groups) makeGroup(own);
    const file = path.join(folder, 'output');
    const output = fs.openSync(file, 'a');
    const child = spawn(
      ...[
        'sh',
        ['-ec', ENTER, 'sh', inside(groups, folder), process.execPath, script, ...groups.map(({ own }) => own)],
      ],
      {
        cwd: root,
        stdio: ['ignore', output, output, 'ipc'],
        env: { ...process.env, SLIPWAY_TEST_LANE: '1', TMPDIR: folder },
      },
    );
    fs.closeSync(output);
    const gone = once(child, 'exit');
    const next = () => Promise.race([once(child, 'message').then(([message]) => message), gone.then(() => undefined)]);
    const read = from(file);
    if ((await next()) !== 'ready') throw new Error(`a lane could not be made: ${read()}`);
    return {
      async run(job) {
        child.send(job);
        const result = await next();
        return {
          result: result ?? { passed: 0, failed: 1, skipped: 0, left: ['the lane ended'], processor: 0, ended: true },
          output: read(),
        };
      },
      async close() {
        if (child.connected) child.disconnect();
        await gone;
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The other end: does the jobs that arrive until there are no more, and tells of each what came out and what it left behind. */
export function serveLane(work) {
  let before = snapshot();
  process.on('message', async (job) => {
    const used = processorTime();
    const result = await work(job);
    const left = await leaksAfter(before, 60_000);
    if (left.length > 0) before = snapshot(); // the next job is not to blame
    process.send({ ...result, left, processor: processorTime() - used });
  });
  process.on('disconnect', () => process.exit());
  process.send('ready');
}

/** What processors have worked for this lane so far, in milliseconds. */
function processorTime() {
  const place = groupMounts().find(({ options }) => options.split(',').includes('cpuacct'));
  return place ? Number(fs.readFileSync(path.join(place.at, 'cpuacct.usage'), 'utf8')) / 1e6 : 0;
}

/** Moves into the lane's groups and there into namespaces of its own. The shell within stays, to bury whoever loses its parent. */
const ENTER = `inside=$1 node=$2 script=$3; shift 3
for group; do echo 0 > "$group/cgroup.procs"; done
exec unshare --cgroup --pid --mount --net --ipc --fork --kill-child --mount-proc sh -ec "$inside" sh "$node" "$script"`;

function inside(groups, folder) {
  const word = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const lines = groups.map(
    ({ at, type, options }) => `umount ${word(at)}; mount -t ${type} ${options && `-o ${options}`} ${type} ${word(at)}`,
  );
  fs.mkdirSync(path.join(folder, 'etc'));
  // Users that tests make are the lane's: what is written to /etc is kept aside, in memory.
  lines.push(
    `mount -t tmpfs -o mode=755 etc ${word(`${folder}/etc`)}; mkdir ${word(`${folder}/etc/up`)} ${word(`${folder}/etc/work`)}`,
    `mount -t overlay -o ${word(`lowerdir=/etc,upperdir=${folder}/etc/up,workdir=${folder}/etc/work`)} overlay /etc`,
    'mount -t tmpfs -o mode=755 run /run; mkdir -p /run/lock /run/user; chmod 1777 /run/lock',
    'mount -t tmpfs -o mode=1777 shm /dev/shm',
  );
  return [...lines, 'ip link set lo up', '"$@"'].join('\n');
}

/** Where control groups are mounted, and with which options. */
function groupMounts() {
  return fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => {
      const [before, after] = line.split(' - ').map((part) => part.split(' '));
      const options = after[2].split(',').filter((each) => !['rw', 'xattr', 'nsdelegate'].includes(each));
      const named = options.find((each) => each.startsWith('name='));
      return {
        at: before[4],
        type: after[0],
        options: after[0] === 'cgroup2' ? '' : named ? `none,${named}` : options.join(),
      };
    });
}

function ownGroup({ at, type, options }, name) {
  const wanted = options.split(',').find((each) => each !== 'none');
  const lines = fs.readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  const line = lines.find((each) =>
    type === 'cgroup2' ? each.startsWith('0::') : each.split(':')[1].split(',').includes(wanted),
  );
  return path.join(at, line?.split(':').slice(2).join(':') ?? '/', name);
}

function makeGroup(own) {
  fs.mkdirSync(own);
  for (const name of ['cpuset.cpus', 'cpuset.mems'])
    if (fs.existsSync(path.join(own, name)))
      fs.writeFileSync(path.join(own, name), fs.readFileSync(path.join(path.dirname(own), name)));
}

/** Whoever was in them has been killed, and may take a moment to go. */
async function removeGroups(folder) {
  if (!fs.existsSync(folder)) return;
  for (const each of fs.readdirSync(folder, { withFileTypes: true }))
    if (each.isDirectory()) await removeGroups(path.join(folder, each.name));
  for (let tries = 0; ; tries++)
    try {
      return fs.rmdirSync(folder);
    } catch (error) {
      if (error.code !== 'EBUSY' || tries > 1200) throw error;
      await sleep(50);
    }
}

/** Reads what has come to a file since the last time. */
function from(file) {
  let at = 0;
  return () => {
    const text = fs.readFileSync(file).subarray(at);
    at += text.length;
    return text.toString();
  };
}
