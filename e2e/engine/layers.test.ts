/** Images layer by layer: what they come to is what a container sees, a container's own layer is what it changed, and how two images differ. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type {
  Comparison,
  Difference,
  DifferenceListing,
  LayerEntry,
  LayerFinds,
  LayerListing,
  LayerStack,
} from '../../main/contract/layers.js';
import { request } from '../fixtures/engine.js';
import { loadLayered, type Step } from '../fixtures/layered.js';
import { everybody, needsRoot, open, type Ground, type Who } from './security/ground.js';

const many = Object.fromEntries(
  Array.from({ length: 10_000 }, (_, index) => [`many/d${index % 50}/f${index}`, `${index}`]),
);
const steps: Step[] = [
  { command: '/bin/sh -c #(nop) ADD file:0123456789abcdef0123 in / ', files: 'busybox' },
  { command: '/bin/sh -c #(nop)  ENV A=1' },
  {
    command: 'RUN |1 V=1 /bin/sh -c make   everything # buildkit',
    files: {
      'app/': { type: 'directory', mode: 0o750, uid: 1000, gid: 2000 },
      'app/text': 'one\ntwo\nthree\n',
      'app/twin': { type: 'link', linkname: 'app/text' },
      'app/su': { mode: 0o4755, uid: 1000 },
      'app/link': { type: 'symlink', linkname: '/etc/passwd' },
      'app/dir/in': 'in',
      'app/was-dir/x': 'x',
      'app/was-file': 'file',
      'app/was-link': { type: 'symlink', linkname: 'text' },
      'app/容器 with spaces': 'u',
      'app/opaque/old': 'old',
      'app/opaque/back': 'back',
      'app/opaque/sub/x': 'x',
      'root/.npm/cache': Buffer.alloc(300_000, 7),
      ...many,
    },
  },
  {
    command: 'RUN /bin/sh -c rm -rf /root/.npm # buildkit',
    files: {
      'root/.wh..npm': '',
      'app/.wh.dir': '',
      'app/was-dir': 'now a file',
      'app/was-file/': { type: 'directory' },
      'app/was-file/x': 'x',
      'app/was-link': 'now a file',
      'app/opaque/': { type: 'directory', mode: 0o700 },
      'app/opaque/.wh..wh..opq': '',
      'app/opaque/back': 'again',
      'app/opaque/sub/y': 'y',
      'app/.wh.never-there': '',
      'many/d1/.wh.f1': '',
    },
  },
  { command: 'CMD ["sh"]' },
];

const grounds: [who: Who, flags: string[], how: string][] = [
  ...everybody.map((who): [Who, string[], string] => [who, [], '']),
  ['root', ['--storage-driver', 'vfs'], ', each container a copy of its image'],
];

for (const [who, flags, how] of grounds)
  describe(`layers, for ${who}${how}`, { skip: needsRoot, timeout: 900_000 }, () => {
    let ground: Ground;
    before(async () => {
      ground = await open(who, flags);
      await loadLayered(ground, 'shop/api:2', steps);
      await loadLayered(ground, 'shop/api:1', steps.slice(0, 3));
    });
    after(() => ground?.[Symbol.asyncDispose]());

    const ask = async <T>(url: string, query: Record<string, string | number> = {}): Promise<T> => {
      const path = `/slipway/${url}?${new URLSearchParams(query as Record<string, string>)}`;
      const { status, body } = await request(ground.socket, 'GET', path);
      const answer = JSON.parse(body.toString()) as T & { message: string };
      if (status !== 200) throw Object.assign(new Error(answer.message), { status });
      return answer;
    };
    const image = 'images/shop/api:2';
    const list = async (
      of: string,
      path: string,
      query: Record<string, string | number> = {},
    ): Promise<LayerEntry[]> => {
      const entries: LayerEntry[] = [];
      for (let from: string | undefined; ;) {
        const page = await ask<LayerListing>(`${of}/layers/files`, {
          path,
          limit: 999,
          ...query,
          ...(from && { from }),
        });
        entries.push(...page.Entries);
        if ((from = page.More) === undefined) return entries;
      }
    };
    const walk = async (of: string, visit: (path: string, entry: LayerEntry) => void, query = {}, path = '/') => {
      for (const entry of await list(of, path, query)) {
        const full = path === '/' ? `/${entry.Name}` : `${path}/${entry.Name}`;
        visit(full, entry);
        if (entry.Kind === 'directory' && entry.Change !== 'deleted') await walk(of, visit, query, full);
      }
    };
    const marks = async (of: string, path: string, query = {}) =>
      (await list(of, path, query)).map(({ Name, Change }) => (Change ? `${Name} ${Change}` : Name));

    test('each step of the history is there, in its words, with what its layer does', async () => {
      const { Steps, Insights, Size, Wasted, Name } = await ask<LayerStack>(`${image}/layers`);
      assert.deepEqual(
        Steps.map(({ Command, Layer }) => [
          Command,
          Layer && [Layer.Number, Layer.Added, Layer.Changed, Layer.Removed],
        ]),
        [
          ['CMD ["sh"]', null],
          ['RUN rm -rf /root/.npm', [3, 3, 2, 7]],
          ['RUN make everything', [2, 10_013, 0, 0]],
          ['ENV A=1', null],
          ['ADD file:01234567… /', [1, Steps[4]!.Layer!.Added, 0, 0]],
        ],
      );
      assert.equal(Steps[2]!.Original, steps[2]!.command);
      assert.equal(Name, 'shop/api:2');
      const { Size: inspected } = await (async () => {
        const { body } = await request(ground.socket, 'GET', '/images/shop/api:2/json');
        return JSON.parse(body.toString()) as { Size: number };
      })();
      assert.equal(Size, inspected);
      assert.equal(Steps[1]!.Layer!.Removes, Wasted - Steps[1]!.Layer!.Replaces);
      assert.deepEqual(Insights[0], {
        Kind: 'frees-nothing',
        Layer: 3,
        Bytes: Steps[1]!.Layer!.Removes,
        Path: '/root/.npm',
      });
      assert.ok(Steps[2]!.Layer!.Wasted > 300_000 && Steps[2]!.Layer!.Wasted === Wasted);
    });

    test('the tree at the top is what a container of it sees', async () => {
      const format = '%F|%s|%a|%u|%g|%Y|%n';
      const said = await ground.says(
        'run',
        '--rm',
        'shop/api:2',
        'sh',
        '-c',
        `find / -xdev -exec stat -c '${format}' {} +`,
      );
      const mounted = /^\/(?:dev|proc|sys|etc\/(?:hosts|hostname|resolv\.conf))?$|^\/(?:dev|proc|sys)\//;
      const seen = said
        .split('\n')
        .map((line) => line.split('|'))
        .filter((fields) => fields.length === 7 && !mounted.test(fields[6] as string));
      const kinds: Record<string, string> = { directory: 'directory', 'symbolic link': 'link' };
      const expected = seen.map(([kind = '', size, mode, uid, gid, time, name]) => {
        const directory = kind === 'directory';
        const changing = name === '/etc'; // the container's own files were put into it
        return [name, kinds[kind] ?? 'file', directory ? '-' : size, mode, uid, gid, changing ? '-' : time].join(' ');
      });
      const found: string[] = [];
      await walk(image, (path, { Kind, Size, Mode, Uid, Gid, Mtime, Change }) => {
        if (Change === 'deleted' || mounted.test(path)) return;
        const time = path === '/etc' ? '-' : Math.floor(Date.parse(Mtime) / 1000);
        found.push([path, Kind, Kind === 'directory' ? '-' : Size, Mode.toString(8), Uid, Gid, time].join(' '));
      });
      assert.ok(found.length > 10_000);
      assert.deepEqual(found.sort(), expected.sort());
    });

    test('at each layer it is as it was then, and what the layer does is marked', async () => {
      assert.deepEqual(await marks(image, '/app', { layer: 3 }), [
        ...['dir deleted', 'link', 'opaque changed', 'su', 'text', 'twin'],
        ...['was-dir changed', 'was-file changed', 'was-link changed', '容器 with spaces'],
      ]);
      assert.deepEqual(await marks(image, '/app/opaque'), ['back changed', 'old deleted', 'sub changed']);
      assert.deepEqual(await marks(image, '/app/opaque/sub'), ['x deleted', 'y added']);
      assert.deepEqual(await marks(image, '/app/opaque', { layer: 2 }), ['back added', 'old added', 'sub added']);
      assert.deepEqual(await marks(image, '/', { layer: 3, changed: 1 }), [
        'app changed',
        'many changed',
        'root changed',
      ]);
      assert.deepEqual(await marks(image, '/many', { layer: 3, changed: 1 }), ['d1 changed']);
      const [before] = await list(image, '/root', { layer: 2 });
      assert.deepEqual([before?.Name, before?.Size, before?.Noise], ['.npm', 300_000, true]);
      const read = async (path: string, layer: number) =>
        request(
          ground.socket,
          'GET',
          `/slipway/${image}/layers/file?${new URLSearchParams({ path, layer: String(layer) })}`,
        );
      assert.equal((await read('/app/opaque/back', 2)).body.toString(), 'back');
      assert.equal((await read('/app/opaque/back', 3)).body.toString(), 'again');
      assert.equal((await read('/root/.npm/cache', 3)).status, 404);
      assert.equal((await read('/root/.npm/cache', 2)).body.length, 300_000);
      assert.equal((await read('/app/link', 3)).status, 409);
    });

    test('a path is found in every layer that has it', async () => {
      const { Found, More } = await ask<LayerFinds>(`${image}/layers/search`, { text: 'opaque/BACK' });
      assert.deepEqual(
        Found.map(({ Path, Layer, Change, Shows }) => [Path, Layer, Change, Shows]),
        [
          ['/app/opaque/back', 3, 'changed', true],
          ['/app/opaque/back', 2, 'added', false],
        ],
      );
      assert.equal(More, false);
      const some = await ask<LayerFinds>(`${image}/layers/search`, { text: 'f1', limit: 20 });
      assert.deepEqual([some.Found.length, some.More], [20, true]);
    });

    test("a container's own layer is on top, live, and is what docker diff says", async () => {
      const script =
        'rm -r /app/dir /app/opaque /app/twin; mkdir -p /app/opaque/new; chmod 600 /app/text; touch /app/su; echo x > /new; cat /many/d2/f2 > /dev/null; rm -r /many/d3; echo up > /app/up; exec sleep 1000';
      await ground.says('run', '-d', '--name', 'own', 'shop/api:1', 'sh', '-c', script);
      try {
        for (;;) if ((await marks('containers/own', '/app')).some((mark) => mark === 'up added')) break;
        const { Steps } = await ask<LayerStack>('containers/own/layers');
        assert.deepEqual(
          Steps.slice(0, 2).map(({ Layer }) => [Layer?.Number, Layer?.Writable]),
          [
            [3, true],
            [2, false],
          ],
        );
        const letters = { added: 'A', changed: 'C', deleted: 'D' };
        const compareWithDiff = async () => {
          const own: string[] = [];
          const note = (path: string, { Change }: LayerEntry) =>
            void (Change && own.push(`${letters[Change]} ${path}`));
          await walk('containers/own', note, { changed: 1 });
          assert.deepEqual(own.sort(), (await ground.says('diff', 'own')).trim().split('\n').sort());
          return own;
        };
        const own = await compareWithDiff();
        assert.ok(own.includes('D /many/d3') && own.includes('A /new') && own.includes('C /app/text'));
        await ground.says('exec', 'own', 'sh', '-c', 'echo later > /later');
        assert.ok((await compareWithDiff()).includes('A /later'));
        await ground.says('stop', '-t', '0', 'own');
        await compareWithDiff();
        const itself = await ask<Comparison>('compare', { before: 'image:shop/api:1', after: 'container:own' });
        assert.ok(itself.All.Removed >= 200 && itself.All.Added >= 3, JSON.stringify(itself.All));
      } finally {
        await ground.run('rm', '-f', 'own');
      }
    });

    test('two images are compared, from each layer to each', async () => {
      const sides = { before: 'image:shop/api:1', after: 'image:shop/api:2' };
      const { Pairs, All, Quiet, Download, Insights, Before, After } = await ask<Comparison>('compare', sides);
      assert.deepEqual(Pairs, [
        { Before: 0, After: 2, Same: true },
        { Before: 1, After: 3, Same: true },
        { Before: 2, After: 4, Same: true },
      ]);
      assert.deepEqual([All.Added, All.Changed, All.Removed], [3, 2, 7]);
      assert.deepEqual([Quiet.Added, Quiet.Changed, Quiet.Removed], [3, 2, 6]);
      assert.equal(All.Net - Quiet.Net, -300_000);
      assert.equal(Download.Layers, 1);
      assert.equal(Before.Steps.length + 2, After.Steps.length);
      assert.equal(Insights[0]?.Kind, 'frees-nothing');
      const differences = async (path: string, query = {}) =>
        (await ask<DifferenceListing>('compare/files', { ...sides, path, ...query })).Entries;
      const words = (entries: Difference[]) => entries.map(({ Name, Change, Net }) => `${Name} ${Change} ${Net}`);
      assert.deepEqual(words(await differences('/')).slice(1), ['many changed -1', 'root changed -300000']);
      assert.deepEqual(words(await differences('/', { quiet: 1 })).length, 2);
      assert.deepEqual(
        (await differences('/app')).map(({ Name, Before: was, After: is }) => [Name, was?.Kind, is?.Kind, is?.Layer]),
        [
          ['dir', 'directory', undefined, undefined],
          ['opaque', 'directory', 'directory', 3],
          ['was-dir', 'directory', 'file', 3],
          ['was-file', 'file', 'directory', 3],
          ['was-link', 'link', 'file', 3],
        ],
      );
      const same = await ask<Comparison>('compare', {
        before: 'image:shop/api:1',
        after: 'image:shop/api:2',
        'after-layer': 2,
      });
      assert.deepEqual(same.All, { Net: 0, Added: 0, Changed: 0, Removed: 0 });
    });

    test('what is not there, or is no path, is refused in words', async () => {
      const refused = (url: string, query: Record<string, string | number>, status: number, words: RegExp) =>
        assert.rejects(ask(url, query), (error: Error & { status: number }) => {
          assert.equal(error.status, status, error.message);
          assert.match(error.message, words);
          return true;
        });
      await refused(`${image}/layers/files`, { layer: 4 }, 404, /has no layer 4: it has 3/);
      await refused(`${image}/layers/files`, { layer: 0 }, 404, /has no layer 0/);
      await refused(`${image}/layers/files`, { layer: 'x' }, 400, /invalid/);
      await refused(`${image}/layers/files`, { path: 'app' }, 400, /absolute/);
      await refused(`${image}/layers/files`, { path: '/app/text' }, 409, /not a directory/);
      await refused(`${image}/layers/files`, { limit: 20_000 }, 400, /limit/);
      for (const path of [
        '/../../../etc/passwd',
        '/app/../../../../etc/passwd',
        '/app/link',
        '/app/link/x',
        '/nothing',
      ])
        await assert.rejects(ask(`${image}/layers/file`, { path }), (error: Error & { status: number }) =>
          [404, 409].includes(error.status),
        );
      await refused(`${image}/layers/search`, {}, 400, /text/);
      await refused('images/no/such:image/layers', {}, 404, /No such image/);
      await refused('containers/nobody/layers', {}, 404, /No such container/);
      await refused('compare', { before: 'shop/api:1', after: 'image:shop/api:2' }, 400, /image:NAME/);
      await loadLayered(ground, 'goes:away', [...steps.slice(0, 1), { command: 'x', files: { only: 'here' } }]);
      await ask('images/goes:away/layers');
      await ground.says('rmi', 'goes:away');
      await refused('images/goes:away/layers/files', { path: '/' }, 404, /No such image/);
    });
  });
