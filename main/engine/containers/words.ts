import type { ContainerStatus, Health } from '../../contract/containers.js';
import { healthInWords } from './health.js';
import { NEVER } from './record.js';

/** A duration as Docker words it: `Less than a second`, `About a minute`, `3 weeks`. */
export function inWords(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

export interface Condition {
  status: ContainerStatus;
  exitCode: number;
  startedAt: string;
  finishedAt: string;
  health?: Health;
}

/** The STATUS column of `docker ps`. */
export function statusInWords(
  { status, exitCode, startedAt, finishedAt, health }: Condition,
  now = Date.now(),
): string {
  const since = (time: string) => inWords(Math.max(0, now - Date.parse(time)));
  switch (status) {
    case 'running':
      return `Up ${since(startedAt)}${healthInWords(health)}`;
    case 'paused':
      return `Up ${since(startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${exitCode}) ${since(finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
    case 'exited':
      return finishedAt === NEVER ? '' : `Exited (${exitCode}) ${since(finishedAt)} ago`;
  }
}
