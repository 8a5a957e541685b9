/**
 * Old clients attach without an Upgrade header: they send their request, then raw bytes, perhaps in the same packet. Node's parser
 * would take those bytes for a second request. So the first request of each connection is looked at before the parser sees it, and
 * such a one gets the Upgrade header it lacks; from there both kinds go one way.
 */
import type { Socket } from 'node:net';

/** The value of the Upgrade header that only this file writes. */
export const rawUpgrade = 'slipway-raw';

const hijackLine = /^POST (\/v[\d.]+)?\/(containers\/[^ ?]+\/attach|exec\/[^ ?/]+\/start)[ ?]/;
const longestHead = 64 * 1024;

/** Calls `next` once the socket may be given to the parser, its bytes put back. */
export function lookAtFirstRequest(socket: Socket, next: () => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const look = () => {
    for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null)
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    // It is over before there was a request. The parser would wait for an end that has been told already.
    if (socket.readableEnded) return void socket.destroy();
    if (seen.length === 0) return;
    const start = seen.subarray(0, 4096).toString('latin1');
    const undecided = 'POST '.startsWith(start.slice(0, 5)) && !start.includes('\n');
    if ((undecided || hijackLine.test(start)) && !headEnd(seen) && seen.length < longestHead) return;
    for (const name of events) socket.off(name, look);
    // Put back in one piece, flowing off: the parser's own listener starts it again.
    if (seen.length > 0) socket.unshift(hijackLine.test(start) ? withUpgrade(seen) : seen);
    next();
  };
  const events = ['readable', 'end', 'close'];
  for (const name of events) socket.on(name, look);
}

const headEnd = (bytes: Buffer): number => Math.max(0, bytes.indexOf('\r\n\r\n'));

function withUpgrade(request: Buffer): Buffer {
  const head = request.subarray(0, headEnd(request)).toString('latin1');
  if (/^upgrade:/im.test(head)) return request;
  const lineEnd = request.indexOf('\r\n') + 2;
  const added = Buffer.from(`Connection: Upgrade\r\nUpgrade: ${rawUpgrade}\r\n`);
  return Buffer.concat([request.subarray(0, lineEnd), added, request.subarray(lineEnd)]);
}
