import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** The helper was not there to take the request: it can be asked again once it is. */
export class NotListening extends Error {}

/** A connection to a helper or a monitor. */
export function open(path: string, options: Pick<NetConnectOpts, 'onread'> = {}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect({ path, allowHalfOpen: true, ...options });
    socket.once('connect', () => {
      socket.off('error', reject);
      // From here on a failure shows as the end of input; without a listener it would end the process.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // Reset: it was killed before it took the call.
      const absent = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes(error.code ?? '');
      reject(absent ? new NotListening(error.message, { cause: error }) : error);
    });
  });
}
