import { test } from 'node:test';
import assert from 'node:assert/strict';
import { parseMemory, parseTime, sizeText, timeText } from '../sizes.js';
import { parseReference, referenceProblem } from '../reference.js';
import { createBody } from './body.js';
import { dockerLine, readDockerLine } from './line.js';
import { formProblems, questionOf, type FormFacts } from './problems.js';
import { anyForm } from './testing-forms.js';
import { emptyForm, pastedPairs, plainForm, readPairs, type ContainerForm } from './value.js';

const form: ContainerForm = {
  ...emptyForm,
  image: 'localhost:5000/debian:12',
  name: 'box',
  command: `sh -c 'echo hi'`,
  env: [
    { key: 'A', value: 'x y' },
    { key: '', value: '' },
  ],
  memory: '512m',
  cpus: '1.5',
  pids: '100',
};

const words = (wrong: Partial<ContainerForm>, facts: FormFacts = {}) =>
  Object.fromEntries(
    formProblems({ ...emptyForm, image: 'debian', ...wrong }, facts).map(({ field, word }) => [field, word]),
  );

test('the docker line says what the form will do', () => {
  assert.equal(
    dockerLine(form),
    `docker run -it --name box -m 512m --cpus 1.5 --pids-limit 100 -e 'A=x y' localhost:5000/debian:12 sh -c 'echo hi'`,
  );
  assert.equal(
    dockerLine({ ...plainForm, image: 'nginx', detach: true, restart: 'on-failure', retries: '3' }),
    'docker run -d --restart on-failure:3 nginx',
  );
  assert.equal(dockerLine({ ...emptyForm, autoRemove: true }), 'docker run -it --rm IMAGE');
  assert.equal(
    dockerLine({ ...plainForm, image: 'x', entrypoint: 'sh -c', command: `'echo $A'`, other: '--ipc host' }),
    `docker run --ipc host --entrypoint sh x -c 'echo $A'`.replace(
      '--ipc host --entrypoint sh',
      '--entrypoint sh --ipc host',
    ),
  );
});

