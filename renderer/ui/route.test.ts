import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdLeaving, leave, navigate } from './route.js';

test('what would be lost is asked about before anything else is shown', () => {
  const location = { hash: '#/volumes/data/files' };
  Object.assign(globalThis, { location });
  let goOn: () => void = () => undefined;
  const letGo = holdLeaving((go) => (goOn = go));
  navigate('/volumes/data/files');
  navigate('/volumes/data/backups');
  assert.equal(location.hash, '#/volumes/data/files');
  goOn();
  assert.equal(location.hash, '/volumes/data/backups');
  letGo();
  navigate('/volumes');
  assert.equal(location.hash, '/volumes');
});

test('what was agreed to is not asked about again on the way', () => {
  const location = { hash: '#/volumes/data' };
  Object.assign(globalThis, { location });
  let asked = 0;
  const letGo = holdLeaving((go) => {
    asked += 1;
    go();
  });
  leave(() => navigate('/volumes'));
  assert.deepEqual([location.hash, asked], ['/volumes', 1]);
  letGo();
});
