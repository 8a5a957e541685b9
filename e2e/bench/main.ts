/**
 * The bench's table of contents; scripts/bench.mjs runs it in a network namespace of its own.
 * Words choose groups; `--only PART` chooses measures by a part of their name; `--long` takes the full counts where the default takes a
 * sample; `--samples N` is how often the group `images` takes each, `--without podman,dockerd` whom it leaves out; `--json FILE` says where the
 * figures go for programs (out/bench.json).
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../fixtures/engine.js';
import { comebackBench } from './comeback.js';
import { containersWindowBench } from './containers-window.js';
import { filesBench } from './files.js';
import { imagesBench } from './images.js';
import { imagesWindowBench } from './images-window.js';
import { layersBench } from './layers.js';
import { lifeBench } from './life.js';
import { logsWindowBench } from './logs-window.js';
import { describe, only, rows, writeRows } from './measure.js';
import { memoryBench } from './memory.js';
import { mountsBench } from './mounts.js';
import { openPeers, type Peers } from './peers.js';
import { runtimeBench } from './runtime.js';
import { streamsBench } from './streams.js';
import { volumesBench } from './volumes.js';
import { volumesDataBench } from './volumes-data.js';
import { windowBench } from './window.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    long: { type: 'boolean', default: false },
    samples: { type: 'string', default: '3' },
    without: { type: 'string', default: '' },
    json: { type: 'string', default: path.join(root, 'out/bench.json') },
  },
});
only(values.only);

/** These share one pair of engines. */
const engineGroups: Record<string, (peers: Peers) => Promise<void>> = {
  life: lifeBench,
  streams: streamsBench,
  files: filesBench,
  memory: (peers) => memoryBench(peers, { long: values.long }),
};
const otherGroups: Record<string, () => Promise<void>> = {
  runtime: runtimeBench,
  comeback: comebackBench,
  volumes: volumesBench,
  window: windowBench,
  containers: containersWindowBench,
  'images-window': imagesWindowBench,
  logs: logsWindowBench,
  layers: layersBench,
  'volumes-data': volumesDataBench,
  mounts: mountsBench,
  images: () => imagesBench({ without: values.without.split(','), samples: Number(values.samples) }),
};

const known = [...Object.keys(engineGroups), ...Object.keys(otherGroups)];
for (const name of positionals)
  if (!known.includes(name)) {
    console.error(`There is no group "${name}"; there are ${known.join(', ')}.`);
    process.exit(2);
  }
const chosen = (name: string): boolean => positionals.length === 0 || positionals.includes(name);

const began = Date.now();
const engines = Object.entries(engineGroups).filter(([name]) => chosen(name));
if (engines.length > 0) {
  await using peers = await openPeers();
  for (const [name, run] of engines) {
    console.log(`\n--- ${name} ---`);
    await run(peers);
  }
}
for (const [name, run] of Object.entries(otherGroups)) {
  if (!chosen(name)) continue;
  console.log(`\n--- ${name} ---`);
  await run();
}

await writeRows(values.json);
const missed = rows.filter((row) => !row.met);
console.log(`\n${rows.length - missed.length} of ${rows.length} measures within target, in ${minutes(began)}`);
for (const row of missed) console.log(`✖ ${describe(row)}`);
process.exit(missed.length === 0 ? 0 : 1);

function minutes(from: number): string {
  const seconds = Math.round((Date.now() - from) / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
