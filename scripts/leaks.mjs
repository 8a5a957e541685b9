#!/usr/bin/env node
/**
 * What a test run left on this machine: mounts, cgroups, processes, network links, firewall tables, files outside data directories.
 * `snapshot()` before and `leaks(before)` after; alone (`node scripts/leaks.mjs`) it lists what stands now.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const OURS =
  /slipway-helper|slipway-monitor|slipway-porter|slipway-forwarder|slipway-resolver|daemon\.cjs|out\/app|docker-registry|dockerd|containerd|slirp4netns|Xvfb/;

/** A lane of tests (lanes.mjs) looks after what is in it by itself, and sees its own place as the root of all. */
const isLane = (name) => path.basename(name).startsWith('slipway-lane-');

/** Everything of ours that can be left over, as lines of text by kind. */
export function snapshot() {
  return {
    mounts: lines(read('/proc/self/mountinfo')).map((line) => line.split(' ').slice(3, 5).join(' on ')),
    cgroups: cgroups('/sys/fs/cgroup'),
    processes: processes(),
    links: links(),
    // dockerd, the oracle, leaves its own tables and bridge in the namespace of the run, and goes with it.
    tables: lines(spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' }).stdout ?? '').filter((line) =>
      line.includes('slipway'),
    ),
    namespaces: list('/run/netns'),
    files: [
      ...list('/run/slipway'),
      ...list('/var/lib/slipway'),
      ...list(os.tmpdir()).filter((name) => path.basename(name).startsWith('slipway')),
      ...list('/dev/shm').filter((name) => name.includes('slipway')),
    ],
  };
}

/** What stands now and did not stand then, one sentence each. */
export function leaks(before) {
  const now = snapshot();
  return Object.entries(now).flatMap(([kind, standing]) => {
    const known = new Set(before[kind]);
    return standing.filter((each) => !known.has(each)).map((each) => `${kind}: ${each}`);
  });
}

/** The same after giving what ends by itself a moment to end. */
export async function leaksAfter(before, patienceMs = 5000) {
  const until = Date.now() + patienceMs;
  for (;;) {
    const found = leaks(before);
    if (found.length === 0 || Date.now() > until) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function processes() {
  return list('/proc')
    .filter((name) => /\/\d+$/.test(name))
    .flatMap((folder) => {
      const command = read(`${folder}/cmdline`).replaceAll('\0', ' ').trim();
      const parts = command.split(' ');
      // Containers' own processes have no telling name: their control group says whose they are.
      const groups = read(`${folder}/cgroup`);
      if (groups.split(/[/\n]/).some(isLane)) return [];
      const contained = /slipway/.test(groups.replaceAll(/\/slipway-(suite|test)[^\n]*/g, ''));
      const ours = OURS.test(parts.slice(0, 3).join(' ')) && Number(path.basename(folder)) !== process.pid;
      return ours || contained ? [`${path.basename(folder)} ${command.slice(0, 160)}`] : [];
    });
}

function cgroups(folder, depth = 0) {
  return list(folder).flatMap((name) => {
    if (depth > 4 || !isFolder(name) || isLane(name)) return [];
    return [...(path.basename(name).includes('slipway') ? [name] : []), ...cgroups(name, depth + 1)];
  });
}

/** Of this network namespace; /sys may still show another's. */
const links = () =>
  lines(read('/proc/net/dev'))
    .slice(2)
    .map((line) => line.split(':')[0].trim())
    .filter((name) => name !== 'docker0');
const read = (file) => {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};
const list = (folder) => {
  try {
    return fs.readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    return [];
  }
};
const isFolder = (name) => {
  try {
    return fs.lstatSync(name).isDirectory();
  } catch {
    return false;
  }
};
const lines = (text) => text.split('\n').filter(Boolean);

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(snapshot(), null, 1));
