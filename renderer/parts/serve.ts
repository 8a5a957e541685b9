/** `127.0.0.1:5000`, `[::1]:5000`, taken apart; undefined: it is no address to listen at. */
export function addressOf(text: string): { host: string; port: number } | undefined {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text.trim()) ?? [];
  return host === '' || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

/** Nobody else can reach it. */
export const isLoopback = (host: string): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(host);

/** An image's name in what is served: a host's port has a dash before it. */
export const servedAs = (reference: string): string => reference.replace(/^([^/:]+):(\d+)\//, '$1-$2/');

/** What stands before an image's name: `192.168.1.5:5000` of `http://192.168.1.5:5000`. */
export const hostOfUrl = (url: string): string => url.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
