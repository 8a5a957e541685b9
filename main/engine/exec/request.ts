import type { ExecCreate } from '../../contract/containers.js';
import {
  capabilitiesOf,
  capabilityMask,
  cgroupOf,
  environmentOf,
  hostNameOf,
  mergeEnvironment,
  securityOptions,
  type RunningContainer,
} from '../containers/index.js';
import type { ExecRequest } from '../helper/index.js';

/** What an exec runs and as whom, once its container and its client have been heard. */
export interface ExecPlan {
  tty: boolean;
  stdin: boolean;
  rows: number;
  cols: number;
  args: string[];
  env: string[];
  cwd: string;
  user: string;
  groups: string[];
  privileged: boolean;
  noNewPrivileges: boolean;
  capabilities: string[];
  /** A program of this machine that runs in the place of one of the container's. */
  toolbox?: string;
}

/** A shell that reads nothing of the image's at its start. */
const DEBUG_ENVIRONMENT = ['ENV=', 'PS1=\\h \\w (debug) \\$ '];

export function planExec(
  body: ExecCreate,
  { record }: RunningContainer,
  lastCapability: number,
  size?: [number, number] | null,
  toolbox?: string,
): ExecPlan {
  const { config, hostConfig } = record;
  const tty = body.Tty ?? false;
  const privileged = body.Privileged ?? false;
  const [rows = 0, cols = 0] = size ?? [];
  const environment = environmentOf({ config: { ...config, Tty: tty } }, hostNameOf(record));
  return {
    tty,
    stdin: body.AttachStdin ?? false,
    rows,
    cols,
    args: body.Cmd,
    env: mergeEnvironment(environment, [...(toolbox ? DEBUG_ENVIRONMENT : []), ...(body.Env ?? [])]),
    cwd: body.WorkingDir || config.WorkingDir || '/',
    user: body.User || config.User,
    groups: hostConfig.GroupAdd ?? [],
    privileged,
    noNewPrivileges: !privileged && securityOptions(hostConfig.SecurityOpt).noNewPrivileges,
    capabilities: capabilitiesOf(privileged ? { ...hostConfig, Privileged: true } : hostConfig, lastCapability),
    ...(toolbox && { toolbox }),
  };
}

/** As the container's monitor takes it: NUL-terminated NAME=value texts. `attached`: it starts once somebody is. */
export function execRecord(plan: ExecPlan, attached: boolean): Buffer {
  const flag = (on: boolean): string => (on ? '1' : '0');
  const texts = [
    `tty=${flag(plan.tty)}`,
    `stdin=${flag(plan.stdin)}`,
    `attached=${flag(attached)}`,
    `rows=${plan.rows}`,
    `cols=${plan.cols}`,
    `cwd=${plan.cwd}`,
    `user=${plan.user}`,
    `privileged=${flag(plan.privileged)}`,
    `nnp=${flag(plan.noNewPrivileges)}`,
    `caps=${capabilityMask(plan.capabilities).toString(16)}`,
    ...plan.groups.map((group) => `group=${group}`),
    ...plan.env.map((entry) => `env=${entry}`),
    // Told apart from a program of the container's, so that a monitor that knows no toolbox runs nothing in its place.
    ...(plan.toolbox ? [`toolbox=${plan.toolbox}`] : []),
    ...plan.args.map((arg) => `${plan.toolbox ? 'applet' : 'arg'}=${arg}`),
  ];
  return Buffer.from(texts.map((text) => `${text.replaceAll('\0', '')}\0`).join(''));
}

/** As the helper takes it for a runtime that is not ours. */
export function foreignExec(
  id: string,
  stateDir: string,
  plan: ExecPlan,
  { record, paths, pid, pidStart }: RunningContainer,
): ExecRequest {
  const { tty, stdin, rows, cols, args, env, cwd, capabilities, noNewPrivileges } = plan;
  return {
    id,
    container: record.id,
    pid,
    pidStart,
    bundle: paths.bundle,
    process: {
      terminal: tty,
      ...(tty && rows > 0 && cols > 0 && { consoleSize: { height: rows, width: cols } }),
      user: { uid: 0, gid: 0 },
      args,
      env,
      cwd,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges,
      oomScoreAdj: record.hostConfig.OomScoreAdj,
    },
    user: plan.user,
    groups: plan.groups,
    privileged: plan.privileged,
    stateDir,
    cgroup: cgroupOf(record),
    io: { tty, stdin, stdinOnce: true, rows, cols },
    exitFile: `${stateDir}/exit.json`,
    runtime: record.runtime,
  };
}
