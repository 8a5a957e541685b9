// Tar archives as an attacker would write them: every field as given, nothing checked.

const octal = (value, width) => Buffer.from(value.toString(8).padStart(width - 1, '0') + '\0');

/** One entry's header and content. `name` and `linkname` may be Buffers; `type` is the type flag. */
export function entry({ name, type = '0', content = '', size, mode = 0o644, uid = 0, gid = 0, mtime = 1_000_000_000, linkname = '', dev = [0, 0], pax }) {
  const data = Buffer.from(content);
  const header = Buffer.alloc(512);
  Buffer.from(name).copy(header, 0, 0, 100);
  octal(mode, 8).copy(header, 100);
  octal(uid, 8).copy(header, 108);
  octal(gid, 8).copy(header, 116);
  octal(size ?? data.length, 12).copy(header, 124);
  octal(mtime, 12).copy(header, 136);
  header.write('        ', 148);
  header.write(type, 156);
  Buffer.from(linkname).copy(header, 157, 0, 100);
  header.write('ustar\0' + '00', 257);
  octal(dev[0], 8).copy(header, 329);
  octal(dev[1], 8).copy(header, 337);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    7,
  ).copy(header, 148);
  const padding = Buffer.alloc((512 - (data.length % 512)) % 512);
  return Buffer.concat([...(pax ? [paxHeader(pax)] : []), header, data, padding]);
}

/** Extended headers: values may be Buffers. */
function paxHeader(records) {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return entry({ name: 'pax', type: 'x', content: Buffer.concat(lines) });
}

export const dir = (name, more = {}) => entry({ name, type: '5', mode: 0o755, ...more });
export const file = (name, content = '', more = {}) => entry({ name, content, ...more });
export const link = (name, linkname, more = {}) => entry({ name, type: '2', linkname, mode: 0o777, ...more });
export const hardLink = (name, linkname, more = {}) => entry({ name, type: '1', linkname, ...more });

export const tar = (...entries) => Buffer.concat([...entries, Buffer.alloc(1024)]);
