import assert from 'node:assert/strict';
import { test } from 'node:test';
import i18n from '../../i18n/index.js';
import { explainAttach, explainObstacle, takesRestart } from './reasons.js';

test('only what says so is done with a restart', () => {
  assert.ok(takesRestart('a running container takes HostConfig.Binds only with a restart: its runtime runc keeps …'));
  for (const said of [
    'container web is being changed already',
    'container web is paused: unpause it before it is restarted for HostConfig.Binds',
    '/x comes from container base, with all that is mounted there: take that container out of its volumes-from to be rid of it',
  ])
    assert.ok(!takesRestart(said), said);
});

test('what is in the way is said in both languages, whatever the names', async () => {
  const obstacles = [
    'a running container takes HostConfig.Binds only with a restart: something else is mounted on /my\nsite',
    '/my\nsite is mounted inside /srv',
    '/my\nsite shares its mounts with this machine',
    'what is mounted on /my\nsite is not what was mounted there',
  ];
  const attach = [
    'bind source path does not exist: /my\nsite',
    'container web has something mounted on /my\nsite already: detach that first',
    'container web is being changed already',
    'container web is paused: unpause it before it is restarted for HostConfig.Binds',
    'the volume db cannot be used now: it is being filled',
  ];
  await i18n.changeLanguage('zh-CN');
  for (const said of obstacles) assert.match(explainObstacle(i18n.t, said), /[\u4e00-\u9fff]/);
  for (const said of attach) assert.match(explainAttach(i18n.t, said), /[\u4e00-\u9fff]/);
  await i18n.changeLanguage('en');
  assert.equal(explainAttach(i18n.t, 'the moon is in the way'), 'the moon is in the way');
});
