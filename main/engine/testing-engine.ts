/** For tests: the rooms in a process of their own, to be killed. Runs one container as the arguments say, and goes on until then. */
import '../base/scopes.js';
import { createContainer, openRooms, type Place } from './testing-rooms.js';

interface Wish {
  root: string;
  cmd: string[];
  body?: object;
  exec?: string[];
  attach?: boolean;
  /** Where to be killed: `create`, `run` (made, not let go), or later from outside. */
  dieAt?: 'create' | 'run';
}

const { root, cmd, body, exec, attach, dieAt } = JSON.parse(process.argv[2] as string) as Wish;
const rooms = await openRooms({ root, runDir: `${root}/run` } as Place);
const die = (): boolean => process.kill(process.pid, 'SIGKILL');
const id = await createContainer(rooms, cmd, body);
process.stdout.write(`${id}\n`);
if (dieAt === 'create') die();
if (dieAt === 'run') {
  const run = rooms.helper.run.bind(rooms.helper);
  rooms.helper.run = async (request, monitor) => {
    const started = await run(request, { ...monitor, onListening: () => undefined });
    die();
    return started;
  };
}
if (attach) {
  const stream = await rooms.containers.attach(id, {
    stdin: true,
    stdout: true,
    stderr: true,
    stream: true,
    logs: false,
  });
  void (async () => {
    for await (const chunk of stream.readable) void chunk;
  })();
}
await rooms.containers.start(id);
if (exec) {
  const { Id } = await rooms.execs.create(id, { Cmd: exec, AttachStdout: true });
  await rooms.execs.start(Id);
  while (!rooms.execs.inspect(Id).Running) await new Promise((resolve) => setTimeout(resolve, 5));
  process.stdout.write(`${Id}\n`);
}
process.stdout.write('started\n');
setInterval(() => undefined, 1000);
