import { test } from 'node:test';
import assert from 'node:assert/strict';
import { plainForm, type ContainerForm } from '../form/value.js';
import { changeOf, ofChanged } from './edit.js';

const web: ContainerForm = {
  ...plainForm,
  ...{ image: 'busybox:1', name: 'web', command: 'sleep 9', memory: '256m', restart: 'always' },
  env: [{ key: 'A', value: '1' }],
};
const change = (part: Partial<ContainerForm>) => changeOf(web, { ...web, ...part });

test('only what is said otherwise is asked for, and what is said no more as null', () => {
  assert.equal(change({}), undefined);
  assert.deepEqual(change({ env: [{ key: 'A', value: '2' }] }), { Config: { Env: ['A=2'] } });
  assert.deepEqual(change({ command: '', memory: '' }), { Config: { Cmd: null }, HostConfig: { Memory: null } });
  assert.deepEqual(change({ restart: 'on-failure', retries: '3' }), {
    HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } },
  });
  assert.deepEqual(change({ name: 'shop', image: 'busybox:2' }), { Name: 'shop', Image: 'busybox:2' });
});

test('a name or an image that was cleared stays', () => {
  assert.equal(change({ name: ' ', image: '' }), undefined);
});

test('what was so before is no mistake', () => {
  const problems = [
    { field: 'cpus', level: 'error', word: 'cpus-invalid' },
    { field: 'env.0.key', level: 'error', word: 'env-key' },
  ] as const;
  const after = { ...web, env: [{ key: '', value: '1' }] };
  assert.deepEqual(
    ofChanged([...problems], web, after).map(({ field }) => field),
    ['env.0.key'],
  );
});
