import {
  useCallback,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from 'react';
import { Scroller } from '../../../ui/Scroller.js';
import { levelOf, type LogLine } from './log-lines.js';
import { LogRow } from './LogRow.js';
import type { LogFeed } from './log-feed.js';

/** The pitch of the log, as content.css draws it. */
const rowHeight = 18;
const inset = 6;
const sides = 28;
const gutter = 20;
const stampWidth = 13;

/** Rows drawn beyond what is in sight. */
const beyond = 12;

export interface LogScreenHandle {
  /** Brings a line into the middle. */
  reveal(number: number): void;
  /** The lines in sight, top to bottom. */
  visible(): LogLine[];
  selectedText(): string;
  focus(): void;
}

/**
 * A log drawn row by row: only what is in sight is in the document, its place reckoned by the view. It stays at the end while it follows, and where one
 * reads it stays still, whatever comes and goes around it.
 */
export function LogScreen({
  handle,
  feed,
  version,
  label,
  search,
  found,
  stamps,
  wrap,
  following,
  onFollow,
  onTop,
  onCopyAll,
  children,
}: {
  handle: Ref<LogScreenHandle>;
  feed: LogFeed;
  /** Changes with everything that is to be drawn. */
  version: unknown;
  label: string;
  search: RegExp | undefined;
  /** The found line one is at. */
  found: number | undefined;
  stamps: boolean;
  wrap: boolean;
  following: boolean;
  onFollow(following: boolean): void;
  /** One is near the first line that is here. */
  onTop(): void;
  /** Everything is selected and copied: what is not in the document too. */
  onCopyAll(): void;
  children?: ReactNode;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [{ width, height }, setSize] = useState({ width: 540, height: 400 });
  const [at, setAt] = useState<number>();
  const [all, setAll] = useState(false);
  /** Where one reads: the line at the top of what is in sight. It stays there when what is above it changes. */
  const [place, setPlace] = useState({ number: 0, offset: 0 });
  const charWidth = useCharWidth();
  const pressed = useRef(false);
  const { view } = feed;
  const { shown } = view;

  const columns = Math.max(10, Math.floor((width - sides - gutter) / charWidth) - (stamps ? stampWidth : 0));
  useLayoutEffect(() => feed.lay({ columns, wrap }), [feed, columns, wrap]);

  const total = view.rows * rowHeight + inset * 2;
  const anchored = view.indexOf(place.number);
  const from = following ? total - height : anchored < 0 ? 0 : view.rowOf(anchored) * rowHeight + inset + place.offset;
  const first = shown.length === 0 ? 0 : view.indexAt(Math.max(0, Math.floor((from - inset) / rowHeight) - beyond));
  const last = shown.length === 0 ? -1 : view.indexAt(Math.ceil((from + height - inset) / rowHeight) + beyond);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (following) element.scrollTop = element.scrollHeight;
    else if (anchored >= 0 && Math.abs(from - element.scrollTop) >= 1) element.scrollTop = from;
  }, [version, following, anchored, from]);

  /** Holds on to the line that is at the top now. */
  const settle = useCallback(() => {
    const element = box.current;
    if (!element || view.shown.length === 0) return;
    const index = view.indexAt(Math.max(0, Math.floor((element.scrollTop - inset) / rowHeight)));
    const line = view.shown[index];
    if (line) setPlace({ number: line.number, offset: element.scrollTop - inset - view.rowOf(index) * rowHeight });
  }, [view]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Text that is being selected must not move away from under the pointer.
  useEffect(() => {
    const onSelection = () => {
      const selection = document.getSelection();
      if (selection && !selection.isCollapsed && box.current?.contains(selection.anchorNode)) {
        settle();
        onFollow(false);
      }
    };
    document.addEventListener('selectionchange', onSelection);
    return () => document.removeEventListener('selectionchange', onSelection);
  }, [onFollow, settle]);

  const leave = () => {
    settle();
    onFollow(false);
  };
  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const end = element.scrollHeight - element.scrollTop - element.clientHeight < rowHeight;
    if (following && !end && pressed.current) leave();
    if (following && !pressed.current) return;
    settle();
    if (end && !following && !pressed.current) onFollow(true);
    if (!following && element.scrollTop < height) onTop();
  };

  const reveal = useCallback(
    (number: number) => {
      const element = box.current;
      const index = view.indexOf(number);
      if (!element || index < 0) return;
      const place = view.rowOf(index) * rowHeight + inset;
      if (place < element.scrollTop + rowHeight || place > element.scrollTop + element.clientHeight - 2 * rowHeight)
        element.scrollTop = place - element.clientHeight / 2;
      settle();
    },
    [view, settle],
  );
  const toggle = useCallback(
    (number: number) => {
      settle();
      onFollow(false);
      feed.toggle(number);
    },
    [feed, settle, onFollow],
  );
  const inSight = (): LogLine[] => {
    const element = box.current;
    if (!element || shown.length === 0) return [];
    const rowAt = (y: number) => Math.max(0, Math.floor((y - inset) / rowHeight));
    const end = view.indexAt(rowAt(element.scrollTop + element.clientHeight - 1));
    return view.shown.slice(view.indexAt(rowAt(element.scrollTop)), end + 1);
  };
  useImperativeHandle(handle, () => ({
    reveal,
    visible: inSight,
    selectedText: () => {
      const selection = document.getSelection();
      return selection && box.current?.contains(selection.anchorNode) ? selection.toString() : '';
    },
    focus: () => box.current?.focus(),
  }));

  const step = (by: number) => {
    const seen = inSight();
    const current = at === undefined ? -1 : view.indexOf(at);
    const index =
      current < 0
        ? view.indexOf((by < 0 ? seen.at(-1) : seen[0])?.number ?? -1)
        : Math.min(Math.max(current + by, 0), shown.length - 1);
    const line = shown[index];
    if (!line) return;
    setAt(line.number);
    reveal(line.number);
    if (index === 0) onTop();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const handled = (): boolean => {
      const control = event.ctrlKey && !event.altKey && !event.shiftKey;
      if (control && event.key === 'a') {
        leave();
        setAll(true);
        return true;
      }
      // Without a selection of the document's own there is no copy event.
      if (control && event.key === 'c' && all) {
        onCopyAll();
        return true;
      }
      if (event.key === 'Escape' && (all || at !== undefined)) {
        setAll(false);
        setAt(undefined);
        return true;
      }
      if (event.ctrlKey || event.altKey) return false;
      switch (event.key) {
        case 'ArrowUp':
        case 'ArrowDown':
          leave();
          step(event.key === 'ArrowUp' ? -1 : 1);
          return true;
        case 'PageUp':
        case 'PageDown':
          // Moved first, then held on to: else it would be brought back.
          box.current?.scrollBy({ top: (event.key === 'PageUp' ? -1 : 1) * (height - 2 * rowHeight) });
          if (event.key === 'PageUp') leave();
          return true;
        case 'Home':
          if (box.current) box.current.scrollTop = 0;
          leave();
          onTop();
          return true;
        case 'End':
          setAt(undefined);
          onFollow(true);
          return true;
        case 'Enter':
        case ' ':
          if (at === undefined) return false;
          toggle(at);
          return true;
        default:
          return false;
      }
    };
    if (!handled()) return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <Scroller
      className={all ? 'log-scroll all' : 'log-scroll'}
      ref={box}
      onScroll={onScroll}
      onWheel={(event) => event.deltaY < 0 && following && leave()}
      onPointerDown={() => {
        pressed.current = true;
        setAll(false);
        const up = () => {
          pressed.current = false;
          removeEventListener('pointerup', up);
          onScroll();
        };
        addEventListener('pointerup', up);
      }}
      onKeyDown={onKeyDown}
      role="log"
      aria-live="off"
      label={label}
    >
      <div style={{ height: total, position: 'relative', minWidth: '100%' }}>
        <div
          className={wrap ? 'log-rows wrap' : 'log-rows'}
          style={
            following && last === shown.length - 1
              ? { bottom: inset }
              : { top: (shown.length === 0 ? 0 : view.rowOf(first)) * rowHeight + inset }
          }
        >
          {shown.slice(first, last + 1).map((line) => (
            <LogRow
              key={line.number}
              number={line.number}
              text={line.text}
              time={line.time}
              stream={line.stream}
              rule={line.rule}
              level={levelOf(line)}
              pretty={view.pretty(line)}
              search={search}
              stamps={stamps}
              at={line.number === at}
              found={line.number === found}
              onToggle={toggle}
            />
          ))}
        </div>
      </div>
      {children}
    </Scroller>
  );
}

/** How wide a letter of the log is: one pitch for all of them. */
function useCharWidth(): number {
  const [width, setWidth] = useState(7.2);
  useEffect(() => {
    const measure = () => {
      const context = document.createElement('canvas').getContext('2d');
      if (!context) return;
      context.font = `400 12px ${getComputedStyle(document.documentElement).getPropertyValue('--font-code')}`;
      setWidth(context.measureText('0'.repeat(100)).width / 100);
    };
    measure();
    void document.fonts.ready.then(measure);
  }, []);
  return width;
}
