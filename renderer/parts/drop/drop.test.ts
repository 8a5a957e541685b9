import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FolderFacts } from '../../../main/contract/mounts.js';
import type { DropTarget } from '../../store/drop.js';
import { buildLine, copyLine, importLine, mountLine, volumeLine } from './lines.js';
import { parseReference } from '../reference.js';
import { cleanPath, placesIn } from '../mounts/inside.js';
import { firstPlace, imageNameOf, isVolumeName, mountTargets, volumeNameOf } from './places.js';
import {
  offersFor,
  startsReadOnly,
  stillMeant,
  suggestion,
  warningsOf,
  type Engine,
  type Meant,
  type Way,
} from './ways.js';

const fact = (part: Partial<FolderFacts>): FolderFacts => ({
  ...{ Path: '/home/ann/code/shop', Kind: 'directory', Files: 3, Size: 10, Counted: true },
  ...{ Dockerfile: null, Archive: null, Owner: null, Warnings: [] },
  ...part,
});
const folder = fact({});
const file = fact({ Path: '/home/ann/a.txt', Kind: 'file' });
const images = fact({ Path: '/home/ann/images.tar', Kind: 'file', Archive: 'images' });
const tar = fact({ Path: '/home/ann/db.tar.gz', Kind: 'file', Archive: 'tar' });
const engine = (...can: string[]): Engine => ({
  ...{ can: (what) => can.includes(what), containers: true, replaceable: (name) => name !== 'memory' },
});
const whole = engine('live-mounts', 'volumes', 'volume-backups');
const container: DropTarget = { kind: 'container', id: 'c' };

const ways = (target: DropTarget, facts: FolderFacts[], of = whole) =>
  offersFor(target, facts, of).map(({ way }) => way);
const first = (target: DropTarget, facts: FolderFacts[], of = whole) => {
  const chosen = suggestion(target, facts, offersFor(target, facts, of));
  return chosen && [chosen.way, chosen.reason];
};

test('each target has its ways and one that is suggested', () => {
  const cases: [DropTarget, FolderFacts[], Way, string][] = [
    [container, [folder], 'mount', 'live'],
    [container, [folder, file], 'mount', 'live'],
    [container, [images], 'import', 'archive'],
    [container, [tar], 'mount', 'live'],
    [{ ...container, path: '/srv' }, [folder], 'copy', 'tree'],
    [{ kind: 'image', reference: 'node' }, [folder], 'run', 'image'],
    [{ kind: 'volumes' }, [folder], 'volume', 'volume'],
    [{ kind: 'volumes' }, [tar], 'restore', 'archive'],
    [{ kind: 'volume', name: 'data' }, [tar], 'volume', 'volume'],
    [{ kind: 'nothing' }, [folder], 'run', 'space'],
    [{ kind: 'nothing' }, [images], 'import', 'archive'],
    [{ kind: 'nothing' }, [tar], 'restore', 'archive'],
    [{ kind: 'nothing' }, [images, folder], 'run', 'space'],
  ];
  for (const [target, facts, way, reason] of cases)
    assert.deepEqual(first(target, facts), [way, reason], `${JSON.stringify(target)} ${facts.map(({ Path }) => Path)}`);
  assert.deepEqual(ways(container, [folder]), ['mount', 'copy', 'volume', 'import']);
});

test('what the engine cannot do is not offered', () => {
  const bare = engine();
  assert.deepEqual(ways(container, [folder], bare), ['copy', 'import']);
  assert.deepEqual(first(container, [folder], bare), ['copy', 'only']);
  assert.deepEqual(ways({ kind: 'nothing' }, [folder], bare), ['run', 'import']);
  assert.deepEqual(ways({ kind: 'nothing' }, [folder], { ...whole, containers: false }), [
    ...(['run', 'volume', 'import', 'restore'] as const),
  ]);
});

