/** Whose files are: names of a container's own users and groups. */
export interface Owners {
  users: ReadonlyMap<number, string>;
  groups: ReadonlyMap<number, string>;
}

export const nobody: Owners = { users: new Map(), groups: new Map() };

/** Number → name, of /etc/passwd or /etc/group; the first line of a number counts. */
export function namesIn(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':');
    if (name && number && /^\d+$/.test(number) && !names.has(Number(number))) names.set(Number(number), name);
  }
  return names;
}

/** `name:name`, a number where there is no name; and the same with the numbers. */
export function ownerOf({ users, groups }: Owners, { Uid, Gid }: { Uid: number; Gid: number }) {
  const text = `${users.get(Uid) ?? Uid}:${groups.get(Gid) ?? Gid}`;
  const numbers = `${Uid}:${Gid}`;
  return { text, title: text === numbers ? numbers : `${text} (${numbers})` };
}
