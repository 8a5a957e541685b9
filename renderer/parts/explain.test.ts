import { test } from 'node:test';
import assert from 'node:assert/strict';
import i18n from '../i18n/index.js';
import { explain, explainRun, isOutOfReach, troubleOf } from './explain.js';

const explained = (message: string) => explainRun(i18n.t, new Error(message));

test('a program that the image lacks is named', () => {
  assert.match(
    explained('failed to create task for container: exec: "nope": executable file not found in $PATH: unknown'),
    /no program “nope”/,
  );
});

test('a name that is taken says what to do', () => {
  assert.match(
    explained('Conflict. The container name "/web" is already in use by container "abc". You have to remove …'),
    /named web is already here/,
  );
});

test('what is not known is said as the engine says it', () => {
  assert.equal(explained('the moon is in the way'), 'the moon is in the way');
});

test('a full disk is named by what lies on it, whoever met it first', () => {
  const said = 'write /data/layers/1: No space left on device';
  assert.match(explain(i18n.t, said, '/data'), /disk that holds \/data is full/);
  assert.match(explained(said), /^The disk is full/);
});

test('what does not fit is said with its numbers, in both languages', async () => {
  const files =
    'no space left on device: the image needs about 384 files, 161 more fit on the disk that holds /data: empty the bin, or remove images, containers or volumes that nobody needs, then try again';
  assert.match(explain(i18n.t, files), /holds \/data .*about 384, and 161 more fit\. Empty the bin, or/);
  const many = 'the archive has more than 100000 files and was refused';
  assert.match(explain(i18n.t, many), /more than 100000 files/);
  await i18n.changeLanguage('zh-CN');
  for (const said of [files, many]) assert.match(explain(i18n.t, said), /[\u4e00-\u9fff]/);
  assert.match(explain(i18n.t, files), /清空回收区/);
  await i18n.changeLanguage('en');
});

