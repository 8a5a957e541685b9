import { readFile } from 'node:fs/promises';
import { codeOf, messageOf } from '../../base/errors.js';
import { createLog } from '../../base/log.js';
import type { MonitorExit } from '../helper/index.js';
import { now } from './clock.js';
import { NEVER } from './record.js';

/** How a run ended, as far as anybody knows. */
export type Exit = MonitorExit & { error?: string; started?: string };

const KILLED = 137;
/** After a reboot there is nobody left to ask. */
const LOST_IN_REBOOT = 255;

const log = createLog('containers');

/** What the monitor wrote down before it told anybody; undefined where there is nothing to read. */
export async function readExitFile(path: string): Promise<Exit | undefined> {
  try {
    const said = JSON.parse(await readFile(path, 'utf8')) as {
      code: number;
      signal: number;
      oom: boolean;
      startedAt: string;
      finishedAt: string;
      error: { message: string } | null;
    };
    return {
      code: said.code,
      signal: said.signal,
      oom: said.oom,
      finished: said.finishedAt,
      ...(said.startedAt && said.startedAt !== NEVER && { started: said.startedAt }),
      ...(said.error && { error: said.error.message }),
    };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') log.warn(`${path} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

/** The monitor takes the room for its record before anything is let go. Where that is still there, a run may have ended without a word. */
export const roomOf = (exitFile: string): string => `${exitFile}.tmp`;

/** Of a container whose monitor went without a word. */
export const lostExit = (error: string): Exit => ({ code: KILLED, signal: 9, oom: false, finished: now(), error });

/** Of a container that the machine took along. */
export const rebootExit = (): Exit => ({ code: LOST_IN_REBOOT, signal: 0, oom: false, finished: now() });
