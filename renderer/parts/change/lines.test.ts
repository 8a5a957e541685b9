import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { FieldChange, HistoryEntry } from '../../../main/contract/changes.js';
import i18n from '../../i18n/index.js';
import { dockerLines, linesOf } from './lines.js';
import { revertible } from './past.js';
import { explainRollback } from './reasons.js';

const { t } = i18n;
const change = (Field: string, From: unknown, To: unknown): FieldChange => ({ Field, From, To });
const words = (one: FieldChange) => linesOf(t, one).map(({ key, from, to }) => [key, from, to]);

test('of variables and labels there is a line for each that is different, and what sounds secret is to be covered', () => {
  const env = change(
    'Config.Env',
    ['MODE=a', 'SAME=1', 'DB_PASSWORD=x'],
    ['MODE=b', 'SAME=1', 'DB_PASSWORD=y', 'NEW='],
  );
  assert.deepEqual(words(env), [
    ['MODE', 'a', 'b'],
    ['DB_PASSWORD', 'x', 'y'],
    ['NEW', undefined, ''],
  ]);
  assert.deepEqual(
    linesOf(t, env).map(({ secret }) => secret),
    [false, true, false],
  );
  const labels = change('Config.Labels', { tier: 'web', token: 'x' }, { token: 'y' });
  assert.deepEqual(words(labels), [
    ['tier', 'web', undefined],
    ['token', 'x', 'y'],
  ]);
  assert.equal(linesOf(t, labels)[1]?.secret, true);
});

test('secrets inside what is shown as one are to be covered', () => {
  const log = (Config: object) => ({ Type: 'splunk', Config });
  const secrets = (one: FieldChange) => linesOf(t, one).map(({ key, secret }) => [key, secret]);
  assert.deepEqual(
    secrets(
      change('HostConfig.LogConfig', { Type: 'json-file', Config: {} }, log({ tag: 'web', 'splunk-token': 's3cret' })),
    ),
    [
      ['Type', false],
      ['Config', true],
    ],
  );
  assert.deepEqual(secrets(change('HostConfig.LogConfig', log({ tag: 'a' }), log({ tag: 'b' }))), [['Config', false]]);
  const mount = { Type: 'volume', VolumeOptions: { DriverConfig: { Options: { password: 'x' } } } };
  assert.deepEqual(secrets(change('HostConfig.Mounts', null, [mount])), [[undefined, true]]);
  const command = change('Config.Cmd', null, ['serve', 'postgres://app:hunter2@db/shop']);
  assert.deepEqual(secrets(command), [[undefined, true]]);
});

test('values are said in the words they are typed in', () => {
  assert.deepEqual(words(change('HostConfig.Memory', 0, 2 ** 29)), [[undefined, 'No limit', '512m']]);
  assert.deepEqual(words(change('HostConfig.NanoCpus', 1.5e9, 0)), [[undefined, '1.5', 'No limit']]);
  assert.deepEqual(words(change('HostConfig.PidsLimit', null, 50)), [[undefined, 'No limit', '50']]);
  assert.deepEqual(words(change('Config.Cmd', ['sh', '-c', 'exit 1'], null)), [
    [undefined, "sh -c 'exit 1'", undefined],
  ]);
  const policy = (Name: string, MaximumRetryCount = 0) => ({ Name, MaximumRetryCount });
  assert.deepEqual(words(change('HostConfig.RestartPolicy', policy('no'), policy('on-failure', 3))), [
    [undefined, 'Never', 'When it fails, 3 times at most'],
  ]);
  assert.deepEqual(
    words(change('Config.Healthcheck', null, { Test: ['CMD-SHELL', 'wget -q localhost'], Interval: 5e9 })),
    [
      ['Test', undefined, 'wget -q localhost'],
      ['Interval', undefined, '5s'],
    ],
  );
  assert.deepEqual(
    words(
      change('Config.Healthcheck', { Test: ['CMD', '/app', '--health'] }, { Test: ['CMD-SHELL', '/app --health'] }),
    ),
    [['Test', '["/app","--health"]', '/app --health']],
  );
});

test('docker has lines for limits, the restart policy and the name, and for nothing else', () => {
  const policy = { Name: 'on-failure', MaximumRetryCount: 3 };
  assert.deepEqual(
    dockerLines('web', [
      change('Name', 'web', 'shop'),
      change('Config.Env', [], ['A=1']),
      change('HostConfig.Memory', 0, 2 ** 29),
      change('HostConfig.CpuShares', 512, 0),
      change('HostConfig.RestartPolicy', null, policy),
    ]),
    {
      lines: ['docker update --memory 512m --restart on-failure:3 web', 'docker rename web shop'],
      whole: false,
    },
  );
  assert.deepEqual(dockerLines('web', [change('Config.User', '', 'app')]), { lines: [], whole: false });
  assert.equal(dockerLines('web', [change('HostConfig.PidsLimit', 5, null)]).whole, true);
});

test('only entries whose configuration is another than now can be gone back to', () => {
  const entry = (Seq: number, Kind: HistoryEntry['Kind'], from?: number, to?: number): HistoryEntry => ({
    ...{ Seq, At: '', Kind },
    ...(from !== undefined && { Changes: [change('HostConfig.Memory', from, to)] }),
  });
  const history = [
    entry(5, 'rolled-back', 1, 9),
    entry(4, 'reverted', 2, 1),
    entry(3, 'changed', 1, 2),
    entry(2, 'started'),
    entry(1, 'changed', 0, 1),
    entry(0, 'created'),
  ];
  assert.deepEqual([...revertible(history)], [3, 0]);
});

test('why a change did not stay is said in words', () => {
  assert.equal(explainRollback(t, 'it ended with exit code 1'), 'it ended with exit code 1.');
  assert.equal(explainRollback(t, 'it ended with exit code 137, for want of memory'), 'it ran out of memory.');
  assert.equal(explainRollback(t, 'it became unhealthy: no answer'), 'its health check failed. no answer');
  assert.equal(explainRollback(t, 'something new'), 'something new');
});

test('of what is mounted there is a line for each place', () => {
  const lines = (Field: string, From: unknown, To: unknown) =>
    linesOf(t, change(Field, From, To)).map(({ key, from, to }) => [key, from, to]);
  assert.deepEqual(lines('HostConfig.Binds', ['/a:/one', 'data:/two'], ['/a:/one:ro', 'data:/two', '/three']), [
    ['/one', '/a', '/a (ro)'],
    ['/three', undefined, '/three'],
  ]);
  assert.deepEqual(lines('HostConfig.VolumesFrom', ['db'], ['db:ro', 'base']), [
    ['db', 'db', 'db:ro'],
    ['base', undefined, 'base'],
  ]);
  const mount = { Type: 'bind', Source: '/c:d', Target: '/e:f', ReadOnly: true };
  assert.deepEqual(lines('HostConfig.Mounts', null, [mount]), [['/e:f', undefined, '/c:d (ro)']]);
  assert.deepEqual(lines('Config.Volumes', { '/data': {} }, null), [['/data', '/data', undefined]]);
});
