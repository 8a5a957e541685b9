import type { ByteDuplex, Transport } from '../contract/bridge.js';
import type { ExecCreate, ExecInspect, ExecStart } from '../contract/containers.js';
import { getJson, postJson, segment, send, upgrade, withQuery } from './request.js';

export const execClient = (transport: Transport) => ({
  create: async (container: string, body: ExecCreate): Promise<string> =>
    (await postJson<{ Id: string }>(transport, `/containers/${segment(container)}/exec`, body)).Id,

  /** Starts it with its streams held: raw bytes with a tty, else frames for `demultiplex`. */
  start: (id: string, body: Omit<ExecStart, 'Detach'> = {}): Promise<ByteDuplex> =>
    upgrade(transport, `/exec/${segment(id)}/start`, { Detach: false, ...body }),

  startDetached: (id: string, body: Omit<ExecStart, 'Detach'> = {}): Promise<void> =>
    send(transport, 'POST', `/exec/${segment(id)}/start`, { Detach: true, ...body }),

  inspect: (id: string) => getJson<ExecInspect>(transport, `/exec/${segment(id)}/json`),

  resize: (id: string, rows: number, cols: number) =>
    send(transport, 'POST', withQuery(`/exec/${segment(id)}/resize`, { h: rows, w: cols })),
});