test('a way that is closed says why', () => {
  const closed = (target: DropTarget, ...facts: FolderFacts[]) =>
    Object.fromEntries(offersFor(target, facts, whole).map(({ way, closed }) => [way, closed]));
  assert.deepEqual(closed(container, folder), {
    mount: undefined,
    copy: undefined,
    volume: undefined,
    import: 'no-archive',
  });
  const socket = fact({ Path: '/run/docker.sock', Kind: 'socket' });
  assert.deepEqual(closed(container, socket), {
    mount: undefined,
    copy: 'special',
    volume: 'special',
    import: 'no-archive',
  });
  assert.deepEqual(new Set(Object.values(closed(container, folder, fact({ Kind: 'missing' })))), new Set(['gone']));
  assert.deepEqual(new Set(Object.values(closed(container, fact({ Kind: 'unreadable' })))), new Set(['unreadable']));
  assert.equal(closed(container, fact({ Path: '/' }))['copy'], 'root');
  assert.equal(closed({ kind: 'volumes' }, tar, images)['restore'], 'several');
  assert.equal(closed(container, folder, fact({ Path: '/other/shop' }))['mount'], 'same-name');
  assert.equal(first(container, [fact({ Kind: 'missing' })]), undefined);
  assert.equal(closed({ kind: 'volume', name: 'data' }, tar)['restore'], undefined);
  assert.deepEqual(closed({ kind: 'volume', name: 'memory' }, tar), { volume: undefined, restore: 'not-whole' });
});

test('what gives a lot away begins read-only', () => {
  assert.equal(startsReadOnly([folder, fact({ Warnings: ['home'] })]), true);
  // A socket is connected to, not written to.
  assert.equal(startsReadOnly([fact({ Warnings: ['socket'] })]), false);
  assert.equal(startsReadOnly([folder]), false);
});

test('an Enter from before the engine has told counts only where nothing is new, and there is nothing to be warned of', () => {
  const meant: Meant = { way: 'mount', path: '/srv', readOnly: false, volume: '' };
  assert.equal(stillMeant(meant, meant, [folder]), true);
  for (const Warnings of [['home'], ['socket'], ['secrets']] as const)
    for (const way of ['mount', 'run'] as const)
      assert.equal(stillMeant({ ...meant, way }, { ...meant, way }, [fact({ Warnings: [...Warnings] })]), false, way);
  const copied: Meant = { ...meant, way: 'copy' };
  assert.equal(stillMeant(copied, copied, [fact({ Warnings: ['home'] })]), true);
  for (const other of [{ way: 'restore' }, { path: '/mnt' }, { readOnly: true }, { volume: 'db' }] as const)
    assert.equal(stillMeant(meant, { ...meant, ...other }, [folder]), false, JSON.stringify(other));
});

test('the path begins with what the image says, and one folder is that directory itself', () => {
  const node = { workdir: '/app', volumes: ['/data', '/app'] };
  assert.deepEqual(placesIn({ ...node, dropped: '/srv' }), [
    { path: '/srv', why: 'dropped' },
    { path: '/data', why: 'volume' },
    { path: '/app', why: 'volume' },
  ]);
  assert.equal(firstPlace('mount', [folder], node), '/app');
  assert.equal(firstPlace('mount', [file], node), '/mnt/a.txt');
  assert.equal(firstPlace('mount', [folder], { workdir: '/', volumes: [] }), '/mnt/shop');
  assert.equal(firstPlace('mount', [folder], { ...node, dropped: '/srv' }), '/srv/shop');
  assert.equal(firstPlace('mount', [folder, file], { ...node, dropped: '/srv' }), '/srv');
  assert.equal(firstPlace('mount', [folder], { ...node, taken: ['/app'] }), '/mnt/shop');
  assert.equal(firstPlace('run', [folder], node), '/data');
  const socket = fact({ Path: '/run/docker.sock', Kind: 'socket' });
  assert.equal(firstPlace('mount', [socket], node), '/run/docker.sock');
  assert.equal(firstPlace('copy', [folder], node), '/app');
  assert.equal(firstPlace('copy', [folder], { ...node, dropped: '/srv' }), '/srv');
  assert.equal(firstPlace('mount', [fact({ Path: '/home/ann/my shop\n店' })], { volumes: [] }), '/mnt/my-shop-店');
  assert.deepEqual(mountTargets([folder], '/app'), ['/app']);
  assert.deepEqual(mountTargets([folder, file], '/app/'), ['/app/shop', '/app/a.txt']);
  assert.deepEqual(['/a/../b//c/.', '/..', 'a'].map(cleanPath), ['/b/c', '/', undefined]);
});

