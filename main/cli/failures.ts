import { ApiError } from '../client/index.js';
import { complain } from './output.js';

/** What a failure says, once, with the way out where nobody answers. */
export function sentence(error: unknown, host: string): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ApiError)) return message;
  if (error.status !== undefined) return `Error response from daemon: ${message}`;
  if (error.kind === 'unavailable' && message.startsWith('no engine answers'))
    return `no engine answers at ${host}. Start one: open the Slipway app, or run \`slipway-desktop --headless\` (in a clone: \`npm run engine\`) (another engine: -H or DOCKER_HOST).`;
  return message;
}

/** The exit code of a container that could not be started, by docker's reading of why. */
export function startFailureCode(error: unknown): number {
  const message = error instanceof Error ? error.message : '';
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(message))
    return 127;
  if (/permission denied|is a directory|exec format error/.test(message)) return 126;
  return 125;
}

/** Does the same to each name; those that fail are told, the others go on. Answers the exit code. */
export async function forEach(names: string[], host: string, act: (name: string) => Promise<void>): Promise<number> {
  let code = 0;
  for (const name of names) {
    try {
      await act(name);
    } catch (error) {
      code = 1;
      await complain(sentence(error, host));
    }
  }
  return code;
}
