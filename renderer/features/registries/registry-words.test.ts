import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlain, ownOf, plainRegistry } from './registry-words.js';

const registry = plainRegistry('registry.example');

test('what was said of a registry here can be forgotten', () => {
  for (const change of [
    { credentials: 'slipway' as const },
    { credentials: 'helper' as const, helper: 'pass' },
    { mirrors: ['https://mirror.example'] },
    { insecure: true },
    { certificates: { ca: false, client: true } },
  ])
    assert.deepEqual(ownOf({ ...registry, ...change }), { ...registry, ...change });
});

test('what docker keeps, the engine’s settings say or lies in this machine’s files cannot', () => {
  const mirrors = ['https://own.example', 'https://fixed.example'];
  const firm = { mirrors: ['https://fixed.example'], insecure: true, certificates: { ca: true, client: false } };
  const all = { ...registry, credentials: 'docker' as const, mirrors, insecure: true };
  const left = ownOf({ ...all, certificates: { ca: true, client: false }, fixed: firm });
  assert.deepEqual(left, { ...registry, mirrors: ['https://own.example'] });
  assert.ok(isPlain(ownOf({ ...all, mirrors: firm.mirrors, fixed: firm })));
});
