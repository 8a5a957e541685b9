/** How much of a log is read at a time. */
export const BLOCK = 256 * 1024;
/** A line that a block ends in the middle of is put in front of the next one: the monitor's are no longer than this. */
export const ROOM = 128 * 1024;

/** Blocks that nobody reads into now. New ones for every reader would have V8 collect the garbage of its whole heap again and again. */
const spare: Buffer[] = [];
const SPARE = 4;

/** Memory for one block, with room in front. */
export const takeBlock = (): Buffer => spare.pop() ?? Buffer.allocUnsafeSlow(ROOM + BLOCK);

export function giveBlock(block: Buffer): void {
  if (spare.length < SPARE) spare.push(block);
}
