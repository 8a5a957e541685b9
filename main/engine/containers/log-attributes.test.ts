import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logAttributes } from './log-attributes.js';
import type { ContainerRecord } from './record.js';

const attributes = (Config: Record<string, string>) =>
  logAttributes({
    id: 'abcdef0123456789',
    name: 'web',
    image: { id: 'sha256:0123', reference: 'busybox', chainId: '' },
    config: { Labels: { tier: 'front end', team: 'a' }, Env: ['A=b=c', 'B'] },
    hostConfig: { LogConfig: { Type: 'json-file', Config } },
  } as unknown as ContainerRecord);

test('a log line’s details are the labels and variables that the log options name', () => {
  assert.equal(attributes({}), '');
  assert.equal(attributes({ labels: 'tier,nosuch', env: 'A' }), 'A=b%3Dc,tier=front+end');
  assert.equal(attributes({ 'labels-regex': '^te', 'env-regex': 'B' }), 'B=,team=a');
  assert.equal(attributes({ tag: '{{.Name}}/{{.ID}}/{{.Odd}}' }), 'tag=web%2Fabcdef012345%2F%7B%7B.Odd%7D%7D');
  assert.throws(() => attributes({ 'labels-regex': '(' }), { kind: 'invalid' });
});
