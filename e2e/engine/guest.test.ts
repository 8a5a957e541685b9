/** What needs cgroup v2 with systemd, or a machine that is reset: tests that run inside a guest, as root and as an ordinary user. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inGuest, makeShare, noGuest, reported, type Share } from '../fixtures/guest.js';

const TESTS = ['main/engine/containers.system.test.ts', 'main/engine/resources.system.test.ts'];
const people = ['root', 'dev'] as const;
/** Root has what has to do with control groups, the ordinary user everything. */
const AT_LEAST = { root: 21, dev: 28 };
const called = { root: 'root', dev: 'an ordinary user' };

describe('in the guest', { skip: noGuest, timeout: 1_800_000 }, () => {
  let share: Share;
  before(async () => (share = await makeShare(TESTS)));
  after(() => share[Symbol.asyncDispose]());

  describe('on cgroup v2 with systemd', () => {
    let taps: Record<(typeof people)[number], string>;
    before(async () => (taps = await inGuest(share, 'tests.mjs')));
    for (const person of people)
      test(`the container tests of ${called[person]}`, async (t) => {
        const results = reported(taps[person]);
        assert.ok(results.length >= AT_LEAST[person], `only ${results.length} tests were run:\n${taps[person]}`);
        for (const { name, passed, skip, detail } of results)
          await t.test(name, { skip: skip ?? false }, () => assert.ok(passed, detail));
      });
  });

  describe('after the power failed', () => {
    interface Found {
      containers: { name: string; Status: string; ExitCode: number; Error: string; Paused: boolean; alive: boolean }[];
      log: string;
      strays: string[];
      left: string[];
    }
    let result: { rebooted: boolean; groups: string[] } & Record<(typeof people)[number], Found>;
    before(async () => (result = await inGuest(share, 'reboot.mjs', { boots: 2 })));
    for (const person of people)
      test(`the containers of ${called[person]} are what their restart policies say, and nothing is stale`, () => {
        assert.equal(result.rebooted, true);
        const { containers, log, strays, left } = result[person];
        const states = Object.fromEntries(
          containers.map(({ name, Status, ExitCode, alive }) => [name, [Status, ExitCode, alive]]),
        );
        assert.deepEqual(states, {
          always: ['running', 0, true],
          'always-stopped': ['running', 0, true],
          unless: ['running', 0, true],
          'unless-stopped': ['exited', 137, false],
          failing: ['running', 0, true],
          never: ['exited', 255, false],
          paused: ['running', 0, true],
          ended: ['exited', 7, false],
          created: ['created', 0, false],
        });
        assert.equal(log, 'line\n');
        assert.deepEqual([strays, left], [[], []]);
      });
    test('and no control group is left of those that were removed', () => assert.deepEqual(result.groups, []));
  });
});
