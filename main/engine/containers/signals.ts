import { constants } from 'node:os';
import { invalid } from '../../base/errors.js';

const MIN_REALTIME = 34;
const MAX_REALTIME = 64;

/** `TERM`, `sigterm`, `15`, `RTMIN+3` as a number. */
export function signalNumber(given: string): number {
  const text = given.trim();
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= MAX_REALTIME) return number;
    throw invalid(number === 0 ? `Invalid signal: ${given}` : `The linux daemon does not support signal ${number}`);
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const [, base, offset = '0'] = /^(RTMIN|RTMAX)(?:([+-]\d+))?$/.exec(name) ?? [];
  const number = base
    ? (base === 'RTMIN' ? MIN_REALTIME : MAX_REALTIME) + Number(offset)
    : (constants.signals as Record<string, number>)[`SIG${name}`];
  if (number === undefined || (base && (number < MIN_REALTIME || number > MAX_REALTIME))) {
    throw invalid(`Invalid signal: ${given}`);
  }
  return number;
}
