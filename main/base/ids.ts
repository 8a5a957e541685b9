import { randomBytes } from 'node:crypto';

/** A new identity: 64 hexadecimal digits, as Docker's containers and execs have. */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex');
    // Clients take a short id of digits alone for a number; Docker draws again too.
    if (/[a-f]/.test(shortId(id))) return id;
  }
}

/** The twelve digits that people see, of an id with or without `sha256:`. */
export const shortId = (id: string): string => id.slice(id.indexOf(':') + 1).slice(0, 12);
