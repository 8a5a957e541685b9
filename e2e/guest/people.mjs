/** Inside the guest, as root: programs of root and of `dev`, whose programs start as on a desktop, in a unit of the user's own service manager. */
import { spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';

/** What was shared, unpacked where programs can run from. */
export const app = '/var/tmp/app';

export function unpack() {
  execFileSync('mkdir', ['-p', app]);
  execFileSync('tar', ['-xf', '/mnt/share/app.tar', '-C', app]);
  execFileSync('chmod', ['-R', 'a+rX', app]);
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const become = {
  root: (env) => ['env', `PATH=${PATH}`, 'HOME=/root', ...env],
  dev: (env) => [
    ...['setpriv', '--reuid', 'dev', '--regid', 'dev', '--init-groups', 'env', '-i', `PATH=${PATH}`, 'HOME=/home/dev'],
    ...['XDG_RUNTIME_DIR=/run/user/1000', 'DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus', 'LANG=C.UTF-8'],
    ...['systemd-run', '--user', '--quiet', '--wait', '--pipe', '--collect', '--slice=app.slice'],
    ...[
      '-p',
      'IgnoreSIGPIPE=no',
      '-p',
      'Delegate=yes',
      '-p',
      'TasksMax=infinity',
      ...env.flatMap((each) => ['-E', each]),
    ],
    '--',
  ],
};
export const people = Object.keys(become);

/** Starts Node as that person; `env` are words `NAME=value`. */
export function startNode(person, args, env = [], stdio = ['ignore', 'pipe', 'inherit']) {
  const [program, ...words] = [...become[person](env), process.execPath, ...args];
  return spawn(program, words, { stdio, cwd: '/' });
}
