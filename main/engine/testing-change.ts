/** For tests: the rooms in a process of their own with one container that runs, which kills itself at a commit of what is done to that. */
import '../base/scopes.js';
import type { ContainerChange } from '../contract/changes.js';
import { createContainer, openRooms, type Place } from './testing-rooms.js';

export interface ChangeWish {
  root: string;
  cmd: string[];
  body?: object;
  /** The change to make; otherwise the container is discarded. */
  change?: ContainerChange;
  /** The commit at which to die, counted from the beginning of what is done. */
  commit: number;
  when: 'before' | 'after';
}

const { root, cmd, body, change, commit, when } = JSON.parse(process.argv[2] as string) as ChangeWish;
const { store, containers } = await openRooms({ root, runDir: `${root}/run` } as Place);
const id = await createContainer({ containers }, cmd, body, 'web');
const stream = await containers.attach(id, { stdin: false, stdout: true, stderr: false, stream: true, logs: false });
await containers.start(id);
await stream.readable[Symbol.asyncIterator]().next(); // it says that it is ready
stream.close();
const write = store.commit.bind(store);
let count = 0;
store.commit = async (build) => {
  const here = ++count === commit;
  if (here && when === 'before') process.kill(process.pid, 'SIGKILL');
  await write(build);
  if (here) process.kill(process.pid, 'SIGKILL');
};
if (change) await containers.change(id, change, { watch: 1 });
else await containers.discard(id, { force: true });
// It has come to its end before there were so many.
process.stdout.write('done\n');
process.kill(process.pid, 'SIGKILL');
