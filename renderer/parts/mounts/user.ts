/** Whose files are, by number and, where it is known, by name. */
export interface Who {
  uid: number;
  gid: number;
  name?: string;
}

export const root: Who = { uid: 0, gid: 0, name: 'root' };

/** The user that an image says, in the words of its /etc/passwd: `node`, `1000`, `1000:1000`, `node:users`. Undefined: it is root, or nobody that is known. */
export function userOf(spec: string, passwd: string): Who | undefined {
  const [user = '', group] = spec.split(':');
  const people = passwd.split('\n').flatMap((line): Who[] => {
    const [name = '', , uid = '', gid = ''] = line.split(':');
    return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
  const number = /^\d+$/.test(user) ? Number(user) : undefined;
  const found =
    people.find(({ name }) => name === user) ??
    people.find(({ uid }) => uid === number) ??
    (number === undefined ? undefined : { uid: number, gid: 0 });
  if (!found || found.uid === 0) return undefined;
  return group !== undefined && /^\d+$/.test(group) ? { ...found, gid: Number(group) } : found;
}
