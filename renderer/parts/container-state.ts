import type { ContainerSummary } from '../../main/contract/containers.js';

/** The twelve-pixel shapes; each is told apart without its colour. */
export type Shape =
  'run' | 'healthy' | 'starting' | 'unhealthy' | 'paused' | 'restarting' | 'exited' | 'failed' | 'created' | 'moving';

/** What the engine's status sentence says: `Up 3 minutes (healthy)`, `Exited (137) 2 hours ago`. */
export interface StatusFacts {
  exitCode?: number;
  /** Milliseconds since it entered this state, as coarse as the sentence. */
  age?: number;
  health?: 'healthy' | 'unhealthy' | 'starting';
}

const unitMs: Record<string, number> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 2_592_000_000,
  year: 31_536_000_000,
};

function ageOf(status: string): number | undefined {
  if (/less than a second/i.test(status)) return 0;
  const about = /about an? (minute|hour)/i.exec(status);
  if (about) return unitMs[about[1]?.toLowerCase() ?? ''];
  const counted = /(\d+) (second|minute|hour|day|week|month|year)s?/i.exec(status);
  return counted ? Number(counted[1]) * (unitMs[counted[2]?.toLowerCase() ?? ''] ?? 0) : undefined;
}

export function statusFacts(status: string): StatusFacts {
  const exit = /(?:Exited|Restarting) \((-?\d+)\)/.exec(status);
  const health = /\((healthy|unhealthy|health: starting)\)/.exec(status)?.[1];
  return {
    exitCode: exit ? Number(exit[1]) : undefined,
    age: ageOf(status.replace(/\([^)]*\)/g, '')),
    health: health === 'health: starting' ? 'starting' : (health as 'healthy' | 'unhealthy' | undefined),
  };
}

export function shapeOf(container: Pick<ContainerSummary, 'State' | 'Status'>): Shape {
  const { exitCode, health } = statusFacts(container.Status);
  switch (container.State) {
    case 'running':
      return health === undefined ? 'run' : health;
    case 'paused':
      return 'paused';
    case 'restarting':
      return 'restarting';
    case 'removing':
      return 'moving';
    case 'created':
      return 'created';
    case 'dead':
      return 'failed';
    case 'exited':
      return exitCode === undefined || exitCode === 0 ? 'exited' : 'failed';
  }
}

/** The order in which states sort: what needs a look first. */
export const stateOrder: Shape[] = [
  'failed',
  'unhealthy',
  'moving',
  'restarting',
  'starting',
  'healthy',
  'run',
  'paused',
  'created',
  'exited',
];

export const nameOf = (container: Pick<ContainerSummary, 'Names' | 'Id'>): string =>
  container.Names[0]?.replace(/^\//, '') ?? container.Id.slice(0, 12);

/** `10.0.0.2:8080→80/tcp` shortened to what one connects to. */
export const portsOf = ({ Ports }: Pick<ContainerSummary, 'Ports'>): string[] => [
  ...new Set(Ports.filter((port) => port.PublicPort).map((port) => `:${port.PublicPort}`)),
];

/** The project that compose made it for. */
export const projectOf = ({ Labels }: Pick<ContainerSummary, 'Labels'>): string | undefined =>
  Labels?.['com.docker.compose.project'];

/** The networks it is on, by name; where it is on none, how it is without: `host`, `none`. */
export function networksOf({ NetworkSettings, HostConfig }: ContainerSummary): string[] {
  const names = Object.keys(NetworkSettings?.Networks ?? {}).sort();
  return names.length > 0 ? names : [HostConfig.NetworkMode === 'default' ? 'bridge' : HostConfig.NetworkMode];
}

export const healthOf = ({ Status }: Pick<ContainerSummary, 'Status'>): StatusFacts['health'] =>
  statusFacts(Status).health;

/** Whether removing it kills a process. */
export const isRunning = ({ State }: Pick<ContainerSummary, 'State'>): boolean =>
  State === 'running' || State === 'paused' || State === 'restarting';
