import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, hexOf } from './content.js';

const bytes = (text: string) => new TextEncoder().encode(text);

test('UTF-8 is text, also where it was cut in the middle of a character; anything else is bytes', () => {
  assert.deepEqual(contentOf(bytes('水 water\n'), false), { kind: 'text', text: '水 water\n' });
  assert.deepEqual(contentOf(bytes('water 水').subarray(0, 7), true), { kind: 'text', text: 'water ' });
  assert.equal(contentOf(bytes('water 水').subarray(0, 7), false).kind, 'hex');
  assert.equal(contentOf(bytes('a\0b'), false).kind, 'hex');
  assert.deepEqual(contentOf(new Uint8Array(0), false), { kind: 'text', text: '' });
});

test('bytes are sixteen a line, with their place and what of them can be read', () => {
  assert.equal(
    hexOf(bytes('0123456789abcdef\nz')),
    [
      '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef',
      '00000010  0a 7a                                             .z',
    ].join('\n'),
  );
});
