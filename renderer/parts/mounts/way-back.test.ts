import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../main/client/index.js';
import type { FieldChange, HistoryEntry, HistoryKind } from '../../../main/contract/changes.js';
import { takeAway, wayBack } from './way-back.js';

type Asked = Parameters<typeof wayBack>[0];

/** An engine that writes down what it is asked for; `refuses`: what it says to a detach. */
function fake({
  history = [],
  refuses = {},
  now = {},
}: {
  history?: [number, HistoryKind, ...FieldChange[]][];
  refuses?: Record<string, Error>;
  now?: { HostConfig?: object; Config?: object };
}) {
  const asked: string[] = [];
  const slipway = {
    history: async () =>
      history.map(([Seq, Kind, ...Changes]): HistoryEntry => ({ Seq, Kind, At: '', ...(Changes[0] && { Changes }) })),
    mounts: {
      detach: async (_id: string, target: string, how: object = {}) => {
        asked.push(`detach ${target} ${JSON.stringify(how)}`);
        if (refuses[target]) throw refuses[target];
      },
    },
  };
  const containers = { inspect: async () => ({ HostConfig: {}, Config: {}, ...now }) };
  return { asked, client: { slipway, containers } as unknown as Asked };
}

test('what was mounted is taken away by itself, the last first, without a restart', async () => {
  const { asked, client } = fake({});
  assert.equal(await takeAway(client, 'c', ['/a', '/b']), undefined);
  assert.deepEqual(
    asked,
    ['/b', '/a'].map((target) => `detach ${target} {"restart":false}`),
  );
});

test('one that stays keeps none of the others, and what is gone already is no failure', async () => {
  const held = new ApiError('conflict', 'somebody has files open');
  const { asked, client } = fake({ refuses: { '/c': new ApiError('not-found', 'nothing there'), '/b': held } });
  assert.deepEqual(await takeAway(client, 'c', ['/a', '/b', '/c']), { target: '/b', error: held });
  assert.equal(asked.length, 3);
});

test('what was detached comes back with the configuration that was there before', async () => {
  const history: [number, HistoryKind][] = [
    [6, 'exited'],
    [5, 'changed'],
    [4, 'started'],
  ];
  assert.deepEqual(await wayBack(fake({ history }).client, 'c', '/data', 4), { revertTo: 4 });
});

test('what others have changed since stays, and the mount is said as it was', async () => {
  const back = (detached: FieldChange, now: { HostConfig?: object; Config?: object }) => {
    const others: FieldChange = { Field: 'HostConfig.Binds', From: ['a:/a', 'b:/b'], To: ['a:/a'] };
    const { client } = fake({
      history: [
        [6, 'changed', others],
        [5, 'changed', detached],
      ],
      now,
    });
    return wayBack(client, 'c', '/data', 4);
  };
  const bind = { Field: 'HostConfig.Binds', From: ['/srv:/data/:ro,rshared', 'a:/a', 'b:/b'], To: ['a:/a', 'b:/b'] };
  assert.deepEqual(await back(bind, { HostConfig: { Binds: ['a:/a'] } }), {
    change: { HostConfig: { Binds: ['a:/a', '/srv:/data/:ro,rshared'] } },
  });
  const part = { Type: 'volume', Source: 'db', Target: '/data', VolumeOptions: { Subpath: 'part' } };
  const image = { Type: 'image', Source: 'x', Target: '/x' };
  const mounts = { Field: 'HostConfig.Mounts', From: [part, image], To: [image] };
  assert.deepEqual(await back(mounts, { HostConfig: { Binds: ['a:/a'], Mounts: [image] } }), {
    change: { HostConfig: { Mounts: [image, part] } },
  });
  const volumes = { Field: 'Config.Volumes', From: { '/data': {}, '/x': {} }, To: { '/x': {} } };
  assert.deepEqual(await back(volumes, { Config: { Volumes: { '/x': {} } } }), {
    change: { Config: { Volumes: { '/x': {}, '/data': {} } } },
  });
});
