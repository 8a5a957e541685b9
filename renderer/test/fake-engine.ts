import type { ApiRequest, Bridge, BridgeMessage, ConnectionInfo, Theme } from '../../main/contract/bridge.js';
import type { ContainerInspect, ContainerSummary } from '../../main/contract/containers.js';
import type { ImageSummary } from '../../main/contract/images.js';

/** 64 hexadecimal digits, the same ones for the same seed. */
const hex = (seed: number) => {
  let state = seed * 2654435761 + 1;
  return Array.from({ length: 64 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 28).toString(16);
  }).join('');
};
const day = 86_400;
const now = () => Math.floor(Date.now() / 1000);

const image = (seed: number, tags: string[], size: number, age: number): ImageSummary => ({
  Id: `sha256:${hex(seed)}`,
  ParentId: '',
  RepoTags: tags,
  RepoDigests: [],
  Created: now() - age,
  Size: size,
  SharedSize: -1,
  Labels: null,
  Containers: -1,
});

const container = (
  seed: number,
  name: string,
  of: ImageSummary,
  State: ContainerSummary['State'],
  Status: string,
  Command: string,
  more: Partial<ContainerSummary> = {},
): ContainerSummary => ({
  Id: hex(seed + 100),
  Names: [`/${name}`],
  Image: of.RepoTags[0] ?? of.Id,
  ImageID: of.Id,
  Command,
  Created: now() - seed * 3600,
  Ports: [],
  Labels: {},
  State,
  Status,
  HostConfig: { NetworkMode: 'bridge' },
  NetworkSettings: { Networks: {} },
  Mounts: [],
  ...more,
});

/** Just enough of an engine to draw every state of the window. It runs in the page and keeps nothing. */
export class FakeEngine {
  images: ImageSummary[] = [];
  containers: ContainerSummary[] = [];
  connection: ConnectionInfo = { name: 'local', state: 'ready', host: 'unix:///run/user/1000/slipway/docker.sock' };
  copied = '';
  readonly #listeners: ((message: BridgeMessage) => void)[] = [];
  readonly #onConnection: ((info: ConnectionInfo) => void)[] = [];
  readonly #streams = new Map<number, { input(bytes: Uint8Array): void; credit(bytes: number): void; end(): void }>();
  readonly #events = new Set<number>();
  readonly #cancelled = new Set<number>();

  constructor(
    readonly scene: string,
    readonly theme: Theme,
  ) {
    if (scene === 'first' || scene === 'empty') return;
    const [api, node, postgres, debian, redis, loose] = [
      image(1, ['shop/api:2.4.0', 'shop/api:latest'], 219_800_000, 1080),
      image(2, ['node:22-alpine'], 155_000_000, 9 * day),
      image(3, ['postgres:16.4'], 438_000_000, 15 * day),
      image(4, ['debian:12-slim'], 74_800_000, 41 * day),
      image(5, ['redis:7.4'], 117_000_000, 14 * day),
      image(6, [], 41_900_000, 2 * day),
    ] as [ImageSummary, ImageSummary, ImageSummary, ImageSummary, ImageSummary, ImageSummary];
    this.images = [api, node, postgres, debian, redis, loose];
    const bridge = (address: string) =>
      ({
        NetworkSettings: { Networks: { bridge: { IPAddress: address, IPPrefixLen: 16, Gateway: '172.17.0.1' } } },
      }) as unknown as Partial<ContainerSummary>;
    this.containers = [
      container(1, 'api', api, 'running', 'Up 4 minutes (unhealthy)', '"node server.js"', bridge('172.17.0.4')),
      container(2, 'cache', redis, 'running', 'Up 2 hours', '"docker-entrypoint.s…"'),
      container(3, 'db', postgres, 'running', 'Up 2 hours (healthy)', '"docker-entrypoint.s…"'),
      container(4, 'mailer', api, 'exited', 'Exited (1) 3 minutes ago', '"node mailer.js --queue default"'),
      container(5, 'web', node, 'running', 'Up 2 hours (healthy)', '"npm start"', {
        Ports: [{ IP: '0.0.0.0', PrivatePort: 3000, PublicPort: 8080, Type: 'tcp' }],
      }),
      container(6, 'shell', debian, 'running', 'Up 12 seconds', '"bash"', bridge('172.17.0.7')),
      container(7, 'mysql', postgres, 'running', 'Up 12 seconds (health: starting)', '"mysqld"'),
      container(8, 'backup', debian, 'paused', 'Up 1 hour (Paused)', '"sleep infinity"'),
      container(9, 'batch', debian, 'exited', 'Exited (0) 2 days ago', '"true"'),
      container(10, 'looping', debian, 'restarting', 'Restarting (1) 5 seconds ago', '"false"'),
      container(11, 'fresh', debian, 'created', 'Created', '"bash"'),
      container(
        12,
        'a-container-with-a-really-rather-long-name-that-has-to-be-cut',
        debian,
        'exited',
        'Exited (137) 5 weeks ago',
        '"sh -c \'while true; do echo hello; sleep 1; done\'"',
      ),
    ];
    if (scene === 'many')
      for (let at = 0; at < 800; at += 1)
        this.containers.push(container(20 + at, `worker-${at}`, redis, 'running', 'Up 2 hours', '"redis-server"'));
    if (scene === 'starting') this.connection = { ...this.connection, state: 'starting' };
  }

