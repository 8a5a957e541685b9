/** Rectangles whose areas are as sizes are, as near to squares as they come (Bruls, Huizing, van Wijk: Squarified Treemaps). */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One box for each size, in their order; sizes from the largest to the smallest. */
export function squarified(sizes: readonly number[], room: Box): Box[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= 0 || room.width <= 0 || room.height <= 0) return sizes.map(() => ({ ...room, width: 0, height: 0 }));
  const scale = (room.width * room.height) / total;
  const areas = sizes.map((size) => size * scale);
  const boxes: Box[] = [];
  let left = { ...room };
  for (let at = 0; at < areas.length;) {
    const side = Math.min(left.width, left.height);
    let row = [areas[at] as number];
    while (at + row.length < areas.length) {
      const longer = [...row, areas[at + row.length] as number];
      if (worst(longer, side) > worst(row, side)) break;
      row = longer;
    }
    const placed = layRow(row, left);
    boxes.push(...placed.boxes);
    left = placed.left;
    at += row.length;
  }
  return boxes;
}

/** How far the worst of a row along a side is from a square; 1: all are squares. */
function worst(row: readonly number[], side: number): number {
  const sum = row.reduce((all, area) => all + area, 0);
  const [most, least] = [Math.max(...row), Math.min(...row)];
  if (sum === 0 || least === 0) return Infinity;
  return Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least));
}

/** Along the shorter side of what is left. */
function layRow(row: readonly number[], { x, y, width, height }: Box): { boxes: Box[]; left: Box } {
  const sum = row.reduce((all, area) => all + area, 0);
  const down = width >= height;
  const thick = sum / (down ? height : width);
  let along = 0;
  const boxes = row.map((area) => {
    const long = thick > 0 ? area / thick : 0;
    const box = down
      ? { x, y: y + along, width: thick, height: long }
      : { x: x + along, y, width: long, height: thick };
    along += long;
    return box;
  });
  const left = down
    ? { x: x + thick, y, width: width - thick, height }
    : { x, y: y + thick, width, height: height - thick };
  return { boxes, left };
}
