import { EngineError, invalid, messageOf, system } from '../../base/errors.js';
import type { ContainerRecord } from './record.js';

export interface StartFailure {
  exitCode: number;
  /** What the API answers. The docker CLI takes its own exit status from the words in it. */
  error: EngineError;
}

/** The system's own words at the end of a failure, which Go writes small. */
export const asRuncSays = (message: string): string =>
  message.replace(/: [A-Z](?=[a-z' -]+$)/, (start) => start.toLowerCase());

/** Docker's reading of why a container did not start: 127 not found, 126 not executable, 128 anything else. */
export function startFailure(
  cause: unknown,
  { config, mounts }: Pick<ContainerRecord, 'config' | 'mounts'>,
): StartFailure {
  const said = asRuncSays(messageOf(cause));
  const message = `failed to create task for container: unable to start container process: ${said}: unknown`;
  const wrap = (text: string): EngineError => invalid(text, { cause });
  // Docker looks for volumes and devices before there is anything to start.
  if (/^error (while mounting volume|gathering device information)/.test(said))
    return { exitCode: 128, error: wrap(said) };
  if (/executable file not found|no such file or directory/i.test(said)) return { exitCode: 127, error: wrap(message) };
  if (/permission denied|is a directory|exec format error/i.test(said)) return { exitCode: 126, error: wrap(message) };
  if (/not a directory/i.test(said) && mounts.length > 0) {
    const hint =
      ': Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';
    return { exitCode: 127, error: wrap(message + hint) };
  }
  // A user, group or option that the container's own files do not know is the caller's mistake and says so by itself.
  if (cause instanceof EngineError && cause.kind !== 'system') return { exitCode: 128, error: cause };
  if (config.User && /unable to find (user|group)/i.test(said))
    return { exitCode: 128, error: invalid(said, { cause }) };
  return { exitCode: 128, error: system(message, { cause }) };
}
