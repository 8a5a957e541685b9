import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../base/store.js';
import type { ContainerRecord } from './record.js';
import { Removal } from './removal.js';

test('volumes go with their container although its own files cannot be removed', async () => {
  const gone: string[] = [];
  const nothing = () => undefined;
  const change: Change = { put: nothing, remove: nothing, undo: nothing, urgent: nothing, passing: nothing };
  const options = {
    store: { commit: (build: (change: Change) => void) => Promise.resolve(build(change)) },
    helper: { discard: () => Promise.reject(new Error('input/output error')) },
    images: { release: nothing },
    networks: { release: nothing },
    snapshots: { discard: () => () => Promise.resolve() },
    volumes: {
      release: (_change: Change, _holder: string, goners: string[]) => () => {
        gone.push(...goners);
        return Promise.resolve();
      },
    },
  };
  const ledger = { history: { forget: nothing }, pathsOf: () => ({ directory: '/none' }) };
  const removal = new Removal(options as never, ledger as never, undefined as never);
  const mounts = [{ Type: 'volume', Name: 'data', own: { anonymous: true } }];
  const record = { id: 'a'.repeat(64), image: { id: 'sha256:0' }, mounts } as unknown as ContainerRecord;
  await removal.erase(record, { volumes: true, cleared: () => Promise.resolve(), row: nothing });
  await removal.settled();
  assert.deepEqual(gone, ['data']);
});
