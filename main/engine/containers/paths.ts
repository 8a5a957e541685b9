import { join } from 'node:path';

/** Where a container's files are, below the data root and the run directory. */
export interface ContainerPaths {
  directory: string;
  bundle: string;
  config: string;
  merged: string;
  hostname: string;
  hosts: string;
  resolvConf: string;
  log: string;
  exitFile: string;
  /** What its monitor has: socket, identity. Gone after a reboot. */
  stateDir: string;
}

export function containerPaths(root: string, runDir: string, id: string): ContainerPaths {
  const directory = join(root, 'containers', id);
  const bundle = join(directory, 'bundle');
  return {
    directory,
    bundle,
    config: join(bundle, 'config.json'),
    merged: join(bundle, 'rootfs'),
    hostname: join(directory, 'hostname'),
    hosts: join(directory, 'hosts'),
    resolvConf: join(directory, 'resolv.conf'),
    log: join(directory, `${id}-json.log`),
    exitFile: join(directory, 'exit.json'),
    stateDir: join(runDir, 'c', id.slice(0, 16)),
  };
}
