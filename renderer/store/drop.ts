/** What folders and files of this machine are dropped on, or added to. */
export type DropTarget =
  /** Empty space. */
  | { kind: 'nothing' }
  /** `path`: a directory in it. */
  | { kind: 'container'; id: string; path?: string }
  | { kind: 'image'; reference: string }
  /** The page of all of them. */
  | { kind: 'volumes' }
  | { kind: 'volume'; name: string; path?: string };

/** Where on the screen that is, in pixels of the window. */
export interface DropAnchor {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What says of an element that it is a target; `targetOf` finds it again. */
export const dropOn = (target: DropTarget): Record<'data-drop', string> => ({ 'data-drop': JSON.stringify(target) });

/** The innermost target around an element, and where it is. */
export function targetOf(element: Element | null): { target: DropTarget; element: Element | undefined } {
  const found = element?.closest<HTMLElement>('[data-drop]');
  const said = found?.dataset['drop'];
  if (!found || said === undefined) return { target: { kind: 'nothing' }, element: undefined };
  return { target: JSON.parse(said) as DropTarget, element: found };
}

export function anchorOf(element: Element | null | undefined): DropAnchor | undefined {
  if (!element) return undefined;
  const { left, top, width, height } = element.getBoundingClientRect();
  return { left, top, width, height };
}