  readonly bridge: Bridge = {
    open: (id, request) => void setTimeout(() => this.#handle(id, request), 5),
    write: (id, bytes) => {
      this.#streams.get(id)?.input(bytes);
      this.#say({ id, type: 'written', bytes: bytes.length });
    },
    end: (id) => this.#streams.get(id)?.end(),
    cancel: (id) => {
      this.#cancelled.add(id);
      this.#streams.delete(id);
      this.#events.delete(id);
    },
    credit: (id, bytes) => this.#streams.get(id)?.credit(bytes),
    on: (listener) => void this.#listeners.push(listener),
    shell: {
      platform: async () => ({
        version: '0.1.0',
        electron: '25.1.1',
        locale: 'en-GB',
        theme: this.theme,
        tray: true,
        person: { uid: 1000, home: '/home/ann' },
        connection: this.connection,
      }),
      onConnection: (listener) => void this.#onConnection.push(listener),
      openExternal: async (url) => void console.info('open', url),
      copyText: async (text) => void (this.copied = text),
      saveText: async (name) => `/home/you/Downloads/${name}`,
      readText: async () => this.copied,
      notify: async (title) => void console.info('notify', title),
      window: async (action) => void console.info('window', action),
      hold: async () => undefined,
      onLeave: () => undefined,
      fonts: async () => ({ han: this.scene !== 'nofont', hint: 'fonts-noto-cjk' }),
      setTheme: async () => undefined,
    },
    files: {
      download: () => undefined,
      pathsOf: () => [],
      pick: async () => [],
      upload: () => false,
      fetch: () => undefined,
      saveImages: () => undefined,
      loadImages: () => false,
      buildImage: () => false,
      saveVolume: () => undefined,
      fillVolume: () => false,
      drag: async () => undefined,
      cancel: () => undefined,
      on: () => undefined,
    },
  };

  setConnection(part: Partial<ConnectionInfo>): void {
    this.connection = { ...this.connection, ...part };
    for (const listener of this.#onConnection) listener(this.connection);
  }

  #say(message: BridgeMessage): void {
    if (this.#cancelled.has(message.id)) return;
    for (const listener of this.#listeners) listener(message);
  }

  #text(id: number, text: string): void {
    this.#say({ id, type: 'data', bytes: new TextEncoder().encode(text) });
  }

  #json(id: number, value: unknown, status = 200): void {
    this.#say({ id, type: 'head', status, headers: {} });
    this.#text(id, JSON.stringify(value));
    this.#say({ id, type: 'end' });
  }

  #event(Type: 'container' | 'image', Action: string, ID: string): void {
    for (const id of this.#events)
      this.#text(
        id,
        `${JSON.stringify({ Type, Action, Actor: { ID, Attributes: {} }, scope: 'local', time: now(), timeNano: 0 })}\n`,
      );
  }

