import { system } from '../../base/errors.js';

type Bytes = AsyncIterable<Uint8Array>;

const TAR_END = 1024;

/** A tar ends with two blocks of zeros. One that does not was cut: its helper was killed, or failed in the middle. */
export async function* wholeTar(bytes: Bytes): AsyncGenerator<Uint8Array> {
  let tail = Buffer.alloc(0);
  for await (const chunk of bytes) {
    tail =
      chunk.length >= TAR_END ? Buffer.from(chunk.subarray(-TAR_END)) : Buffer.concat([tail, chunk]).subarray(-TAR_END);
    yield chunk;
  }
  if (tail.length < TAR_END || tail.some((byte) => byte !== 0))
    throw system('the files could not be read to their end; helper.log in the run directory says why');
}

const PARCEL_END = 64;

/** Those bytes that say that it is whole are taken off. Without them its helper was killed, or failed in the middle. */
export async function* wholeParcel(bytes: Bytes): AsyncGenerator<Uint8Array> {
  let tail = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const all = Buffer.concat([tail, chunk]);
    const ready = Math.max(0, all.length - PARCEL_END);
    if (ready > 0) yield all.subarray(0, ready);
    tail = all.subarray(ready);
  }
  if (!tail.toString('latin1').startsWith('slipway-end '))
    throw system('the volume could not be read to its end; helper.log in the run directory says why');
}
