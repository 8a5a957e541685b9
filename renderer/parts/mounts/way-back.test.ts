import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../main/client/index.js';
import type { HistoryEntry, HistoryKind } from '../../../main/contract/changes.js';
import type { ContainerMount } from '../../../main/contract/mounts.js';
import { putBack, takeAway } from './way-back.js';

type Asked = Parameters<typeof takeAway>[0];

/** An engine that writes down what it is asked for; `refuses`: what it says to a detach. */
function fake({
  history = [],
  refuses = {},
  rolledBack,
}: {
  history?: [number, HistoryKind][];
  refuses?: Record<string, Error>;
  rolledBack?: string;
}) {
  const asked: string[] = [];
  const slipway = {
    history: async () => history.map(([Seq, Kind]): HistoryEntry => ({ Seq, Kind, At: '' })),
    revert: async (_id: string, seq: number, { restart }: { restart?: boolean } = {}) => {
      asked.push(`revert ${seq} ${restart}`);
      return rolledBack === undefined ? {} : { RolledBack: { Reason: rolledBack } };
    },
    mounts: {
      attach: async (_id: string, wish: object) => void asked.push(`attach ${JSON.stringify(wish)}`),
      detach: async (_id: string, target: string, how: object = {}) => {
        asked.push(`detach ${target} ${JSON.stringify(how)}`);
        if (refuses[target]) throw refuses[target];
      },
    },
  };
  return { asked, client: { slipway } as unknown as Asked };
}

const mount = {
  ...{ Type: 'volume', Name: 'db', Source: '/volumes/db', Destination: '/data', ReadOnly: true },
} as ContainerMount;

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

test('what was detached comes back as it was, without a restart, and it is said when that did not go well', async () => {
  const history: [number, HistoryKind][] = [
    [6, 'exited'],
    [5, 'changed'],
    [4, 'started'],
  ];
  const { asked, client } = fake({ history });
  await putBack(client, 'c', mount, 4);
  assert.deepEqual(asked, ['revert 4 false']);
  await assert.rejects(putBack(fake({ history, rolledBack: 'no' }).client, 'c', mount, 4), /^Error: no$/);
});

test('what others have changed since stays', async () => {
  const { asked, client } = fake({
    history: [
      [6, 'changed'],
      [5, 'changed'],
    ],
  });
  await putBack(client, 'c', mount, 4);
  assert.deepEqual(asked, ['attach {"Type":"volume","Source":"db","Target":"/data","ReadOnly":true}']);
});
