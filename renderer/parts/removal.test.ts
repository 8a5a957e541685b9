import { test } from 'node:test';
import assert from 'node:assert/strict';
import { freeName } from './removal.js';

test('a container whose name is taken gets the first number that is free', () => {
  assert.equal(freeName('web', [{ Names: ['/web'] }]), 'web-2');
  assert.equal(freeName('web', [{ Names: ['/web'] }, { Names: ['/web-2', '/web-4'] }, { Names: ['/web-3'] }]), 'web-5');
});
