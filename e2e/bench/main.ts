/** The bench's table of contents; scripts/bench.mjs runs it in a network namespace of its own. */
import { describe, rows } from './measure.js';
import { engineBench } from './engine.js';
import { runtimeBench } from './runtime.js';
import { windowBench } from './window.js';

const groups: Record<string, () => Promise<void>> = { engine: engineBench, runtime: runtimeBench, window: windowBench };
const chosen = process.argv.slice(2);
for (const [name, run] of Object.entries(groups)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n--- ${name} ---`);
  await run();
}
const missed = rows.filter((row) => !row.met);
console.log(`\n${rows.length - missed.length} of ${rows.length} measures within target`);
for (const row of missed) console.log(`✖ ${describe(row)}`);
process.exit(missed.length === 0 ? 0 : 1);