test('the body carries what was typed in the words and units of the API', () => {
  const { HostConfig, ...config } = createBody({
    ...form,
    entrypoint: 'sh -c',
    ports: [
      { ip: '', host: '8080', container: '80', protocol: 'tcp' },
      { ip: '::1', host: '5000-5001', container: '53-54', protocol: 'udp' },
    ],
    mounts: [
      { source: '/srv', target: '/data', readOnly: true, options: 'z', strict: false },
      { source: '', target: '/cache', readOnly: false, options: '', strict: false },
      { source: '/etc', target: '/e', readOnly: false, options: '', strict: true },
      { source: 'data', target: '/d', readOnly: true, options: '', strict: false, subpath: 'a/b' },
      { source: 'tool:1', target: '/t', readOnly: true, options: '', strict: false, image: true, subpath: 'bin' },
    ],
    volumesFrom: 'db:ro cache',
    tmpfs: [{ key: '/run', value: 'size=1m' }],
    ulimits: [{ key: 'nofile', value: '10:20' }],
    devices: [{ host: '/dev/fuse', container: '', permissions: '' }],
    health: { ...plainForm.health, mode: 'command', command: 'true', interval: '1m30s', retries: '2' },
    other: '--group-add audio --cpu-shares 512 --expose 9000',
  });
  assert.deepEqual(config.Cmd, ['sh', '-c', 'echo hi']);
  assert.deepEqual(config.Entrypoint, ['sh', '-c']);
  assert.deepEqual(config.Env, ['A=x y']);
  assert.deepEqual(config.Volumes, { '/cache': {} });
  assert.deepEqual(config.Healthcheck, { Test: ['CMD-SHELL', 'true'], Interval: 90e9, Retries: 2 });
  assert.deepEqual(Object.keys(config.ExposedPorts ?? {}).sort(), ['53/udp', '54/udp', '80/tcp', '9000/tcp']);
  assert.deepEqual(HostConfig, {
    AutoRemove: false,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    Binds: ['/srv:/data:ro,z'],
    Mounts: [
      { Type: 'bind', Source: '/etc', Target: '/e' },
      { Type: 'volume', Source: 'data', Target: '/d', ReadOnly: true, VolumeOptions: { Subpath: 'a/b' } },
      { Type: 'image', Source: 'tool:1', Target: '/t', ImageOptions: { Subpath: 'bin' } },
    ],
    VolumesFrom: ['db:ro', 'cache'],
    Tmpfs: { '/run': 'size=1m' },
    PortBindings: {
      '80/tcp': [{ HostIp: '', HostPort: '8080' }],
      '53/udp': [{ HostIp: '::1', HostPort: '5000' }],
      '54/udp': [{ HostIp: '::1', HostPort: '5001' }],
    },
    Memory: 512 * 1024 * 1024,
    NanoCpus: 1_500_000_000,
    PidsLimit: 100,
    Devices: [{ PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' }],
    Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
    GroupAdd: ['audio'],
    CpuShares: 512,
  });
});

test('parts are of volumes and images, and volumes come from containers that are there', () => {
  const row = (more: object) => ({ source: '', target: '/x', readOnly: false, options: '', strict: false, ...more });
  const mounts = [
    row({ source: '/srv', target: '/a', subpath: 'x' }),
    row({ source: 'data', target: '/b', subpath: 'x/../..' }),
    row({ source: '', target: '/c', image: true }),
    row({ source: 'Odd Name', target: '/d', image: true, subpath: 'bin' }),
  ];
  const words = (form: Partial<ContainerForm>) =>
    formProblems({ ...plainForm, image: 'x', ...form }, { names: new Map([['data', 'id']]) })
      .filter(({ level }) => level === 'error')
      .map(({ field, word }) => `${field} ${word}`);
  assert.deepEqual(words({ mounts }), [
    'mounts.0.subpath part-of-what',
    'mounts.1.subpath part-inside',
    'mounts.2.source image-missing',
  ]);
  assert.deepEqual(words({ volumesFrom: 'data:ro' }), []);
  assert.deepEqual(words({ volumesFrom: 'data:nocopy' }), ['volumesFrom from-invalid']);
  assert.deepEqual(words({ volumesFrom: 'data cafe1234 gone' }), ['volumesFrom from-unknown']);
});

test('on the host network nothing is published', () => {
  const ports = [{ ip: '', host: '8080', container: '80', protocol: 'tcp' as const }];
  const { HostConfig } = createBody({ ...form, network: 'host', ports });
  assert.equal('PortBindings' in (HostConfig ?? {}), false);
});

test('who holds the input ends it, unless there is a terminal or nobody stays', () => {
  const manner = (part: Partial<ContainerForm>) => {
    const { OpenStdin, StdinOnce, AttachStdin, AttachStdout } = createBody({ ...plainForm, image: 'x', ...part });
    return [OpenStdin, StdinOnce, AttachStdin, AttachStdout];
  };
  assert.deepEqual(manner({ interactive: true }), [true, true, true, true]);
  assert.deepEqual(manner({ interactive: true, tty: true }), [true, false, true, true]);
  assert.deepEqual(manner({ interactive: true, detach: true }), [true, false, false, false]);
});

test('an empty command leaves the image its own', () => {
  assert.equal('Cmd' in createBody({ ...form, command: ' ' }), false);
  assert.deepEqual(createBody({ ...form, entrypoint: `''` }).Entrypoint, ['']);
});

test('sizes and times are read as docker reads them, and written back', () => {
  assert.equal(parseMemory('64m'), 67_108_864);
  assert.equal(parseMemory('1.5g'), 1_610_612_736);
  assert.equal(parseMemory('64MiB'), 67_108_864);
  assert.equal(parseMemory('lots'), undefined);
  assert.deepEqual([2 ** 29, 1000].map(sizeText), ['512m', '1000b']);
  assert.equal(parseTime('1m30s'), 90e9);
  assert.equal(parseTime('500ms'), 5e8);
  assert.equal(parseTime('5'), undefined);
  assert.equal(parseTime('1s x'), undefined);
  assert.deepEqual([90e9, 5e8, 3600e9].map(timeText), ['1m30s', '500ms', '1h']);
});

test('each wrong field is named', () => {
  assert.deepEqual(words({}), {});
  assert.deepEqual(
    words(
      {
        image: 'Debian',
        name: '-x',
        command: `'`,
        memory: '1k',
        cpus: '99',
        pids: '0',
        autoRemove: true,
        restart: 'always',
        env: [{ key: 'A=B', value: '' }],
        workdir: 'app',
        ports: [
          { ip: '1.2.3', host: '1-2', container: '80-82', protocol: 'tcp' },
          { ip: '', host: 'x', container: '', protocol: 'tcp' },
        ],
        mounts: [
          { source: '$(pwd)', target: '/a', readOnly: false, options: '', strict: false },
          { source: './x', target: 'a', readOnly: false, options: '', strict: false },
          { source: 'a b', target: '/a/', readOnly: false, options: '', strict: false },
        ],
        capAdd: 'NET_ADMIN FLY',
        cpuset: '0,9',
        memorySwap: '1',
        dns: '1.1.1.1 there',
        ulimits: [{ key: 'files', value: '9:1' }],
        health: { ...plainForm.health, mode: 'command', interval: 'soon' },
      },
      { cores: 4 },
    ),
    {
      image: 'image-uppercase',
      name: 'name-invalid',
      command: 'open-quote',
      'env.0.key': 'env-key',
      memory: 'memory-small',
      memorySwap: 'swap-small',
      cpus: 'cpus-invalid',
      cpuset: 'cpuset-invalid',
      pids: 'pids-invalid',
      restart: 'restart-autoremove',
      workdir: 'path-absolute',
      'ports.0.ip': 'address-invalid',
      'ports.0.host': 'port-range',
      'ports.1.container': 'port-missing',
      'ports.1.host': 'port-invalid',
      'mounts.0.source': 'not-expanded',
      'mounts.1.source': 'path-relative',
      'mounts.1.target': 'path-absolute',
      'mounts.2.source': 'volume-name',
      'mounts.2.target': 'target-twice',
      capAdd: 'capability-unknown',
      dns: 'address-invalid',
      'ulimits.0.key': 'ulimit-unknown',
      'ulimits.0.value': 'ulimit-invalid',
      'health.command': 'health-missing',
      'health.interval': 'time-invalid',
    },
  );
});

test('what the engine knows of names, ports, paths and volumes is said of the field it is about', () => {
  const mount = (source: string, strict = false) => ({
    source,
    target: `/t${source}`,
    readOnly: false,
    options: '',
    strict,
  });
  const facts: FormFacts = {
    canPublish: true,
    volumes: ['data'],
    imageHere: false,
    check: {
      Name: { Name: 'web', Container: { Id: 'abc', Name: 'web' } },
      Ports: [
        { Ip: '', Port: 80, Protocol: 'tcp', Taken: { Process: { Pid: 7, Name: 'nginx' } }, Next: 81 },
        { Ip: '', Port: 82, Protocol: 'udp', Taken: {} },
        { Ip: '', Port: 83, Protocol: 'tcp', Taken: { Container: { Id: 'x', Name: 'db' } } },
        { Ip: '', Port: 84, Protocol: 'tcp', Taken: null },
      ],
      Paths: [
        { Path: '/none', Kind: 'missing' },
        { Path: '/file', Kind: 'file' },
        { Path: '/there', Kind: 'directory' },
      ],
    },
  };
  const port = (host: string, protocol: 'tcp' | 'udp' = 'tcp') => ({ ip: '', host, container: '1', protocol });
  assert.deepEqual(
    words(
      {
        name: 'web',
        pull: 'never',
        ports: [port('80'), port('82', 'udp'), port('83'), port('84')],
        mounts: [
          mount('/none'),
          { ...mount('/none', true), target: '/u' },
          mount('/file'),
          mount('/there'),
          mount('data'),
          mount('new'),
        ].map((row, at) => ({ ...row, target: `/t${at}` })),
      },
      facts,
    ),
    {
      name: 'name-taken',
      image: 'image-never',
      'ports.0.host': 'port-taken-by',
      'ports.1.host': 'port-taken',
      'ports.2.host': 'port-taken-container',
      'mounts.0.source': 'path-made',
      'mounts.1.source': 'path-missing',
      'mounts.2.source': 'path-file',
      'mounts.5.source': 'volume-new',
    },
  );
  assert.deepEqual(words({ name: 'web2', ports: [port('81')] }, facts), {});
});

test('an engine that cannot publish says so, and the host network is the way out', () => {
  const ports = [{ ip: '', host: '80', container: '80', protocol: 'tcp' as const }];
  assert.deepEqual(words({ ports }, { canPublish: false }), { ports: 'ports-unavailable' });
  assert.deepEqual(words({ ports, network: 'host' }, { canPublish: false }), { ports: 'ports-host' });
});

test('who shares another container’s network has no say in it', () => {
  const shared = { network: 'container:web', hostname: 'x', dns: '1.1.1.1', extraHosts: [{ key: 'a', value: '::1' }] };
  assert.deepEqual(words(shared, { networks: ['host'] }), {
    hostname: 'network-shared',
    dns: 'network-shared',
    extraHosts: 'network-shared',
  });
});

test('the engine is asked about what is on its machine, and only about what makes sense', () => {
  const row = (source: string) => ({ source, target: '/t', readOnly: false, options: '', strict: false });
  const wish = {
    ...plainForm,
    image: 'nginx',
    name: ' web ',
    ports: [
      { ip: '', host: '8000-8001', container: '80-81', protocol: 'tcp' as const },
      { ip: '::1', host: '53', container: '53', protocol: 'udp' as const },
      { ip: '', host: '', container: '9', protocol: 'tcp' as const },
      { ip: 'x', host: '9', container: '9', protocol: 'tcp' as const },
    ],
    mounts: [row('/srv'), row('data'), row('~/x'), row('/srv')],
    devices: [{ host: '/dev/fuse', container: '', permissions: '' }],
  };
  assert.deepEqual(questionOf(wish), {
    Name: 'web',
    Image: 'nginx',
    Ports: [
      { Ip: '', Port: 8000, Protocol: 'tcp' },
      { Ip: '', Port: 8001, Protocol: 'tcp' },
      { Ip: '::1', Port: 53, Protocol: 'udp' },
    ],
    Paths: ['/srv', '/dev/fuse'],
  });
  assert.deepEqual(
    questionOf({ ...wish, network: 'host' })?.Ports?.map(({ Port }) => Port),
    [80, 81, 53, 9],
  );
  assert.equal(questionOf({ ...plainForm, image: 'NOT' }), undefined);
});

test('what gives the machine away is warned of and possible', () => {
  const row = (source: string, readOnly = false) => ({
    source,
    target: `/m${source}`,
    readOnly,
    options: '',
    strict: false,
  });
  const problems = formProblems({
    ...plainForm,
    image: 'x',
    privileged: true,
    mounts: [row('/'), row('/etc', true), row('/home'), row('/var/run/docker.sock'), row('/home/me')],
  });
  assert.deepEqual(
    problems.map(({ field, level, word }) => `${field} ${level} ${word}`),
    [
      'mounts.0.source warning mount-broad',
      'mounts.2.source warning mount-broad',
      'mounts.3.source warning mount-socket',
      'privileged warning privileged',
    ],
  );
});

test('flags without a field are checked where they are typed', () => {
  const wordOf = (other: string) => words({ other })['other'];
  assert.equal(
    wordOf('--ipc host --group-add=audio --mount type=bind,src=/a,dst=/b,bind-propagation=rslave'),
    undefined,
  );
  assert.equal(wordOf('--warp 9'), 'other-unknown');
  assert.equal(wordOf('--memory 1g'), 'other-field');
  assert.equal(wordOf('--cpu-shares lots'), 'other-value');
  assert.equal(wordOf('--ipc'), 'other-value');
  assert.equal(wordOf('--env-file x'), 'other-file');
  assert.equal(wordOf('--security-opt seccomp=/x.json'), 'other-value');
  assert.equal(wordOf('host'), 'other-word');
  assert.equal(wordOf(`--ipc 'host`), 'open-quote');
});

test('pasted lines of variables become rows', () => {
  assert.deepEqual(readPairs('# a\nexport A=1\n\nB="x y"\r\nC=\n-e D=$X'), [
    { key: 'A', value: '1' },
    { key: 'B', value: 'x y' },
    { key: 'C', value: '' },
    { key: 'D', value: '$X' },
  ]);
  assert.equal(readPairs('just words'), undefined);
});

test('a line that is pasted as a value is one, whatever is in it', () => {
  const [a, b] = [
    { key: 'A', value: '1' },
    { key: 'B', value: '2' },
  ];
  assert.deepEqual(pastedPairs('A=1', 'key'), [a]);
  assert.equal(pastedPairs('NAME', 'key'), undefined);
  for (const value of ['sslmode=require', 'A=1\n', '-----BEGIN-----\nMIIB=\n-----END-----'])
    assert.equal(pastedPairs(value, 'value'), undefined, value);
  for (const column of ['key', 'value'] as const) assert.deepEqual(pastedPairs('A=1\nB=2\n', column), [a, b]);
});

test('references are read with docker’s short names', () => {
  assert.deepEqual(parseReference('debian'), {
    registry: 'docker.io',
    repository: 'library/debian',
    tag: 'latest',
    digest: undefined,
  });
  assert.deepEqual(parseReference('localhost:5000/a/b:1.2'), {
    registry: 'localhost:5000',
    repository: 'a/b',
    tag: '1.2',
    digest: undefined,
  });
  assert.equal(parseReference(`ghcr.io/x/y@sha256:${'0'.repeat(64)}`)?.tag, undefined);
  assert.equal(referenceProblem('a b'), 'invalid');
  assert.equal(referenceProblem('https://x/y'), 'invalid');
  assert.equal(referenceProblem(''), 'missing');
});

test('a line is read back as the form it was written from', () => {
  for (let seed = 1; seed <= 3000; seed += 1) {
    const before = anyForm(seed);
    const line = dockerLine(before);
    const read = readDockerLine(line);
    assert.deepEqual(read, { form: before, notices: [] }, line);
  }
});
