import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, hostOfUrl, isLoopback, servedAs } from './serve.js';

test('an address to serve at has a host and a port', () => {
  assert.deepEqual(addressOf(' 127.0.0.1:5000 '), { host: '127.0.0.1', port: 5000 });
  assert.deepEqual(addressOf('[::1]:0'), { host: '[::1]', port: 0 });
  for (const wrong of ['', '5000', 'host', 'host:', ':5000', 'host:99999', '::1:5000', 'a b:1'])
    assert.equal(addressOf(wrong), undefined, wrong);
});

test('only loopback is this machine alone', () => {
  for (const here of ['127.0.0.1', '127.1.2.3', 'localhost', '[::1]']) assert.ok(isLoopback(here), here);
  for (const outside of ['0.0.0.0', '192.168.1.5', '[::]', 'box.lan']) assert.ok(!isLoopback(outside), outside);
  assert.equal(servedAs('localhost:5000/app:1'), 'localhost-5000/app:1');
  assert.equal(servedAs('shop/api:2'), 'shop/api:2');
  assert.equal(hostOfUrl('http://192.168.1.5:5000/v2/'), '192.168.1.5:5000');
});
