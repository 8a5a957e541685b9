import type { ErrorKind } from '../contract/error.js';

/** A failure that an engine answered, or that kept it from answering (`unavailable`). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly kind: ErrorKind,
    message: string,
    /** The HTTP status, where there was an answer. */
    readonly status?: number,
    /** What its body says beside the message. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

const kinds: Record<number, ErrorKind> = {
  304: 'not-modified',
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-found',
  409: 'conflict',
  501: 'not-implemented',
  503: 'unavailable',
};

/** The error that an answer's status and body stand for. Foreign engines and proxies may answer something else than JSON. */
export function errorOf(status: number, body: string): ApiError {
  const { message, ...details } = parsed(body.trim());
  return new ApiError(
    kinds[status] ?? 'system',
    message === undefined ? `the engine answered with status ${status}` : String(message),
    status,
    details,
  );
}

function parsed(text: string): { message?: unknown } & Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    if (body && typeof body === 'object' && 'message' in body) return { ...body };
  } catch {
    // Not JSON: the text itself is the message.
  }
  return text ? { message: text } : {};
}