test('a volume is called after its folder', () => {
  assert.equal(volumeNameOf('/home/ann/Größe der Welt/'), 'gro-e-der-welt');
  assert.equal(volumeNameOf('/home/ann/db.tar.gz'), 'db');
  for (const path of ['/home/ann/数据', '/home/ann/x', '/', '/home/ann/.tar']) assert.equal(volumeNameOf(path), 'data');
  assert.ok(isVolumeName('a1'));
  for (const name of ['', 'a', '-a', 'a b', 'a/b']) assert.ok(!isVolumeName(name), name);
});

test('the docker line does the same, whatever the names', () => {
  const odd = fact({ Path: "/home/ann/it's here" });
  assert.equal(mountLine([folder], '/app', true, 'node:22'), 'docker run -it -v /home/ann/code/shop:/app:ro node:22');
  assert.equal(
    mountLine([folder], '/app', false, 'node:22', ['/app/node_modules']),
    'docker run -it -v /home/ann/code/shop:/app -v /app/node_modules node:22',
  );
  assert.equal(
    mountLine([fact({ Path: '/a:b' })], '/x', false, 'i'),
    'docker run -it --mount type=bind,source=/a:b,target=/x i',
  );
  assert.equal(copyLine([odd], 'web', '/srv', false, false), `docker cp '/home/ann/it'\\''s here' web:/srv`);
  assert.equal(copyLine([folder], 'web', '/srv', true, true), 'docker cp -a /home/ann/code/shop/. web:/srv');
  assert.equal(
    volumeLine([folder], 'data', true),
    'docker run --rm -v data:/volume -v /home/ann/code/shop:/from/shop:ro busybox cp -a /from/shop/. /volume/',
  );
  assert.equal(importLine([images, tar]), 'docker load -i /home/ann/images.tar\ndocker import /home/ann/db.tar.gz db');
});

test('a folder with a Dockerfile can be built where the engine builds, alone; on empty space that is suggested', () => {
  const shop = fact({ Dockerfile: 'Containerfile' });
  const builds = engine('live-mounts', 'volumes', 'volume-backups', 'build');
  const nothing: DropTarget = { kind: 'nothing' };
  assert.deepEqual(first(nothing, [shop], builds), ['build', 'dockerfile']);
  assert.deepEqual(first(nothing, [shop], whole), ['run', 'space']);
  assert.deepEqual(first(container, [shop], builds), ['mount', 'live']);
  assert.ok(ways(container, [shop], builds).includes('build'));
  for (const [target, facts] of [
    [nothing, [folder]],
    [{ kind: 'volumes' }, [shop]],
  ] as [DropTarget, FolderFacts[]][])
    assert.ok(!ways(target, facts, builds).includes('build'));
  const both = offersFor(nothing, [shop, folder], builds).find(({ way }) => way === 'build');
  assert.equal(both?.closed, 'same-name');
  const two = offersFor(nothing, [shop, file], builds).find(({ way }) => way === 'build');
  assert.equal(two?.closed, 'several-folders');
  assert.equal(first(nothing, [shop, file], builds)?.[0], 'run');
  assert.deepEqual(warningsOf('build', [fact({ Warnings: ['system', 'secrets'] })]), ['secrets']);
});

test('an image that is built is named after its folder, and the line builds the same', () => {
  const cases = [
    ['/home/ann/code/shop', 'shop'],
    ['/home/ann/My Shop (2)', 'my-shop-2'],
    ['/home/ann/shop__api._x', 'shop__api-x'],
    ['/home/ann/水', 'image'],
    ['/home/ann/.config-', 'config'],
    [`/home/ann/${'ab-'.repeat(60)}`, undefined],
  ] as const;
  for (const [folder, expected] of cases) {
    const name = imageNameOf(folder);
    assert.ok(parseReference(name), name);
    if (expected !== undefined) assert.equal(name, expected);
  }
  assert.equal(
    buildLine('/home/ann/my shop', 'Dockerfile', 'shop:dev'),
    "docker build -t shop:dev '/home/ann/my shop'",
  );
  assert.equal(buildLine('/a', 'Containerfile', 'shop:dev'), 'docker build -t shop:dev -f /a/Containerfile /a');
});