test('what is wrong with an archive, an image or what was looked at is said in both languages', async () => {
  const troubles: [said: string, shown: RegExp][] = [
    ['a self-check is under way already: wait until it is done', /under way/],
    ['the archive has neither a manifest.json nor an index.json: it was not made by docker save', /holds no image/],
    ['the archive holds no image', /holds no image/],
    ['the archive lacks 1.tar, which its manifest names', /names 1\.tar,/],
    ['the archive is empty', /is empty/],
    ['the volume data is in use by web, db: stop what runs with it, then try again', /in use by web, db\. Stop/],
    ['there is a volume data already: choose another name', /a volume data already/],
    [
      'the volume d stands for the folder /srv/my files of this machine, which is not replaced: …',
      /folder \/srv\/my files of/,
    ],
    ['the volume d is of type tmpfs: it has no files of its own on this disk. …', /type tmpfs/],
    ['the volume d cannot be used now: the volume d is being restored. Wait until …', /done with the volume d\./],
    [
      'remove d: a backup of the volume d is being made: wait until that is done, or cancel it',
      /done with the volume d\./,
    ],
    ['remove d: volume is in use - [0123abcd, 4567]', /volume d is in use/],
    [
      'remove d: volume is kept for what is in the bin: web (0123abcd). Restore it, or delete it there for good',
      /bin: web \(0123abcd\)\. Restore/,
    ],
    ['get d: no such volume', /volume d is not here/],
    ['No such volume: d', /volume d is not here/],
    ['No such volume in the bin: 0123', /not in the bin/],
    [
      'the name "d" is taken by another volume meanwhile: restore it under another name, or remove that one',
      /called d by now/,
    ],
    [
      'the files of volume d are in memory: they are there while a container that has it runs',
      /volume d are in memory/,
    ],
    ['/srv/a\nb is there already', /^\/srv\/a\nb is there already\.$/],
    ['/a was changed by somebody else in the meantime', /\/a was changed by somebody else/],
    ['/a was removed in the meantime', /\/a was removed/],
    ['Could not find the file /a in volume d', /^\/a is not there/],
    ['/srv/a b is not there any more', /^\/srv\/a b is not there any more\.$/],
    ['/srv/a may not be read: permission denied', /^\/srv\/a may not be read: permission denied\.$/],
    ['.dockerignore has a pattern that cannot be read: /^a(b$/', /^\.dockerignore has .*: \/\^a\(b\$\/$/],
    ['The history does not tell how /data was mounted.', /how \/data was mounted\. Attach/],
    ['/a is mounted into the container and cannot be moved or removed from here', /mounted on \/a/],
    ['/a cannot be moved into itself', /into itself/],
    ['/a and /b/c are on different mounts: copy it, then remove it', /^\/a and \/b\/c are/],
    ['backup 0123 is damaged: its archive is not what was written', /0123 is damaged/],
    ['the archive of backup 0123 is not there any more: somebody removed /x', /0123 is not there/],
    ["the archive's entry ../x leads out of the archive", /entry \.\.\/x leads out/],
    ['the archive is damaged at new: Truncated input file', /damaged or no tar/],
    ["the archive's blob sha256:0 has other content and was refused", /contradicts itself/],
    ["the archive's index.json is no index", /contradicts itself/],
    ['the archive is an index within an index, again and again: refused', /contradicts itself/],
    ['the image has 2 layers, but its configuration names 3: refused', /image contradicts itself/],
    ['the manifest is not JSON', /image contradicts itself/],
    ["layer 0123456789ab does not match the image's configuration and was refused: expected a, got b", /0123456789ab/],
    ['the image configuration has 8589934592 bytes: too many (at most 8388608)', /image contradicts itself/],
    ["the layer's entry ../x\n leads out of the layer", /layer of this image is damaged/],
    ['the layer cannot be decompressed: gzip: it ends too early', /layer of this image is damaged/],
    [
      'a b belongs to user 200000, group 5, more than your subordinate ids cover: ask for a longer range',
      /user 200000, which is beyond your range/,
    ],
    ['no matching manifest for linux/amd64 in the manifest list entries', /not made for linux\/amd64\./],
    [
      'hub/chart:1 is no image but an artifact of type a/b+json: nothing runs from it',
      /^hub\/chart:1 .*\(a\/b\+json\)/,
    ],
    ['old:1 is stored in the old format "schema 1", which is no longer supported: push', /old format/],
    [
      'the registry hub:5000 lacks a part of me/app (me/app:1@sha256:0): push the image again',
      /hub:5000 lacks .* me\/app\./,
    ],
    ['image operating system "windows" cannot be used on this platform', /made for windows/],
    ['the comparison is not kept any more', /Look again/],
    ['No such image: shop/api:1', /^shop\/api:1 is not here/],
    ['/etc is a directory, not a file', /^\/etc is not a file/],
    ['nothing differs in /etc', /differs in \/etc/],
  ];
  for (const [said, shown] of troubles) assert.match(explain(i18n.t, said), shown, said);
  await i18n.changeLanguage('zh-CN');
  for (const [said] of troubles) assert.match(explain(i18n.t, said), /[\u4e00-\u9fff]/, said);
  await i18n.changeLanguage('en');
});

test('a registry’s troubles are told apart, in both languages, with what the person knows them by', () => {
  const troubles: [said: string, shown: RegExp][] = [
    ['the registry hub:5000 cut the connection', /hub:5000.*kept/],
    ['the connection ended after 3 of 9 bytes', /cut the connection/],
    [
      'the content does not match its digest and was refused: expected sha256:0123456789abcdef, got sha256:ff',
      /0123456789ab is not what its digest/,
    ],
    [
      'the registry hub:5000 refuses the connection: nothing listens there. Check its address, and that it runs',
      /hub:5000/,
    ],
    ['manifest for hub:5000/debian:nope not found: manifest unknown: manifest unknown', /no hub:5000\/debian:nope:/],
    ['the registry hub:5000 answered with status 502: try again later', /hub:5000.*502/],
    [
      "pull access denied for hub:5000/x, repository does not exist or may require 'docker login': denied",
      /hub:5000\/x/,
    ],
    ['push access denied for hub:5000/x: denied: no. Log in as somebody who may push there', /push to hub:5000\/x\./],
    ['unauthorized: incorrect username or password for hub:5000', /does not accept/],
    [
      'toomanyrequests: the registry hub allows 100 pulls in 6 hours, none is left. It answers again in 11 minutes: wait until then, log in (docker login), or use a mirror (--registry-mirror)',
      /again in 11 minutes\./,
    ],
    [
      'toomanyrequests: the registry hub allows 100 pulls in 6 hours. Wait up to 6 hours, log in',
      /Wait up to 6 hours\./,
    ],
    ['toomanyrequests: slow down. Wait a while, log in (docker login)', /Wait a while/],
    ['the registry hub:5000 wants a client certificate of us, or another one: put it into', /hub:5000 wants/],
    ['the proxy p:3128 lets nobody through to hub:443 (status 403): allow it there', /p:3128.*hub:443/],
    ['the registry hub:5000 sends log-ins to http://x, which is not encrypted: refused', /hub:5000 leads/],
    ['the credential helper docker-credential-pass has not answered for 20 seconds: unlock', /-pass does not answer/],
    ['"no host/x y" is no registry: name it by its host, as in registry.example.com:5000', /“no host\/x y”/],
  ];
  for (const [said, shown] of troubles) {
    assert.match(explain(i18n.t, said), shown);
    assert.match(explain(i18n.getFixedT('zh-CN'), said), /\p{Script=Han}/u);
  }
});

test('a place that is no registry is not called one', () => {
  const troubles: [said: string, shown: RegExp][] = [
    [
      'files.me:80 refuses the connection: nothing listens there. Check its address, and that it runs',
      /^files\.me:80 /,
    ],
    ["files.me cannot be found: no such host. Check the name and this machine's network (DNS)", /^files\.me cannot/],
    ["files.me cannot be reached: no route to host. Check this machine's network", /^files\.me does not answer/],
    ['files.me does not answer (timed out). Check the network, then try again', /^files\.me does not answer/],
    ['files.me has not answered for 15 seconds: check the network, then try again', /^files\.me does not answer/],
    ['files.me cut the connection', /^files\.me cut/],
    ['the certificate of files.me is not trusted (self-signed certificate). If it is', /^The certificate of files\.me/],
    ['files.me wants a client certificate of us, or another one: put it into', /^files\.me wants/],
    ['files.me does not speak HTTPS. If it is yours, name it', /^files\.me does not speak HTTPS/],
  ];
  for (const [said, shown] of troubles) {
    assert.match(explain(i18n.t, said), shown, said);
    assert.match(explain(i18n.getFixedT('zh-CN'), said), /\p{Script=Han}/u);
    assert.doesNotMatch(explain(i18n.t, said), / registry /, said);
  }
});

test('what a registry refuses and why is told apart, so that the way on can be offered', () => {
  const troubles: [said: string, kind: string | undefined][] = [
    ["pull access denied for x, repository does not exist or may require 'docker login': denied: no", 'denied'],
    ['unauthorized: authentication required', 'login'],
    ['no basic auth credentials', 'login'],
    ['unauthorized: incorrect username or password', 'wrongLogin'],
    ['denied: requested access to the resource is denied', 'notYours'],
    ['toomanyrequests: You have reached your pull rate limit.', 'limited'],
    ['the certificate of the registry hub:5000 is not trusted (self-signed certificate)', 'untrusted'],
    ['the moon is in the way', undefined],
  ];
  for (const [said, kind] of troubles) assert.equal(troubleOf(said), kind, said);
  assert.ok(isOutOfReach(troubleOf('the registry hub:5000 refuses the connection: nothing listens there')));
  assert.ok(!isOutOfReach(troubleOf('unauthorized: authentication required')));
});

test('what goes wrong on this machine itself is told in both languages', () => {
  for (const [said, shown] of [
    ['127.0.0.1:5000 is in use: choose another port', /^Another program listens at 127\.0\.0\.1:5000/],
    ["192.0.2.1:5000 is none of this machine's addresses", /^192\.0\.2\.1:5000 is none/],
    ['the connection to the engine at /run/s broke: read ECONNRESET', /^The engine ended before it answered/],
    ['no engine answers at /run/s: is it running?', /^No engine answers/],
    ['[::1]:80 is for root alone: choose a port of 1024 or more', /listen at \[::1\]:80/],
    [
      'the layer 0123456789ab is not here any more as it came: pull or load the image again',
      /^A part of the image is lost/,
    ],
    [
      "the layer 0123456789ab is damaged on this machine's disk and was not used: pull or load the image again",
      /Pull or load/,
    ],
  ] as const) {
    assert.match(explain(i18n.t, said), shown);
    assert.match(explain(i18n.getFixedT('zh-CN'), said), /\p{Script=Han}/u);
  }
});

test('what the disk cannot hold is told with its numbers', () => {
  const bytes =
    'no space left on device: the image needs about 1.2 GB, 300 MB free on the disk that holds /data (64 MB of it are left alone): empty the bin, or remove images, containers or volumes that nobody needs, then try again';
  assert.match(explained(bytes), /holds \/data: it needs about 1\.2 GB, and 300 MB are free \(64 MB of it/);
  const files =
    'no space left on device: the image needs about 5000 files, 12 more fit on the disk that holds /data: empty the bin, or remove images, containers or volumes that nobody needs, then try again';
  assert.match(explained(files), /\/data cannot take so many more files: it needs about 5000, and 12 more fit/);
});
