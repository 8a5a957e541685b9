import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../base/store.js';
import { History } from './history.js';
import type { ContainerRecord } from './record.js';

const record = { id: 'c1', created: 'at the beginning' } as ContainerRecord;

/** Rows that outlive a history, and a switch that makes commits fail. */
function place() {
  const rows = new Map<string, unknown>();
  const open = (): History =>
    new History({ rows: <Row>() => new Map(rows) as Map<string, Row>, commit: () => Promise.resolve() });
  const commit = (build: (change: Change) => void, failing = false): void => {
    const reverts: (() => void)[] = [];
    const steps: (() => void)[] = [];
    build({
      put: (_, key, row) => steps.push(() => rows.set(key, JSON.parse(JSON.stringify(row)))),
      remove: (_, key) => steps.push(() => rows.delete(key)),
      undo: (revert) => reverts.unshift(revert),
      urgent: () => undefined,
      passing: () => undefined,
    });
    for (const step of failing ? reverts : steps) step();
  };
  return { rows, open, commit };
}
const kinds = (history: History): string[] => history.list(record).map(({ Kind }) => Kind);

test('what is noted goes along with the next transaction, and is read again in its order', () => {
  const { rows, open, commit } = place();
  const history = open();
  commit((change) => history.put(change, 'c1', { Kind: 'started' }));
  history.note('c1', { Kind: 'health', Health: 'healthy' });
  assert.equal(rows.size, 1);
  commit((change) => history.put(change, 'c1', { Kind: 'exited', ExitCode: 3 }));
  assert.deepEqual(kinds(open()), ['exited', 'health', 'started', 'created']);
  assert.deepEqual(
    open()
      .list(record)
      .map(({ Seq }) => Seq),
    [3, 2, 1, 0],
  );
});

test('what could not be written never was, but for what was only noted', () => {
  const { open, commit } = place();
  const history = open();
  history.note('c1', { Kind: 'oom' });
  commit((change) => history.put(change, 'c1', { Kind: 'exited', ExitCode: 137 }), true);
  assert.deepEqual(kinds(history), ['oom', 'created']);
  commit((change) => history.write(change, 'c1'));
  assert.deepEqual(kinds(open()), ['oom', 'created']);
});

test('lives are forgotten after a hundred entries, changes never', () => {
  const { rows, open, commit } = place();
  const history = open();
  for (let i = 0; i < 130; i++) {
    commit((change) => history.put(change, 'c1', { Kind: 'started' }));
    if (i % 10 === 0) commit((change) => history.put(change, 'c1', { Kind: 'changed', Changes: [] }));
  }
  assert.equal(kinds(open()).filter((kind) => kind === 'started').length, 100);
  assert.equal(kinds(open()).filter((kind) => kind === 'changed').length, 13);
  assert.equal(rows.size, 113);
  commit((change) => history.forget(change, 'c1'));
  assert.deepEqual([rows.size, kinds(history)], [0, ['created']]);
});

test('a start that was not made is taken back, or says why', () => {
  const { open, commit } = place();
  const history = open();
  const start = () => commit((change) => history.put(change, 'c1', { Kind: 'started' }));
  start();
  commit((change) => history.takeBackStart(change, 'c1'));
  assert.deepEqual(kinds(open()), ['created']);
  start();
  commit((change) => history.takeBackStart(change, 'c1', 'no such file'));
  assert.deepEqual(open().list(record)[0]?.Error, 'no such file');
  commit((change) => history.takeBackStart(change, 'c1'));
  assert.deepEqual(kinds(open()), ['start-failed', 'created']);
});
