import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Layer, LayerStep } from '../../contract/layers.js';
import type { Glance } from '../containers/index.js';
import type { SnapshotRecord } from '../snapshots/index.js';
import { cleanCommand } from './commands.js';
import { pairsOf } from './pairs.js';
import { containerStack } from './stacks.js';

test('what a builder wrote into the history reads as in a Dockerfile', () => {
  for (const [original, command] of [
    ['/bin/sh -c #(nop)  CMD ["nginx" "-g"]', 'CMD ["nginx" "-g"]'],
    ['/bin/sh -c #(nop) ADD file:0123456789abcdef in / ', 'ADD file:01234567… /'],
    ['/bin/sh -c #(nop) COPY dir:aaaaaaaaaaaaaaaa in /app/x y', 'COPY dir:aaaaaaaa… /app/x y'],
    ['/bin/sh -c apt-get update \t&&  apt-get install -y x', 'RUN apt-get update && apt-get install -y x'],
    ['RUN /bin/sh -c npm ci --omit=dev # buildkit', 'RUN npm ci --omit=dev'],
    ['RUN |2 A=1 B=two words /bin/sh -c make # buildkit', 'RUN make'],
    ["RUN |2 A=1 B='two words' /bin/sh -c make # buildkit", 'RUN make'],
    ['|1 A=1 /bin/sh -c make', 'RUN make'],
    ['RUN /bin/bash -o pipefail -c curl x | sh # buildkit', 'RUN curl x | sh'],
    ['RUN /bin/bash -euxo pipefail -c true # buildkit', 'RUN true'],
    ['COPY dist ./dist # buildkit', 'COPY dist ./dist'],
    ['EXPOSE map[443/tcp:{} 80/tcp:{}]', 'EXPOSE 443/tcp 80/tcp'],
    ['/bin/sh -c #(nop)  EXPOSE 80', 'EXPOSE 80'],
    ['/bin/sh', '/bin/sh'],
    ['sh -c echo hi', 'sh -c echo hi'],
    ['', ''],
  ] as const)
    assert.equal(cleanCommand(original), command);
});

const step = (Command: string, DiffId?: string): LayerStep => ({
  ...{ Command, Original: Command, Comment: '', Created: 0 },
  Layer: DiffId === undefined ? null : ({ DiffId } as Layer),
});

test('steps stand for each other in order: the same content first, then the words that are most alike', () => {
  const before = [
    step('CMD x'),
    step('COPY dist .', 'd1'),
    step('RUN npm ci --omit=dev', 'n1'),
    step('COPY package.json .', 'p1'),
    step('', 'b'),
  ];
  const after = [
    ...[step('CMD x'), step('COPY dist .', 'd2'), step('RUN rm -rf /root/.npm', 'r2'), step('RUN npm ci', 'n2')],
    ...[step('COPY package.json .', 'p1'), step('', 'b')],
  ];
  assert.deepEqual(
    pairsOf(before, after).map(({ Before, After, Same }) => [Before, After, Same]),
    [
      [0, 0, true],
      [1, 1, false],
      [2, 3, false],
      [3, 4, true],
      [4, 5, true],
    ],
  );
  assert.deepEqual(pairsOf([step('RUN a', '1')], [step('ENV b')]), []);
  assert.deepEqual(pairsOf([], [step('x', '1')]), []);
});

test('a container that is a copy of all files stands on the layers of its image, not on the copy of them', () => {
  const records = new Map<string, SnapshotRecord>();
  for (const [chainId, parent] of [
    ['one', null],
    ['two', 'one'],
  ] as const)
    records.set(chainId, { chainId, parent, diffId: `of ${chainId}`, number: records.size, size: 1 });
  const snapshots = { get: (id: string) => records.get(id), lowers: () => ['/two', '/one'] };
  const glance = { name: 'box', image: { id: 'image', chainId: 'two' } } as Glance;
  const stackOf = (lower: string[], driver?: 'vfs') =>
    containerStack(snapshots, glance, { lower, upper: '/own', work: '/work', ...(driver && { driver }) }, undefined);
  const stack = stackOf(['/flat'], 'vfs');
  assert.deepEqual(stack, stackOf(['/two', '/one']));
  assert.deepEqual(
    stack.layers.map(({ directory, record }) => [directory.path, record?.diffId]),
    [
      ['/one', 'of one'],
      ['/two', 'of two'],
      ['/own', undefined],
    ],
  );
});
