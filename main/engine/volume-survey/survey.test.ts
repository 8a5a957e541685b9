import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { VolumeAbout } from '../volumes/index.js';
import { VolumeSurvey, type VolumeSurveyOptions } from './index.js';

async function place(
  t: TestContext,
  more: Partial<VolumeAbout> = {},
  options: Partial<VolumeSurveyOptions> = {},
  recall: VolumeSurveyOptions['volumes']['recall'] = () => Promise.resolve({ bytes: 7, at: 2000, newest: 1000 }),
) {
  const Mountpoint = await mkdtemp(join(tmpdir(), 'slipway-survey-'));
  t.after(() => rm(Mountpoint, { recursive: true }));
  const about: VolumeAbout = {
    ...{ Name: 'data', CreatedAt: '2026-01-02T03:04:05Z', Driver: 'local', Labels: null, Options: null },
    ...{ Mountpoint, Scope: 'local', kind: 'local', anonymous: false, createdBy: undefined, device: undefined },
    ...more,
  };
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  return new VolumeSurvey({
    volumes: {
      list: () => [about],
      about: () => about,
      recall,
    },
    containers: { volumeUsers: () => new Map() },
    usage: { counting: false },
    helper: { hello: { uidMap: [[0, uid, 1]], gidMap: [[5, gid, 1]] } },
    backups: { countOf: () => 0, scheduleOf: () => null },
    ...options,
  });
}

test('what an older engine wrote down of a volume is shown with what is not known left open', async (t) => {
  const survey = await place(t);
  const { CreatedBy, Size, At, LastWrite, Owner, Backups, Schedule } = await survey.inspect('data');
  assert.deepEqual(
    { CreatedBy, Size, At, LastWrite, Backups, Schedule },
    {
      ...{ CreatedBy: null, Size: 7, At: '1970-01-01T00:00:02.000Z', LastWrite: '1970-01-01T00:00:01.000Z' },
      ...{ Backups: 0, Schedule: null },
    },
  );
  assert.deepEqual(Owner?.Inside, { Uid: 0, Gid: 5 });
});

test('a directory of this machine is not counted, and shown where it is, or is not', async (t) => {
  const survey = await place(t, { kind: 'folder', device: '/not/here' });
  const { Mountpoint, Size, At, LastWrite, Owner } = await survey.inspect('data');
  assert.deepEqual([Mountpoint, Size, At, LastWrite, Owner], ['/not/here', null, null, null, null]);
});

test('nobody waits for what takes its time to be counted', async (t) => {
  let patience: number | undefined;
  const survey = await place(t, {}, {}, (_, ms) => Promise.resolve(void (patience = ms)));
  const { Size, At, LastWrite } = await survey.inspect('data');
  assert.deepEqual([Size, At, LastWrite], [null, null, null]);
  assert.ok((patience ?? Infinity) <= 100);
});

test('who makes copies of volumes is asked how many there are', async (t) => {
  const schedule = { Every: 24, Keep: 7, Pause: false };
  const survey = await place(t, {}, { backups: { countOf: () => 3, scheduleOf: () => schedule } });
  const [{ Backups, Schedule } = {}] = (await survey.list()).Volumes;
  assert.deepEqual([Backups, Schedule], [3, schedule]);
});