  #handle(id: number, request: ApiRequest & { upgrade?: boolean }): void {
    const { pathname, searchParams } = new URL(request.path, 'http://x');
    const [noun = '', name = '', verb = ''] = pathname.split('/').slice(1).map(decodeURIComponent);
    if (this.connection.state !== 'ready')
      return this.#say({ id, type: 'error', kind: 'unavailable', message: 'the engine is starting' });
    if (pathname === '/events') {
      this.#say({ id, type: 'head', status: 200, headers: {} });
      this.#events.add(id);
    } else if (pathname === '/containers/json') this.#json(id, this.containers);
    else if (pathname === '/volumes') this.#json(id, { Volumes: [], Warnings: null });
    else if (pathname === '/images/json') this.#json(id, this.images);
    else if (pathname === '/version')
      this.#json(id, {
        Platform: { Name: 'Slipway' },
        Version: '0.1.0',
        ApiVersion: '1.47',
        KernelVersion: '6.8.0-45-generic',
      });
    else if (pathname === '/info')
      this.#json(id, {
        NCPU: 8,
        MemTotal: 16_600_000_000,
        KernelVersion: '6.8.0-45-generic',
        Driver: 'overlay2',
        CgroupVersion: '2',
        CgroupDriver: 'cgroupfs',
        DockerRootDir: '/home/ann/.local/share/slipway',
      });
    else if (pathname === '/slipway/features')
      this.#json(id, {
        version: '0.1.0',
        rootless: true,
        host: 'app',
        pid: 1,
        starter: { image: 'slipway/starter:latest', present: false },
        warnings: [
          'Without root there is no bridge network yet: containers get no network unless they use the host’s.',
        ],
      });
    else if (pathname === '/slipway/starter') {
      this.images.push(image(9, ['slipway/starter:latest'], 1_980_000, 0));
      this.#json(id, { Id: `sha256:${hex(9)}`, Reference: 'slipway/starter:latest' });
    } else if (pathname === '/images/create')
      this.#pull(id, `${searchParams.get('fromImage')}:${searchParams.get('tag')}`);
    else if (noun === 'containers') this.#container(id, request, name, verb);
    else if (noun === 'exec') this.#exec(id, name, verb);
    else if (noun === 'images') this.#image(id, request.method, pathname);
    else this.#json(id, { message: `no such path ${pathname}` }, 404);
  }

  #image(id: number, method: string, path: string): void {
    const name = decodeURIComponent(path.slice('/images/'.length).replace(/\/(json|history)$/, ''));
    const found = this.images.find((one) => one.Id === name || one.RepoTags.includes(name));
    if (!found) return this.#json(id, { message: `No such image: ${name}` }, 404);
    if (path.endsWith('/history'))
      return this.#json(id, [
        { Id: '', Created: 0, CreatedBy: 'CMD ["node" "server.js"]', Tags: null, Size: 0, Comment: '' },
        { Id: '', Created: 0, CreatedBy: 'COPY dist ./dist # buildkit', Tags: null, Size: 3_400_000, Comment: '' },
        {
          Id: '',
          Created: 0,
          CreatedBy: '/bin/sh -c npm ci --omit=dev && rm -rf /root/.npm',
          Tags: null,
          Size: 79_000_000,
          Comment: '',
        },
        { Id: '', Created: 0, CreatedBy: 'WORKDIR /app', Tags: null, Size: 0, Comment: '' },
        {
          Id: '',
          Created: 0,
          CreatedBy: '/bin/sh -c #(nop) ADD file:4f5 in / ',
          Tags: null,
          Size: 128_000_000,
          Comment: '',
        },
      ]);
    if (method === 'DELETE') {
      if (this.containers.some(({ ImageID }) => ImageID === found.Id))
        return this.#json(
          id,
          {
            message: `conflict: unable to remove repository reference "${name}" (must force) - container ${hex(101).slice(0, 12)} is using its referenced image`,
          },
          409,
        );
      this.images = this.images.filter((one) => one !== found);
      this.#json(id, [{ Untagged: name }]);
      return this.#event('image', 'delete', found.Id);
    }
    this.#json(id, {
      Id: found.Id,
      RepoTags: found.RepoTags,
      RepoDigests: [`shop/api@sha256:${hex(77)}`],
      Created: new Date(found.Created * 1000).toISOString(),
      Config: {
        Cmd: ['node', 'server.js'],
        Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_VERSION=22.11.0'],
        WorkingDir: '/app',
        User: 'node',
        ExposedPorts: { '3000/tcp': {} },
      },
      Architecture: 'amd64',
      Os: 'linux',
      Size: found.Size,
      RootFS: { Type: 'layers', Layers: ['a', 'b', 'c'] },
    });
  }

  #container(id: number, request: ApiRequest & { upgrade?: boolean }, name: string, verb: string): void {
    if (name === 'create') {
      const body = JSON.parse(String(request.body)) as { Image: string; Cmd?: string[] };
      const of = this.images.find(
        (one) => one.RepoTags.includes(body.Image) || one.RepoTags.includes(`${body.Image}:latest`),
      );
      if (!of) return this.#json(id, { message: `No such image: ${body.Image}` }, 404);
      const added = container(
        0,
        new URL(request.path, 'http://x').searchParams.get('name') ?? 'hopeful_wing',
        of,
        'created',
        'Created',
        `"${(body.Cmd ?? ['sh']).join(' ')}"`,
      );
      added.Id = hex(500 + this.containers.length);
      this.containers = [...this.containers, added];
      this.#json(id, { Id: added.Id, Warnings: [] }, 201);
      return this.#event('container', 'create', added.Id);
    }
    const found = this.containers.find(({ Id }) => Id === name);
    if (!found) return this.#json(id, { message: `No such container: ${name}` }, 404);
    const become = (State: ContainerSummary['State'], Status: string, Action: string, after = 120) =>
      setTimeout(() => {
        Object.assign(found, { State, Status });
        this.#event('container', Action, found.Id);
        this.#json(id, {}, 204);
      }, after);
    if (verb === 'json') this.#json(id, this.#inspect(found));
    else if (verb === 'logs') this.#logs(id, found);
    else if (verb === 'attach') this.#shell(id);
    else if (verb === 'start') become('running', 'Up Less than a second', 'start');
    else if (verb === 'restart') become('running', 'Up Less than a second', 'start', 3000);
    else if (verb === 'stop') become('exited', 'Exited (0) Less than a second ago', 'die', 6000);
    else if (verb === 'kill') become('exited', 'Exited (137) Less than a second ago', 'die');
    else if (verb === 'pause') become('paused', 'Up 1 minute (Paused)', 'pause');
    else if (verb === 'unpause') become('running', 'Up 1 minute', 'unpause');
    else if (verb === 'exec') this.#json(id, { Id: hex(String(request.body).includes('"Tty":true') ? 900 : 901) }, 201);
    else if (verb === 'resize') this.#json(id, {});
    else if (request.method === 'DELETE') {
      this.containers = this.containers.filter((one) => one !== found);
      this.#json(id, {}, 204);
      this.#event('container', 'destroy', found.Id);
    } else this.#json(id, { message: `unknown ${verb}` }, 404);
  }

  #exec(id: number, name: string, verb: string): void {
    if (verb === 'start' && name === hex(901)) {
      this.#say({ id, type: 'head', status: 101, headers: {} });
      this.#say({ id, type: 'end' });
    } else if (verb === 'start') this.#shell(id);
    else if (verb === 'json') this.#json(id, { ExitCode: 0, Running: false });
    else this.#json(id, {});
  }

  #inspect(of: ContainerSummary): ContainerInspect {
    const code = Number(/\((\d+)\)/.exec(of.Status)?.[1] ?? 0);
    const running = of.State === 'running';
    return {
      Id: of.Id,
      Created: new Date(of.Created * 1000).toISOString(),
      Path: of.Command.replace(/"/g, '').split(' ')[0] ?? '',
      Args: of.Command.replace(/"/g, '').split(' ').slice(1),
      State: {
        Status: of.State,
        Running: running,
        Paused: of.State === 'paused',
        Restarting: false,
        OOMKilled: code === 137,
        Dead: false,
        Pid: running ? 4711 : 0,
        ExitCode: code,
        Error: '',
        StartedAt: new Date().toISOString(),
        FinishedAt: running ? '0001-01-01T00:00:00Z' : new Date().toISOString(),
      },
      Image: of.ImageID,
      Name: of.Names[0] ?? '',
      RestartCount: 0,
      Config: {
        Image: of.Image,
        Tty: true,
        OpenStdin: true,
        Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'DB_PASSWORD=hunter2', 'NODE_ENV=production'],
        User: 'node',
        WorkingDir: '/app',
        Labels: { 'org.opencontainers.image.source': 'https://example.org/shop' },
        StopTimeout: 10,
      },
      HostConfig: {
        NetworkMode: 'bridge',
        RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
        Memory: 512 * 1024 * 1024,
        NanoCpus: 1_500_000_000,
        CpuQuota: 0,
        CpuPeriod: 0,
        PidsLimit: null,
        AutoRemove: false,
      },
      NetworkSettings: { Networks: of.NetworkSettings.Networks },
    } as unknown as ContainerInspect;
  }

  #logs(id: number, of: ContainerSummary): void {
    this.#say({ id, type: 'head', status: 200, headers: {} });
    const line = (text: string) => this.#text(id, `${new Date().toISOString()} ${text}\r\n`);
    for (let at = 0; at < 400; at += 1) {
      const level = ['\x1b[32mINFO \x1b[0m', '\x1b[33mWARN \x1b[0m', '\x1b[31mERROR\x1b[0m'][
        at % 17 === 0 ? 2 : at % 7 === 0 ? 1 : 0
      ];
      line(`${level} request ${at} GET /products/${at * 37}?page=${at % 9} \x1b[2m${(at * 13) % 90} ms\x1b[0m`);
    }
    line('a very long line: ' + 'the quick brown fox jumps over the lazy dog '.repeat(6));
    if (of.State !== 'running') this.#say({ id, type: 'end' });
  }

  /** Echoes; `flood` writes ten megabytes under the rule of credits, `exit` ends. */
  #shell(id: number): void {
    let credit = 512 * 1024;
    let line = '';
    let queue: Uint8Array[] = [];
    const pump = () => {
      while (queue[0] && queue[0].length <= credit) {
        const bytes = queue.shift() as Uint8Array;
        credit -= bytes.length;
        this.#say({ id, type: 'data', bytes });
      }
    };
    const print = (text: string) => {
      queue.push(new TextEncoder().encode(text));
      pump();
    };
    const prompt = () => print('\x1b[36m/app\x1b[0m \x1b[90m$\x1b[0m ');
    this.#say({ id, type: 'head', status: 101, headers: {} });
    this.#streams.set(id, {
      input: (bytes) => {
        for (const char of new TextDecoder().decode(bytes)) {
          if (char === '\r') {
            print('\r\n');
            if (line === 'flood') {
              const chunk = new TextEncoder().encode(`${'0123456789abcdef'.repeat(5)}\r\n`.repeat(800));
              queue = Array.from({ length: Math.ceil(10_000_000 / chunk.length) }, () => chunk);
              print('done\r\n');
            } else if (line === 'exit') return this.#say({ id, type: 'end' });
            else if (line === 'ls')
              print(
                '\x1b[34mdist\x1b[0m  \x1b[34mlog\x1b[0m  \x1b[34mnode_modules\x1b[0m  package.json  server.js\r\n',
              );
            else if (line) print(`sh: ${line}: not found · 中文 ✓ https://example.org\r\n`);
            line = '';
            prompt();
          } else if (char === '\x7f') {
            if (line) print('\b \b');
            line = line.slice(0, -1);
          } else {
            line += char;
            print(char);
          }
        }
      },
      credit: (bytes) => {
        credit += bytes;
        pump();
      },
      end: () => this.#say({ id, type: 'end' }),
    });
    prompt();
  }

  #pull(id: number, reference: string): void {
    this.#say({ id, type: 'head', status: 200, headers: {} });
    const line = (value: object) => this.#text(id, `${JSON.stringify(value)}\n`);
    const layers = [8_000_000, 96_000_000, 45_000_000].map((size, index) => ({
      id: hex(40 + index).slice(0, 12),
      size,
      done: 0,
    }));
    line({ status: `Pulling from ${reference}`, id: 'latest' });
    line({ status: 'Already exists', id: hex(39).slice(0, 12) });
    for (const layer of layers) line({ status: 'Pulling fs layer', id: layer.id });
    if (/broken/.test(reference)) {
      line({ errorDetail: { message: `manifest for ${reference} not found: manifest unknown` }, error: 'x' });
      return this.#say({ id, type: 'end' });
    }
    const timer = setInterval(() => {
      if (this.#cancelled.has(id)) return clearInterval(timer);
      const layer = layers.find(({ size, done }) => done < size);
      if (layer) {
        layer.done = Math.min(layer.size, layer.done + 2_300_000);
        line({ status: 'Downloading', id: layer.id, progressDetail: { current: layer.done, total: layer.size } });
        if (layer.done === layer.size) {
          line({ status: 'Download complete', id: layer.id });
          line({ status: 'Pull complete', id: layer.id });
        }
        return;
      }
      clearInterval(timer);
      line({ status: `Digest: sha256:${hex(3)}` });
      line({ status: `Status: Downloaded newer image for ${reference}` });
      this.images = [...this.images, image(60, [reference], 157_000_000, 100)];
      this.#say({ id, type: 'end' });
      this.#event('image', 'pull', reference);
    }, 60);
  }
}
