/** This terminal joined to a container's or an exec's streams. */
import type { ByteDuplex } from '../contract/bridge.js';
import { demultiplex, plainOutput } from '../client/index.js';
import { DetachKeys } from './detach-keys.js';
import { write } from './output.js';

export interface SessionOptions {
  tty: boolean;
  stdin: boolean;
  detachKeys?: string;
  /** Tells the engine how large this terminal is. */
  resize(rows: number, cols: number): Promise<void>;
}

/** Streams until the other side ends or the person leaves; says which. The terminal is as it was afterwards. */
export async function joinStreams(connection: ByteDuplex, options: SessionOptions): Promise<'ended' | 'detached'> {
  const { tty, stdin } = options;
  const raw = tty && stdin && process.stdin.isTTY;
  const stopResizing = tty ? followSize(options.resize) : () => undefined;
  if (raw) process.stdin.setRawMode(true);
  try {
    const output = (async () => {
      for await (const { stream, bytes } of tty ? plainOutput(connection.readable) : demultiplex(connection.readable))
        await write(stream === 'stderr' ? process.stderr : process.stdout, bytes);
      return 'ended' as const;
    })();
    const left = stdin ? sendInput(connection, tty ? new DetachKeys(options.detachKeys) : undefined) : undefined;
    return await Promise.race([output, ...(left ? [left] : [])]);
  } finally {
    stopResizing();
    if (raw) process.stdin.setRawMode(false);
    process.stdin.destroy();
    connection.close();
  }
}

/** Resolves only when the person leaves by the detach keys; the end of input is passed on as such. */
async function sendInput(connection: ByteDuplex, keys: DetachKeys | undefined): Promise<'detached'> {
  try {
    for await (const chunk of process.stdin) {
      const { input, detached } = keys?.filter(chunk as Buffer) ?? { input: chunk as Buffer, detached: false };
      if (input.length > 0) await connection.write(input);
      if (detached) return 'detached';
    }
    connection.end();
  } catch {
    // The process no longer reads; its output decides how this ends.
  }
  return new Promise(() => undefined);
}

function followSize(resize: SessionOptions['resize']): () => void {
  const tell = () => {
    const { rows, columns } = process.stdout;
    // A process that has not started or has just ended has no terminal to resize; the next change tells again.
    if (rows && columns) resize(rows, columns).catch(() => undefined);
  };
  tell();
  process.stdout.on('resize', tell);
  return () => process.stdout.off('resize', tell);
}

const proxied = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Signals that this program gets go to the container, as long as the result is kept. */
export function proxySignals(send: (signal: string) => Promise<void>): () => void {
  const forward = (signal: NodeJS.Signals) => void send(signal).catch(() => undefined);
  for (const signal of proxied) process.on(signal, forward);
  return () => proxied.forEach((signal) => process.off(signal, forward));
}
