import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collides } from './listeners.js';

test('who listens is in the way of the addresses that the listener takes, and of no others', () => {
  const inTheWay = (address: string, ip: string): boolean =>
    collides({ protocol: 'tcp', address, port: 80, inode: '1' }, ip, 80);
  for (const [address, ip] of [
    ['127.0.0.1', ''],
    ['[::1]', ''],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '0.0.0.0'],
    ['0.0.0.0', '127.0.0.1'],
    ['[::]', '127.0.0.1'],
    ['[::]', '::1'],
    ['[::1]', '::'],
    ['0.0.0.0', '::'],
    ['[::1]', '0:0:0:0:0:0:0:1'],
  ] as const)
    assert.ok(inTheWay(address, ip), `${address} is in the way of ${ip || 'every address'}`);
  for (const [address, ip] of [
    ['127.0.0.1', '127.0.0.2'],
    ['[::1]', '0.0.0.0'],
    ['0.0.0.0', '::1'],
    ['[::1]', '127.0.0.1'],
  ] as const)
    assert.ok(!inTheWay(address, ip), `${address} is not in the way of ${ip}`);
  assert.ok(!collides({ protocol: 'tcp', address: '0.0.0.0', port: 81, inode: '1' }, '', 80));
});
