import assert from 'node:assert/strict';
import { test } from 'node:test';
import i18n from '../i18n/index.js';
import { conflictOf, explainConflict } from './removal-reason.js';

test('Docker’s reasons for not removing an image are told apart, with whether force would', () => {
  const reasons: [said: string, kind: string, forceable: boolean][] = [
    ['unable to delete aa (cannot be forced) - image is being used by running container bb', 'running', false],
    ['unable to delete aa (must be forced) - image is being used by stopped container bb', 'stopped', true],
    ['unable to delete aa (must be forced) - image is being used by container bb in the bin', 'binned', true],
    ['unable to delete aa (must be forced) - image is referenced in multiple repositories', 'names', true],
    ['unable to delete aa (cannot be forced) - image has dependent child images', 'children', false],
    [
      'unable to remove repository reference "a:1" (must force) - container bb is using its referenced image aa',
      'named',
      true,
    ],
  ];
  for (const [said, kind, forceable] of reasons) {
    assert.deepEqual(conflictOf(`conflict: ${said}`), { kind, forceable }, said);
    assert.match(explainConflict(i18n.getFixedT('zh-CN'), `conflict: ${said}`), /\p{Script=Han}/u);
  }
  assert.equal(explainConflict(i18n.t, 'the moon is in the way'), 'the moon is in the way');
});
