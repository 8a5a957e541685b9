import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSummary } from '../../../main/contract/containers.js';
import { filterOf, type StateFilter } from './filter.js';
import { groupsOf, labelsIn, type GroupBy } from './grouping.js';

const container = (name: string, change: Partial<ContainerSummary> = {}): ContainerSummary =>
  ({
    Id: `${name}-id`,
    Names: [`/${name}`],
    Image: 'busybox:test',
    Command: 'sleep 1',
    State: 'running',
    Status: 'Up 2 hours',
    Labels: {},
    NetworkSettings: { Networks: {} },
    HostConfig: { NetworkMode: 'bridge' },
    ...change,
  }) as ContainerSummary;

const project = (name: string) => ({ 'com.docker.compose.project': name });
const all = [
  container('web', { Image: 'nginx:1', Labels: { ...project('shop'), tier: 'front' } }),
  container('api', { Labels: { ...project('shop'), tier: 'back' }, Status: 'Up 2 hours (unhealthy)' }),
  container('mail', { Labels: project('shop'), State: 'exited', Status: 'Exited (1) 2 minutes ago' }),
  container('blog', { Labels: project('Blog'), State: 'paused', Status: 'Up 1 hour (Paused)' }),
  container('lone', {
    State: 'created',
    Status: 'Created',
    NetworkSettings: { Networks: { back: {} } } as unknown as ContainerSummary['NetworkSettings'],
  }),
];
const names = (found: ContainerSummary[]) => found.map(({ Names }) => Names[0]?.slice(1)).join(' ');
const filtered = (text: string, ...states: StateFilter[]) => names(all.filter(filterOf(text, new Set(states))));

test('words are found in name, image, command and id; all have to be', () => {
  assert.equal(filtered('ngin'), 'web');
  assert.equal(filtered('busybox blog'), 'blog');
  assert.equal(filtered('lone-i'), 'lone');
  assert.equal(filtered('nothing'), '');
});

test('a word with a name and a colon is looked for there alone', () => {
  assert.equal(filtered('label:tier'), 'web api');
  assert.equal(filtered('label:tier=back'), 'api');
  assert.equal(filtered('image:nginx'), 'web');
  assert.equal(filtered('network:back'), 'lone');
  assert.equal(filtered('project:shop state:fail'), 'mail');
  assert.equal(filtered('image:'), 'web api mail blog lone');
  assert.equal(filtered('unknown:web'), '');
});

test('of several states one has to be right, beside the words', () => {
  assert.equal(filtered('', 'failed', 'paused'), 'mail blog');
  assert.equal(filtered('', 'unhealthy'), 'api');
  assert.equal(filtered('we', 'running'), 'web');
});

const grouped = (by: GroupBy) =>
  groupsOf(
    all,
    by,
    (a, b) => a.localeCompare(b),
    ({ name, rows, running, worst }) => `${name}: ${names(rows)} (${running}, ${worst})`,
  )?.map(({ label }) => label);

test('groups are sorted by name, say how many run and what is worst; what is in none comes last', () => {
  assert.deepEqual(grouped('project'), [
    'Blog: blog (0, paused)',
    'shop: web api mail (2, failed)',
    'undefined: lone (0, created)',
  ]);
  assert.deepEqual(grouped('label:tier'), [
    'back: api (1, unhealthy)',
    'front: web (1, run)',
    'undefined: mail blog lone (0, failed)',
  ]);
  assert.deepEqual(grouped('network'), ['back: lone (0, created)', 'bridge: web api mail blog (2, failed)']);
});

test('where nothing is in a group there are none', () => {
  assert.equal(grouped('none'), undefined);
  assert.equal(grouped('label:nobody'), undefined);
});

test('labels to group by are those of most containers, without what tools write for themselves', () => {
  assert.deepEqual(labelsIn(all), ['tier']);
});
