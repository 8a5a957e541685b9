import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspectedPorts, listedPorts, portWishes } from './published-ports.js';

/** As compose says it, over an image that says it in full. */
const config = { ExposedPorts: { '3306': {}, '3306/tcp': {}, '53/UDP': {} } };

test('a port that is exposed twice, with its protocol and without, is one port', () => {
  assert.deepEqual(inspectedPorts(config, []), { '3306/tcp': null, '53/udp': null });
  assert.deepEqual(listedPorts(config, []), [
    { PrivatePort: 3306, Type: 'tcp' },
    { PrivatePort: 53, Type: 'udp' },
  ]);
});

test('publishing every port publishes each once, where it was not published by itself', () => {
  const asked = { PublishAllPorts: true, PortBindings: { '3306/tcp': [{ HostIp: '', HostPort: '3306' }] } };
  assert.deepEqual(portWishes(config, asked), [
    { protocol: 'tcp', port: 3306, address: '', first: 3306, last: 3306 },
    { protocol: 'udp', port: 53, address: '', first: 0, last: 0 },
  ]);
});
