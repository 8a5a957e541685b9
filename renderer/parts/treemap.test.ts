import assert from 'node:assert/strict';
import { test } from 'node:test';
import { squarified } from './treemap.js';

const room = { x: 10, y: 20, width: 600, height: 400 };

test('areas are as sizes are, inside the room, and no two boxes cover the same', () => {
  const sizes = [600, 600, 400, 300, 200, 200, 100];
  const boxes = squarified(sizes, room);
  const scale = (600 * 400) / 2400;
  boxes.forEach(({ x, y, width, height }, at) => {
    assert.ok(Math.abs(width * height - (sizes[at] as number) * scale) < 1e-6);
    assert.ok(x >= 10 - 1e-9 && y >= 20 - 1e-9 && x + width <= 610 + 1e-6 && y + height <= 420 + 1e-6);
    for (const other of boxes.slice(at + 1)) {
      const across = Math.min(x + width, other.x + other.width) - Math.max(x, other.x);
      const down = Math.min(y + height, other.y + other.height) - Math.max(y, other.y);
      assert.ok(across < 1e-6 || down < 1e-6);
    }
  });
});

test('boxes come near to squares', () => {
  const shape = (width: number, height: number) => Math.max(width / height, height / width);
  for (const { width, height } of squarified([6, 6, 4, 3, 2, 2, 1], room)) assert.ok(shape(width, height) < 3);
});

test('nothing, and sizes of nothing, take no room', () => {
  assert.deepEqual(squarified([], room), []);
  assert.deepEqual(
    squarified([0, 0], room).map(({ width, height }) => width * height),
    [0, 0],
  );
  assert.equal(squarified([5, 0], room)[0]?.width, 600);
  assert.equal(squarified([5], { ...room, width: 0 })[0]?.width, 0);
});
