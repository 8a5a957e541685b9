/** The `filters` of a list, prune or events request: values of one key are alternatives, keys narrow each other. */
export type Filters = Readonly<Record<string, readonly string[]>>;
