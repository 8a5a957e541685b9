import { hostname } from 'node:os';
import type { ContainerCreate } from '../../contract/containers.js';
import type { ImageConfig } from '../../contract/images.js';
import type { HelperHello } from '../helper/index.js';
import { checkConfig, mergeConfig } from './config.js';
import { checkConflicts, checkHostConfig, refuseWhatIsMissing, warnOfWhatDoesNothing } from './host-checks.js';
import { fillHostConfig } from './host-config.js';
import { checkMemoryNodes, dropOomScore, dropWhatCannotHold, oomStanding } from './limits.js';
import { checkLog, type LogDefaults } from './log-options.js';
import { planMounts, type MountSources, type PlannedMount } from './mounts.js';
import { portWishes } from './published-ports.js';
import type { FullConfig, FullHostConfig } from './record.js';
import { checkAppArmor } from './security.js';

/** What `POST /containers/create` asked for, checked, with what the image and Docker's defaults add. */
export interface ContainerPlan {
  config: FullConfig;
  hostConfig: FullHostConfig;
  mounts: PlannedMount[];
  warnings: string[];
}

/** What a plan depends on besides the request and the image. */
export interface PlanContext extends MountSources {
  hello: HelperHello;
  logs?: LogDefaults | undefined;
}

export async function planContainer(
  id: string,
  body: ContainerCreate,
  image: ImageConfig,
  context: PlanContext,
): Promise<ContainerPlan> {
  const { config, hostConfig, warnings } = await planConfiguration(id, body, image, context);
  const mounts = await planMounts(hostConfig, config.Volumes ?? {}, context);
  return { config, hostConfig, mounts, warnings };
}

/** The same without what is mounted. */
export async function planConfiguration(
  id: string,
  body: ContainerCreate,
  image: ImageConfig,
  { hello, logs }: Pick<PlanContext, 'hello' | 'logs'>,
): Promise<Omit<ContainerPlan, 'mounts'>> {
  const config = mergeConfig(id, body, image);
  const hostConfig = fillHostConfig((body.HostConfig ?? {}) as Record<string, unknown>, hello, logs);
  // On this machine's network it has this machine's name.
  if (!body.Hostname && (hostConfig.NetworkMode === 'host' || hostConfig.UTSMode === 'host'))
    config.Hostname = hostname();
  checkConflicts(body, hostConfig);
  refuseWhatIsMissing(hostConfig, hello);
  portWishes(config, hostConfig);
  checkConfig(config);
  checkHostConfig(hostConfig);
  checkAppArmor(hostConfig, hello);
  await checkMemoryNodes(hostConfig);
  const warnings = [
    ...checkLog(hostConfig.LogConfig),
    ...dropWhatCannotHold(hostConfig, hello),
    ...warnOfWhatDoesNothing(body),
    ...(hostConfig.OomScoreAdj === 0 ? [] : dropOomScore(hostConfig, await oomStanding())),
  ];
  return { config, hostConfig, warnings };
}
