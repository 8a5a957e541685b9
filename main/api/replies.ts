/** The few shapes an answer can have. Handlers return one; the server writes it. */
import type { AttachStream } from '../contract/streams.js';
import type { Progress } from '../contract/images.js';

type Headers = Record<string, string>;
type Chunk = Uint8Array | string;

export type Reply =
  | { readonly kind: 'empty'; readonly status: number; readonly headers: Headers }
  | {
      readonly kind: 'json';
      readonly status: number;
      readonly headers: Headers;
      readonly value: unknown;
      readonly sent?: () => void;
    }
  | {
      readonly kind: 'stream';
      readonly status: number;
      readonly headers: Headers;
      readonly body: AsyncIterable<Chunk>;
      /** `true`: the status goes out at once. `false`: with the first byte, so a failure before it is an ordinary error answer. */
      readonly eager: boolean;
      /** What a failure in the middle looks like to the client; without it the connection is cut. */
      readonly failure?: (message: string) => Chunk;
    }
  | { readonly kind: 'hijack'; readonly contentType: string; readonly stream: AttachStream }
  | { readonly kind: 'websocket'; readonly stream: AttachStream; readonly binary: boolean };

export const json = (value: unknown, status = 200, headers: Headers = {}): Reply => ({
  kind: 'json',
  status,
  headers,
  value,
});
/** The same, and something to do once it is out. */
export const jsonAndThen = (value: unknown, sent: () => void): Reply => ({
  kind: 'json',
  status: 200,
  headers: {},
  value,
  sent,
});
/** As dockerd says that a list has nothing in it. */
export const orNull = <Item>(list: readonly Item[]): readonly Item[] | null => (list.length > 0 ? list : null);
export const created = (value: unknown): Reply => json(value, 201);
export const empty = (status: number, headers: Headers = {}): Reply => ({ kind: 'empty', status, headers });
export const noContent = (): Reply => empty(204);
export const text = (body: string, headers: Headers = {}, status = 200): Reply => ({
  kind: 'stream',
  status,
  headers: {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  },
  body: once(body),
  eager: false,
});

/** What is not HTTP as we know it. */
export const badRequest = (): Reply => text('400 Bad Request', {}, 400);

/** Bytes as they come. */
export const stream = (body: AsyncIterable<Chunk>, headers: Headers = {}, eager = true): Reply => ({
  kind: 'stream',
  status: 200,
  headers,
  body,
  eager,
});

/** One JSON document a line, each sent as it comes. */
export const jsonLines = (values: AsyncIterable<unknown>): Reply =>
  stream(encodeLines(values, '\n'), { 'Content-Type': 'application/json' });

/**
 * A long job that reports on its way (pull, load). A failure before the first report is an ordinary error answer, unless the status went
 * out at once (`eager`); later it is the stream's last line, as Docker's clients expect.
 */
export function progress(job: (report: (progress: Progress) => void) => Promise<void>, eager = false): Reply {
  return {
    kind: 'stream',
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: encodeLines(reports(job), '\r\n'),
    eager,
    failure: (message) => `${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`,
  };
}

/**
 * The same for jobs whose reports all count; what the job comes to is the last line. A client that goes before is the job's own affair.
 */
export const steps = <Step, Result>(job: (report: (step: Step) => void) => Promise<Result>): Reply => ({
  kind: 'stream',
  status: 200,
  headers: { 'Content-Type': 'application/json' },
  body: encodeLines(stepsOf(job), '\n'),
  eager: false,
  failure: (message) => `${JSON.stringify({ errorDetail: { message }, error: message })}\n`,
});

/** The connection becomes the container's: 101 UPGRADED, or 200 for a client that did not ask for an upgrade. */
export const hijack = (attached: AttachStream, contentType: string): Reply => ({
  kind: 'hijack',
  contentType,
  stream: attached,
});

export const websocket = (attached: AttachStream, binary: boolean): Reply => ({
  kind: 'websocket',
  stream: attached,
  binary,
});

async function* once(body: string) {
  yield body;
}

async function* encodeLines(values: AsyncIterable<unknown>, end: string) {
  for await (const value of values) yield JSON.stringify(value) + end;
}

async function* stepsOf<Step, Result>(
  job: (report: (step: Step) => void) => Promise<Result>,
): AsyncGenerator<Step | Result> {
  const waiting: Step[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const done = job((step) => {
    waiting.push(step);
    wake();
  }).finally(() => {
    ended = true;
    wake();
  });
  done.catch(() => undefined);
  for (;;) {
    yield* waiting.splice(0);
    if (ended) break;
    if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
  }
  yield await done;
}

/** Turns a job's reports into a stream. What piles up while the client is slow is merged: only the newest report of a layer counts. */
async function* reports(job: (report: (progress: Progress) => void) => Promise<void>): AsyncGenerator<Progress> {
  let waiting: Progress[] = [];
  const moving = new Map<string, Progress>();
  let wake: () => void = () => undefined;
  let ended = false;
  const report = (progress: Progress) => {
    const earlier = progress.id && progress.progressDetail?.total ? moving.get(progress.id) : undefined;
    if (earlier?.status === progress.status && earlier) Object.assign(earlier, progress);
    else waiting.push(progress);
    if (progress.id) moving.set(progress.id, earlier?.status === progress.status && earlier ? earlier : progress);
    wake();
  };
  const done = job(report).finally(() => {
    ended = true;
    wake();
  });
  done.catch(() => undefined);
  for (;;) {
    const batch = waiting;
    waiting = [];
    moving.clear();
    yield* batch;
    if (waiting.length > 0) continue;
    if (ended) break;
    await new Promise<void>((resolve) => (wake = resolve));
  }
  await done;
}
