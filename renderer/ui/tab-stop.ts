/** The row with the tab stop, of the first table that can be seen. */
export const tabStop = (within: ParentNode = document): HTMLElement | undefined =>
  [...within.querySelectorAll<HTMLElement>('[role="row"][tabindex="0"]')].find((row) =>
    row.checkVisibility({ checkVisibilityCSS: true }),
  );
