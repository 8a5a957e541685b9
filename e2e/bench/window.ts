/** The window as a person meets it: from launch to the window, to a prompt, from a click on Run to a prompt. */
import { expect } from '@playwright/test';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TestApp } from '../fixtures/app.js';
import { openDisplay } from '../fixtures/display.js';
import { docker, root } from '../fixtures/engine.js';
import { SlipwayPage } from '../fixtures/window.js';
import { elapsed, isWanted, note } from './measure.js';

const ROUNDS = 5;

const SETUP = 'set-up with nothing to do';
const LAUNCH = 'launch to window';
const CLICK = 'click on Run to prompt (starter image made in between)';
const START = 'npm start on a set-up clone to a prompt';

export async function windowBench(): Promise<void> {
  if (![SETUP, LAUNCH, CLICK, START].some(isWanted)) return;
  await using display = await openDisplay();
  const [launches, prompts, clicks, setups] = [[], [], [], []] as [number[], number[], number[], number[]];
  for (let round = -1; round < ROUNDS; round++) {
    const app = await TestApp.prepare({ display: display.name });
    try {
      const setup = await elapsed(skippedSetup);
      const began = Date.now();
      const launch = await app.start();
      const window = new SlipwayPage(app.page);
      const run = app.page.getByRole('button', { name: 'Run', exact: true });
      await expect(run).toBeEnabled();
      const clicked = Date.now();
      await run.click();
      await window.terminal.waitFor();
      // Asked without a pause: an expectation looks ever more seldom, up to a second apart.
      while (!/[#$]\s*$/.test((await window.terminal.locator('.xterm-rows').textContent()) ?? ''));
      const prompted = Date.now();
      if (round < 0) continue; // the first reads everything from disk
      setups.push(setup);
      launches.push(launch);
      clicks.push(prompted - clicked);
      prompts.push(setup + prompted - began);
      await docker(app, ['ps', '-q']);
    } finally {
      await app[Symbol.asyncDispose]();
    }
  }
  note(SETUP, ['slipway'], [setups], { target: 1500 });
  note(LAUNCH, ['slipway'], [launches], { target: 2000 });
  note(CLICK, ['slipway'], [clicks], { target: 1000 });
  note(START, ['slipway'], [prompts], { target: 10_000 });
}

/** What `npm start` does before it opens the app on a clone that is set up. */
async function skippedSetup(): Promise<void> {
  const child = spawn(process.execPath, ['scripts/setup.mjs'], { cwd: root, stdio: 'ignore' });
  await once(child, 'exit');
}
