/** For tests: forms of every kind. */
import { joinCommand } from '../command-line.js';
import { plainForm, type ContainerForm } from './value.js';

/** The same numbers for the same seed. */
function dice(seed: number): <Value>(...from: Value[]) => Value {
  let state = seed * 2654435761 + 1;
  return (...from) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return from[Math.floor((state / 2 ** 32) * from.length)] as never;
  };
}

/** Some form or other: each seed has its own. */
export function anyForm(seed: number): ContainerForm {
  const pick = dice(seed);
  const some = <Row>(row: () => Row): Row[] => Array.from({ length: pick(0, 0, 1, 2, 3) }, row);
  const word = () => pick('a', 'B-1', 'x y', `it's`, '$HOME', '"q"', 'ü', '-n', 'a=b', '#1', '*', '\\');
  const value = () => pick('', 'x', 'two words', `'`, '"', '$A `b`', 'a=b=c', '中', ' lead', '\\n', '&&', '~');
  const key = () => pick('A', 'b.c', 'X_1', 'long-name');
  const pairs = () => some(() => ({ key: key(), value: value() }));
  const command = joinCommand(some(word));
  return {
    ...plainForm,
    image: pick('nginx', 'localhost:5000/a/b:1', 'ghcr.io/x/y@sha256:' + '0'.repeat(64)),
    name: pick('', 'web'),
    pull: pick('missing', 'always', 'never'),
    command,
    entrypoint: pick('', 'sh', `''`, `'a b'`),
    workdir: pick('', '/srv', '/a b'),
    user: pick('', '1000:1000'),
    hostname: pick('', 'here'),
    env: pairs(),
    labels: pairs(),
    interactive: pick(true, false),
    tty: pick(true, false),
    detach: pick(true, false),
    autoRemove: pick(true, false),
    ...pick<Partial<ContainerForm>>(
      {},
      { restart: 'always' },
      { restart: 'on-failure' },
      { restart: 'on-failure', retries: '3' },
    ),
    ports: some(() => ({
      ip: pick('', '127.0.0.1', '::1'),
      host: pick('', '8080', '8000-8001'),
      container: pick('80', '90-91'),
      protocol: pick('tcp', 'udp', 'sctp'),
    })),
    mounts: [
      ...some(() => ({
        source: pick('/srv', 'data', '/a b', '$(pwd)/x', '~/x'),
        target: pick('/data', '/b c'),
        readOnly: pick(true, false),
        options: pick('', 'z', 'rshared,Z'),
        strict: false,
      })),
      ...some(() => ({ source: '', target: '/anonymous', readOnly: false, options: '', strict: false })),
      ...some(() => ({
        source: pick('/srv', '/with,comma', '/with"quote'),
        target: '/t',
        readOnly: pick(true, false),
        options: '',
        strict: true,
      })),
      ...some(() => ({
        source: pick('data', 'other'),
        target: '/part',
        readOnly: pick(true, false),
        options: '',
        strict: true,
        subpath: pick('sub', 'with,comma/deep'),
      })),
      ...some(() => ({
        source: pick('busybox', 'reg:5000/a/b:1'),
        target: '/image',
        readOnly: true,
        options: '',
        strict: true,
        image: true,
        ...pick({}, { subpath: 'bin' }),
      })),
    ],
    volumesFrom: pick('', 'web', 'web:ro cache'),
    tmpfs: some(() => ({ key: pick('/run', '/tmp'), value: pick('', 'size=1m,mode=1777') })),
    network: pick('', 'host', 'none', 'container:web'),
    dns: pick('', '1.1.1.1', '1.1.1.1 ::1'),
    extraHosts: some(() => ({ key: 'db', value: pick('10.0.0.1', 'host-gateway', '::1') })),
    memory: pick('', '512m'),
    memorySwap: pick('', '-1', '1g'),
    cpus: pick('', '0.5'),
    cpuset: pick('', '0-1,3'),
    pids: pick('', '-1', '100'),
    shm: pick('', '1g'),
    capAdd: pick('', 'NET_ADMIN SYS_TIME'),
    capDrop: pick('', 'ALL'),
    privileged: pick(true, false),
    readOnly: pick(true, false),
    noNewPrivileges: pick(true, false),
    init: pick(true, false),
    devices: some(() =>
      pick(
        { host: '/dev/fuse', container: '', permissions: '' },
        { host: '/dev/fuse', container: '/dev/x', permissions: 'r' },
        { host: '/dev/fuse', container: '', permissions: 'rw' },
      ),
    ),
    sysctls: some(() => ({ key: 'net.core.somaxconn', value: '1024' })),
    ulimits: some(() => ({ key: 'nofile', value: pick('1024', '1:2') })),
    stopSignal: pick('', 'SIGINT'),
    stopTimeout: pick('', '-1', '30'),
    health: pick(
      plainForm.health,
      { ...plainForm.health, mode: 'none' as const },
      {
        mode: 'command' as const,
        command: 'curl -f "x" || exit 1',
        interval: '1m',
        timeout: '',
        startPeriod: '5s',
        retries: '2',
      },
      { ...plainForm.health, interval: '10s' },
    ),
    logDriver: pick('', 'none', 'json-file'),
    logOptions: some(() => ({ key: 'max-size', value: '10m' })),
    other: pick('', '--ipc host', `--annotation 'a=b c' --group-add audio --oom-kill-disable`),
  };
}
