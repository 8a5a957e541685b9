import type { ErrorKind } from '../contract/error.js';

/** A failure that an engine answered, or that kept it from answering (`unavailable`). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly kind: ErrorKind,
    message: string,
    /** The HTTP status, where there was an answer. */
    readonly status?: number,
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
  return new ApiError(
    kinds[status] ?? 'system',
    messageIn(body) ?? `the engine answered with status ${status}`,
    status,
  );
}

function messageIn(body: string): string | undefined {
  const text = body.trim();
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed && typeof parsed === 'object' && 'message' in parsed) return String(parsed.message);
  } catch {
    // Not JSON: the text itself is the message.
  }
  return text || undefined;
}
