import { useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { clsx } from 'clsx';
import { useTranslation } from 'react-i18next';
import { DISK_GROUPS, type DiskGroup, type DiskPart } from '../../parts/disk-parts.js';
import { squarified, type Box } from '../../parts/treemap.js';
import { bytes } from '../../ui/format.js';
import { nameOfPart, percent } from './words.js';

const HEADING = 22;
const GAP = 4;
/** What would be smaller than this is told together. */
const LEAST_AREA = 18 * 18;
/** So wide that a name can be read in it; so high that one line can be, and so high that two can. */
const [WIDE, LINE, LINES] = [48, 26, 42];

interface Tile extends Box {
  part: DiskPart;
  /** Of what is told together, how many they are. */
  folded?: number;
}

interface Area extends Box {
  group: DiskGroup;
  size: number;
  /** There is room for its name. */
  named: boolean;
  tiles: Tile[];
}

/**
 * Where every byte went, as areas: one tab stop, arrow keys go to the tile that lies there. The table beside it has the same in words.
 */
export function DiskMap({
  parts,
  chosen,
  onChoose,
  onOpen,
}: {
  parts: DiskPart[];
  chosen: string | undefined;
  onChoose(key: string): void;
  onOpen(part: DiskPart): void;
}) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const room = useRoom(frame);
  const areas = useMemo(() => layOut(parts, room), [parts, room]);
  const whole = parts.reduce((sum, { size }) => sum + size, 0);
  const tiles = areas.flatMap((area) => area.tiles);
  const current = tiles.find(({ part }) => part.key === chosen) ?? tiles[0];

  const focus = (tile: Tile) => {
    onChoose(tile.part.key);
    const options = frame.current?.querySelectorAll<HTMLElement>('[role="option"]') ?? [];
    [...options].find((option) => option.dataset['key'] === tile.part.key)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!current) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      return onOpen(current.part);
    }
    const next =
      event.key === 'Home' ? tiles[0] : event.key === 'End' ? tiles.at(-1) : beside(current, tiles, event.key);
    if (!next) return;
    event.preventDefault();
    focus(next);
  };
  return (
    <div ref={frame} className="disk-map" role="listbox" aria-label={t('disk.map')} aria-orientation="horizontal">
      {areas.map(({ group, size, named, x, y, width, height, tiles: own }) => (
        <div
          key={group}
          className="disk-area"
          role="group"
          aria-label={`${t(`disk.group.${group}`)}, ${bytes(size)}`}
          style={{ left: x, top: y, width, height }}
        >
          {named && (
            <div className="disk-heading cut s12" aria-hidden>
              <b className="b6">{t(`disk.group.${group}`)}</b> <span className="t3 num">{bytes(size)}</span>
            </div>
          )}
          {own.map((tile) => {
            const { part, folded } = tile;
            const name = folded ? t('disk.more', { count: folded }) : nameOfPart(t, part);
            const told = `${name}, ${bytes(part.size)}, ${percent(part.size, whole)}`;
            return (
              <div
                key={part.key}
                data-key={part.key}
                role="option"
                aria-selected={part.key === chosen}
                aria-label={told}
                title={told}
                tabIndex={tile === current ? 0 : -1}
                className={clsx('disk-tile', part.group, part.kind, part.key === chosen && 'on')}
                style={{ left: tile.x - x, top: tile.y - y, width: tile.width, height: tile.height }}
                onClick={() => focus(tile)}
                onDoubleClick={() => onOpen(part)}
                onKeyDown={onKeyDown}
              >
                {tile.width >= WIDE && tile.height >= LINE && <span className="cut">{name}</span>}
                {tile.width >= WIDE && tile.height >= LINES && <span className="num t2 cut">{bytes(part.size)}</span>}
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}

function layOut(parts: DiskPart[], room: Box): Area[] {
  const whole = parts.reduce((sum, { size }) => sum + size, 0);
  const groups = DISK_GROUPS.map((group) => {
    const own = parts.filter((part) => part.group === group);
    return { group, own, size: own.reduce((sum, { size }) => sum + size, 0) };
  })
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size);
  const boxes = squarified(
    groups.map(({ size }) => size),
    room,
  );
  return groups.map(({ group, own, size }, at) => {
    const area = inset(boxes[at] as Box, GAP / 2, 0);
    const named = area.width >= WIDE && area.height >= HEADING + LINE;
    const inner = inset(area, 1, named ? HEADING : 0);
    const least = whole > 0 ? (LEAST_AREA * size) / Math.max(1, inner.width * inner.height) : 0;
    const shown = folded(own, least);
    const placed = squarified(
      shown.map(({ part }) => part.size),
      inner,
    );
    return {
      ...area,
      group,
      size,
      named,
      tiles: shown.map((tile, index) => ({ ...tile, ...inset(placed[index] as Box, 1, 0) })),
    };
  });
}

/** Those that are too small to be seen as one; largest first. */
function folded(parts: DiskPart[], least: number): { part: DiskPart; folded?: number }[] {
  const large = parts.filter(({ size }) => size >= least);
  const small = parts.slice(large.length);
  const [first] = small;
  if (!first || small.length === 1) return parts.map((part) => ({ part }));
  const { group, kind } = first;
  const size = small.reduce((sum, part) => sum + part.size, 0);
  const together = { part: { key: `more ${group}`, group, kind, size }, folded: small.length };
  return [...large.map((part) => ({ part })), together].sort((a, b) => b.part.size - a.part.size);
}

const inset = ({ x, y, width, height }: Box, by: number, top: number): Box => ({
  x: x + by,
  y: y + by + top,
  width: Math.max(0, width - 2 * by),
  height: Math.max(0, height - 2 * by - top),
});

/** The nearest tile in the direction of an arrow key. */
function beside(from: Tile, tiles: Tile[], key: string): Tile | undefined {
  const dx = key === 'ArrowLeft' ? -1 : key === 'ArrowRight' ? 1 : 0;
  const dy = key === 'ArrowUp' ? -1 : key === 'ArrowDown' ? 1 : 0;
  if (dx === 0 && dy === 0) return undefined;
  const middle = ({ x, y, width, height }: Box) => ({ x: x + width / 2, y: y + height / 2 });
  const here = middle(from);
  let best: { tile: Tile; far: number } | undefined;
  for (const tile of tiles) {
    if (tile === from) continue;
    const there = middle(tile);
    const ahead = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    if (ahead <= 0) continue;
    const far = ahead + 2 * aside;
    if (!best || far < best.far) best = { tile, far };
  }
  return best?.tile;
}

function useRoom(frame: { current: HTMLElement | null }): Box {
  const [room, setRoom] = useState<Box>({ x: 0, y: 0, width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = () => setRoom({ x: 0, y: 0, width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);
  return room;
}
