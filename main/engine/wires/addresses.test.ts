import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  contains,
  formatAddress,
  formatSubnet,
  nth,
  overlaps,
  parseAddress,
  parseInterface,
  parseSubnet,
  sizeOf,
} from './addresses.js';

const rewritten = (text: string) => formatAddress(parseAddress(text));

test('addresses of both families are written in one way', () => {
  const written = {
    '172.17.0.2': '172.17.0.2',
    '255.255.255.255': '255.255.255.255',
    '::': '::',
    '::1': '::1',
    'fd00::': 'fd00::',
    'FD00:0:0:1::00A2': 'fd00:0:0:1::a2',
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1', // the first of two runs of the same length
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1', // a single zero is written
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
    '::ffff:10.0.0.1': '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1': '64:ff9b::a00:1',
  };
  for (const [text, expected] of Object.entries(written)) assert.equal(rewritten(text), expected, text);
  for (const text of ['', '1.2.3', '256.1.1.1', '1.2.3.4/8', ':::', 'fe80::1%eth0', 'fd00::g', '1:2:3:4:5:6:7:8:9'])
    assert.throws(() => parseAddress(text), { kind: 'invalid' }, text);
});

test('a network is the bits before its prefix', () => {
  assert.equal(formatSubnet(parseSubnet('172.17.3.4/16')), '172.17.0.0/16');
  assert.equal(formatSubnet(parseSubnet('fd00:1:2:3:4::5/64')), 'fd00:1:2:3::/64');
  assert.equal(formatSubnet(parseSubnet('::/0')), '::/0');
  assert.equal(formatAddress(parseInterface('fd00::5/64').address), 'fd00::5');
  assert.equal(sizeOf(parseSubnet('10.0.0.0/30')), 4n);
  assert.equal(sizeOf(parseSubnet('fd00::/64')), 2n ** 64n);
  for (const text of ['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', 'ten/8'])
    assert.throws(() => parseSubnet(text), { kind: 'invalid' }, text);
});

test('addresses are counted from the first, or back from the last', () => {
  const at = (subnet: string, index: bigint | number) => formatAddress(nth(parseSubnet(subnet), index));
  assert.equal(at('172.17.0.0/16', 1), '172.17.0.1');
  assert.equal(at('172.17.0.0/16', -1), '172.17.255.255');
  assert.equal(at('fd00::/64', 2n ** 63n), 'fd00::8000:0:0:0');
  assert.equal(at('fd00::/64', -1), 'fd00::ffff:ffff:ffff:ffff');
});

test('what is inside of what, family by family', () => {
  const inside = (subnet: string, address: string) => contains(parseSubnet(subnet), parseAddress(address));
  assert.deepEqual([inside('172.17.0.0/16', '172.17.255.255'), inside('172.17.0.0/16', '172.18.0.0')], [true, false]);
  assert.deepEqual([inside('fd00::/64', 'fd00::1'), inside('fd00::/64', 'fd00:0:0:1::1')], [true, false]);
  assert.equal(inside('::/0', '1.2.3.4'), false);
  const meet = (a: string, b: string) => overlaps(parseSubnet(a), parseSubnet(b));
  assert.deepEqual([meet('10.0.0.0/8', '10.9.0.0/16'), meet('10.9.0.0/16', '10.0.0.0/8')], [true, true]);
  assert.deepEqual([meet('10.0.0.0/9', '10.128.0.0/9'), meet('0.0.0.0/0', 'fd00::/8')], [false, false]);
  assert.deepEqual([meet('fd00::/8', 'fd12:3456::/48'), meet('fd00::/64', 'fd00:0:0:1::/64')], [true, false]);
});
