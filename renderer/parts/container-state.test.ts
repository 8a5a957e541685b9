import { test } from 'node:test';
import assert from 'node:assert/strict';
import { shapeOf, statusFacts } from './container-state.js';

test('the status sentence gives age, exit code and health', () => {
  assert.deepEqual(statusFacts('Up 3 minutes (unhealthy)'), { exitCode: undefined, age: 180_000, health: 'unhealthy' });
  assert.deepEqual(statusFacts('Exited (137) 2 hours ago'), { exitCode: 137, age: 7_200_000, health: undefined });
  assert.equal(statusFacts('Up Less than a second').age, 0);
  assert.equal(statusFacts('Up About an hour').age, 3_600_000);
  assert.equal(statusFacts('Up 4 seconds (health: starting)').health, 'starting');
  assert.equal(statusFacts('Up 2 days (Paused)').age, 172_800_000);
  assert.equal(statusFacts('Created').age, undefined);
});

test('an exit code other than zero is a failure', () => {
  assert.equal(shapeOf({ State: 'exited', Status: 'Exited (0) 1 second ago' }), 'exited');
  assert.equal(shapeOf({ State: 'exited', Status: 'Exited (127) 1 second ago' }), 'failed');
});

test('health is a state of its own', () => {
  assert.equal(shapeOf({ State: 'running', Status: 'Up 2 minutes' }), 'run');
  assert.equal(shapeOf({ State: 'running', Status: 'Up 2 minutes (healthy)' }), 'healthy');
  assert.equal(shapeOf({ State: 'paused', Status: 'Up 2 minutes (Paused)' }), 'paused');
});
