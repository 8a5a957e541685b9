import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduledOf, type BackupRecord } from './archives.js';

const backup = (Id: string, Created: string, more: Partial<BackupRecord> = {}): BackupRecord => ({
  ...{ Id, Volume: 'data', Created, Size: 1, Compressed: 1, Files: 1, Digest: 'sha256:0', By: 'schedule' },
  ...{ Consistent: true, Note: '', labels: null, ...more },
});

const ids = (records: BackupRecord[]) => scheduledOf(records, 'data', 'once').map(({ Id }) => Id);

test('what the clock had made goes by the order of making, also where the clock was ahead', () => {
  const once = { volumeMade: 'once' };
  const found = ids([
    backup('ahead', '2099-01-01T00:00:00Z', { ...once, turn: 1 }),
    backup('old', '2025-01-01T00:00:00Z'),
    backup('older', '2024-01-01T00:00:00Z'),
    backup('last', '2026-01-02T00:00:00Z', { ...once, turn: 3 }),
    backup('right', '2026-01-01T00:00:00Z', { ...once, turn: 2 }),
  ]);
  assert.deepEqual(found, ['last', 'right', 'ahead', 'old', 'older']);
});

test('backups by hand, of other volumes and of an earlier one of that name are none of it', () => {
  const found = ids([
    backup('its', '2026-01-01T00:00:00Z', { volumeMade: 'once' }),
    backup('hand', '2026-01-01T00:00:00Z', { By: 'hand' }),
    backup('other', '2026-01-01T00:00:00Z', { Volume: 'other' }),
    backup('earlier', '2026-01-01T00:00:00Z', { volumeMade: 'before' }),
    backup('unknown', '2025-01-01T00:00:00Z'),
  ]);
  assert.deepEqual(found, ['its', 'unknown']);
});
