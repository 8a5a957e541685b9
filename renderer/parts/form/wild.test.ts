/** Lines as they stand in READMEs, tutorials and answers: what becomes of them. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { looksLikeRun, readDockerLine } from './line.js';
import { formProblems } from './problems.js';
import { plainForm, type ContainerForm } from './value.js';

type Row = [line: string, form: Partial<ContainerForm>, notices?: string[]];

const port = (host: string, container: string, protocol: 'tcp' | 'udp' = 'tcp', ip = '') => ({
  ip,
  host,
  container,
  protocol,
});
const mount = (source: string, target: string, more: object = {}) => ({
  source,
  target,
  readOnly: false,
  options: '',
  strict: false,
  ...more,
});
const env = (...pairs: string[]) =>
  pairs.map((pair) => ({ key: pair.split('=')[0] ?? '', value: pair.split('=').slice(1).join('=') }));

const ROWS: Row[] = [
  ['docker run hello-world', { image: 'hello-world' }],
  ['docker run -it ubuntu bash', { image: 'ubuntu', interactive: true, tty: true, command: 'bash' }],
  [
    '$ docker run -d -p 80:80 docker/getting-started',
    { image: 'docker/getting-started', detach: true, ports: [port('80', '80')] },
  ],
  [
    'docker run --name some-nginx -v /some/content:/usr/share/nginx/html:ro -d nginx',
    {
      image: 'nginx',
      name: 'some-nginx',
      detach: true,
      mounts: [mount('/some/content', '/usr/share/nginx/html', { readOnly: true })],
    },
  ],
  [
    'docker run --name some-postgres -e POSTGRES_PASSWORD=mysecretpassword -d postgres',
    { image: 'postgres', name: 'some-postgres', detach: true, env: env('POSTGRES_PASSWORD=mysecretpassword') },
  ],
  [
    'docker run -it --rm --network some-network postgres psql -h some-postgres -U postgres',
    {
      image: 'postgres',
      interactive: true,
      tty: true,
      autoRemove: true,
      network: 'some-network',
      command: 'psql -h some-postgres -U postgres',
    },
  ],
  [
    'docker run --name some-mysql -v /my/own/datadir:/var/lib/mysql -e MYSQL_ROOT_PASSWORD=my-secret-pw -d mysql:tag --character-set-server=utf8mb4',
    {
      image: 'mysql:tag',
      name: 'some-mysql',
      detach: true,
      mounts: [mount('/my/own/datadir', '/var/lib/mysql')],
      env: env('MYSQL_ROOT_PASSWORD=my-secret-pw'),
      command: '--character-set-server=utf8mb4',
    },
  ],
  [
    'docker run --name some-redis -d redis redis-server --save 60 1 --loglevel warning',
    { image: 'redis', name: 'some-redis', detach: true, command: 'redis-server --save 60 1 --loglevel warning' },
  ],
  [
    'sudo docker run -d \\\n  --name=plex \\\n  --net=host \\\n  -e PUID=1000 \\\n  -e TZ=Etc/UTC \\\n  -v /path/to/library:/config \\\n  --restart unless-stopped \\\n  lscr.io/linuxserver/plex:latest',
    {
      image: 'lscr.io/linuxserver/plex:latest',
      name: 'plex',
      detach: true,
      network: 'host',
      env: env('PUID=1000', 'TZ=Etc/UTC'),
      mounts: [mount('/path/to/library', '/config')],
      restart: 'unless-stopped',
    },
  ],
  [
    'docker run -d -p 8000:8000 -p 9443:9443 --name portainer --restart=always -v /var/run/docker.sock:/var/run/docker.sock -v portainer_data:/data portainer/portainer-ce:lts',
    {
      image: 'portainer/portainer-ce:lts',
      detach: true,
      name: 'portainer',
      restart: 'always',
      ports: [port('8000', '8000'), port('9443', '9443')],
      mounts: [mount('/var/run/docker.sock', '/var/run/docker.sock'), mount('portainer_data', '/data')],
    },
  ],
  [
    'docker run --rm -v "$(pwd)":/app -w /app node:20 npm test',
    { image: 'node:20', autoRemove: true, mounts: [mount('$(pwd)', '/app')], workdir: '/app', command: 'npm test' },
    ['expands $(pwd)'],
  ],
  [
    'docker run --rm -it -v ${PWD}:/workspace:z -u $(id -u):$(id -g) python:3 python -c "print(\'hi\')"',
    {
      image: 'python:3',
      autoRemove: true,
      interactive: true,
      tty: true,
      mounts: [mount('${PWD}', '/workspace', { options: 'z' })],
      user: '$(id -u):$(id -g)',
      command: `python -c 'print('\\''hi'\\'')'`,
    },
    ['expands ${PWD}', 'expands $(id -u)', 'expands $(id -g)'],
  ],
  [
    'docker run -v ~/.aws:/root/.aws:ro amazon/aws-cli s3 ls',
    { image: 'amazon/aws-cli', mounts: [mount('~/.aws', '/root/.aws', { readOnly: true })], command: 's3 ls' },
    ['expands ~'],
  ],
  [
    'docker run --env-file ./.env -e DEBUG -p127.0.0.1:8080:80/tcp -itd app',
    {
      image: 'app',
      interactive: true,
      tty: true,
      detach: true,
      ports: [port('8080', '80', 'tcp', '127.0.0.1')],
      env: env('DEBUG'),
    },
    ['file --env-file ./.env', 'own-env DEBUG'],
  ],
  [
    'docker run -itp 53:53/udp -eFOO=bar --memory=1g -c 512 dns',
    {
      image: 'dns',
      interactive: true,
      tty: true,
      ports: [port('53', '53', 'udp')],
      env: env('FOO=bar'),
      memory: '1g',
      other: '-c 512',
    },
  ],
  [
    'docker run -p 6881-6889:6881-6889/udp -p 80 x',
    { image: 'x', ports: [port('6881-6889', '6881-6889', 'udp'), port('', '80')] },
  ],
  [
    'docker run -p [::1]:80:80 -p 127.0.0.1::53/udp x',
    { image: 'x', ports: [port('80', '80', 'tcp', '::1'), port('', '53', 'udp', '127.0.0.1')] },
  ],
  [
    'docker run --mount type=bind,source=/etc/app,target=/app,readonly --mount type=volume,src=data,dst=/data --mount type=tmpfs,destination=/run,tmpfs-size=64m x',
    {
      image: 'x',
      mounts: [mount('/etc/app', '/app', { readOnly: true, strict: true }), mount('data', '/data')],
      tmpfs: [{ key: '/run', value: 'size=67108864' }],
    },
  ],
  [
    'docker run --mount type=bind,src=/a,dst=/b,bind-propagation=rslave --gpus all --ipc=host nvidia/cuda:12 nvidia-smi',
    {
      image: 'nvidia/cuda:12',
      other: '--mount type=bind,src=/a,dst=/b,bind-propagation=rslave --gpus all --ipc host',
      command: 'nvidia-smi',
    },
  ],
  [
    'docker run --cap-add=NET_ADMIN --cap-add SYS_MODULE --sysctl net.ipv4.conf.all.src_valid_mark=1 --device /dev/net/tun:/dev/net/tun -d wg',
    {
      image: 'wg',
      detach: true,
      capAdd: 'NET_ADMIN SYS_MODULE',
      sysctls: [{ key: 'net.ipv4.conf.all.src_valid_mark', value: '1' }],
      devices: [{ host: '/dev/net/tun', container: '/dev/net/tun', permissions: '' }],
    },
  ],
  [
    'docker run -d --health-cmd="curl -f http://localhost/ || exit 1" --health-interval=30s --health-retries=3 web',
    {
      image: 'web',
      detach: true,
      health: {
        ...plainForm.health,
        mode: 'command',
        command: 'curl -f http://localhost/ || exit 1',
        interval: '30s',
        retries: '3',
      },
    },
  ],
  [
    'docker run --no-healthcheck --ulimit nofile=65536:65536 --shm-size 2g --pids-limit 100 db',
    {
      image: 'db',
      health: { ...plainForm.health, mode: 'none' },
      ulimits: [{ key: 'nofile', value: '65536:65536' }],
      shm: '2g',
      pids: '100',
    },
  ],
  [
    'docker run --security-opt no-new-privileges:true --security-opt apparmor=unconfined --read-only --tmpfs /tmp app',
    {
      image: 'app',
      noNewPrivileges: true,
      other: '--security-opt apparmor=unconfined',
      readOnly: true,
      tmpfs: [{ key: '/tmp', value: '' }],
    },
  ],
  [
    "docker run --entrypoint sh -it alpine -c 'echo $HOME'",
    { image: 'alpine', entrypoint: 'sh', interactive: true, tty: true, command: `-c 'echo $HOME'` },
  ],
  ['docker run --entrypoint="" app /bin/true', { image: 'app', entrypoint: `''`, command: '/bin/true' }],
  [
    'docker run --rm=false --init=true --log-driver=json-file --log-opt max-size=10m -l team=a --label b app',
    {
      image: 'app',
      init: true,
      logDriver: 'json-file',
      logOptions: [{ key: 'max-size', value: '10m' }],
      labels: env('team=a', 'b'),
    },
  ],
  [
    'podman run --replace --pod mine --userns keep-id -d quay.io/x/y',
    { image: 'quay.io/x/y', detach: true, other: '--userns keep-id' },
    ['unknown --replace', 'unknown --pod mine'],
  ],
  [
    'docker container create --name c --add-host=host.docker.internal:host-gateway --dns 1.1.1.1 --dns 8.8.8.8 app',
    {
      image: 'app',
      name: 'c',
      extraHosts: [{ key: 'host.docker.internal', value: 'host-gateway' }],
      dns: '1.1.1.1 8.8.8.8',
    },
  ],
  [
    'docker run -d --name a app && docker logs -f a',
    { image: 'app', detach: true, name: 'a' },
    ['rest && docker logs -f a'],
  ],
  ['docker run -d app > /dev/null\necho done', { image: 'app', detach: true }, ['rest > /dev/null\necho done']],
  [
    '# start it\ndocker run -d \\\n  # the data\n  -v d:/d \\\n  app',
    { image: 'app', detach: true, mounts: [mount('d', '/d')] },
  ],
  [
    'DOCKER_BUILDKIT=1 docker --context far run --pull=always --platform linux/arm64 -a stdout -q app',
    { image: 'app', pull: 'always', other: '--platform linux/arm64' },
    ['terminal -a stdout', 'terminal -q'],
  ],
  ['docker run -d \\ \n -p 80:80 \\\r\n app', { image: 'app', detach: true, ports: [port('80', '80')] }],
  [
    'docker run --stop-signal SIGINT --stop-timeout=60 --restart=on-failure:5 -h box -- app -x',
    {
      image: 'app',
      stopSignal: 'SIGINT',
      stopTimeout: '60',
      restart: 'on-failure',
      retries: '5',
      hostname: 'box',
      command: '-x',
    },
  ],
  ['docker run -p nonsense -d', { detach: true }, ['value -p nonsense', 'no-image ']],
  [
    'slipway run --link db:db --volumes-from data:ro --group-add audio --expose 9000 app',
    { image: 'app', volumesFrom: 'data:ro', other: '--link db:db --group-add audio --expose 9000' },
  ],
];

for (const [line, form, notices = []] of ROWS)
  test(`from the wild: ${line}`, () => {
    const read = readDockerLine(line);
    assert.deepEqual(read.form, { ...plainForm, ...form });
    assert.deepEqual(read.form && read.notices.map(({ kind, text }) => `${kind} ${text}`), notices);
    assert.equal(looksLikeRun(line), true);
  });

test('what a shell would have filled in is marked where it stands', () => {
  const { form } = readDockerLine('docker run -v $(pwd)/x:/x -v ~/y:/y -w $PWD -u $(id -u) app');
  assert.ok(form);
  assert.deepEqual(
    formProblems(form).map(({ field, word }) => `${field} ${word}`),
    ['mounts.0.source not-expanded', 'mounts.1.source not-expanded', 'workdir not-expanded', 'user not-expanded'],
  );
});

test('what is no such line is left alone', () => {
  for (const text of [
    'docker ps',
    'docker',
    'nginx',
    'docker-compose run web',
    'echo docker run x',
    'docker/run',
    'docker build -t run .',
  ])
    assert.equal(readDockerLine(text).form, undefined, text);
  for (const text of ['nginx', 'docker', 'docker/run:1', 'my docker run image'])
    assert.equal(looksLikeRun(text), false, text);
  assert.deepEqual(readDockerLine('docker run "x'), { problem: 'open-quote' });
  assert.deepEqual(readDockerLine('docker run \\'), { problem: 'trailing-backslash' });
});
