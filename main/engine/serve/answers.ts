import type { ServerResponse } from 'node:http';
import { EngineError, messageOf } from '../../base/errors.js';

/** A registry's refusal (OCI distribution spec, "Error codes"). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

export const unknownBlob = (digest: string) => new Refusal(404, 'BLOB_UNKNOWN', `blob ${digest} is not here`);
export const unknownManifest = (reference: string) =>
  new Refusal(404, 'MANIFEST_UNKNOWN', `manifest ${reference} is not here`);
export const unknownName = (name: string) => new Refusal(404, 'NAME_UNKNOWN', `repository ${name} is not here`);
export const unknownUpload = () => new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'this upload is not known, or over');
export const invalidDigest = (text: string) =>
  new Refusal(400, 'DIGEST_INVALID', `${JSON.stringify(text.slice(0, 100))} is not a sha256 digest`);
export const unsupported = (message: string) => new Refusal(405, 'UNSUPPORTED', message);

/** A failure of a room below, as a registry says it. What a manifest names and is not here has to be sent again. */
export function refusalOf(error: unknown, of: 'manifest' | 'upload'): Refusal {
  if (error instanceof Refusal) return error;
  const status = { invalid: 400, 'not-found': 400, 'not-implemented': 400, conflict: 409, unavailable: 503 } as const;
  const known = error instanceof EngineError ? status[error.kind as keyof typeof status] : undefined;
  // What this machine's own trouble is (a full disk, and where it is) is for its log.
  if (known === undefined) return new Refusal(500, 'UNKNOWN', 'the engine failed, or has no room: its log says why');
  const lacks = error instanceof EngineError && error.kind === 'not-found';
  const code = lacks ? 'MANIFEST_BLOB_UNKNOWN' : 'MANIFEST_INVALID';
  return new Refusal(known, of === 'manifest' ? code : 'BLOB_UPLOAD_INVALID', messageOf(error));
}

export function refuse(response: ServerResponse, { status, code, message, headers }: Refusal): void {
  const body = JSON.stringify({ errors: [{ code, message, detail: null }] });
  answer(response, status, { 'Content-Type': 'application/json', ...headers }, body);
}

/** Without a body where the request was a HEAD. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number> = {},
  body: string | Buffer = '',
): void {
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void =>
  answer(response, 200, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(value));
