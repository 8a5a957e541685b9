/** One request to two engines, and what is not the same in their answers. */
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import tar from 'tar-stream';

/** A request: its line alone, or with more to say. `{name}` stands for what an earlier step kept under that name. */
export type Step = string | FullStep;

export interface FullStep {
  /** `GET /containers/json?all=1`, without the version. */
  ask: string;
  /** The oracle's 1.41 unless said; empty: no version in the path. */
  version?: string;
  /** A JSON document; a string or a Buffer goes as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  /** Keeps the answer's `Id` under this name. */
  keep?: string;
  /** What is compared of the values: `shape` takes their types alone; `status` leaves the body out. */
  compare?: 'shape' | 'status';
  /** Only these fields of the answer. */
  only?: string[];
  /** Lists whose order nobody promises are put in order by this field. */
  sort?: string;
  /** Bytes to write once the connection is taken over; it is half-closed after them. */
  input?: string;
  /** For a connection that stays open by design: it is closed after this long. */
  closeAfter?: number;
  /** Asked again until the answer has this status or says this, as long as a slow machine may need. */
  until?: RegExp;
  /** A pause before the request. */
  after?: number;
}

export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: unknown;
}

/** Something that two answers do not have in common. */
export interface Mismatch {
  ask: string;
  path: string;
  ours: unknown;
  theirs: unknown;
}

/** What an engine is to this test: its socket, and the words that earlier answers taught. */
export interface Side {
  socket: string;
  kept: Map<string, string>;
}

/** Headers that clients read. */
const HEADERS = [
  ...['api-version', 'content-type', 'docker-experimental', 'ostype', 'server', 'cache-control', 'pragma'],
  ...['builder-version', 'upgrade', 'connection', 'location', 'x-docker-container-path-stat', 'allow'],
];
const ABSENT = Symbol('absent');
const PATIENCE_MS = 120_000;

export const full = (step: Step): FullStep => (typeof step === 'string' ? { ask: step } : step);

/** Sends one step to one engine. */
export async function send(side: Side, step: FullStep): Promise<Answer> {
  const { ask, version = '1.41', after = 0, until } = step;
  if (after) await sleep(after);
  const [method = 'GET', pattern = '/'] = ask.split(/ (.*)/s);
  const known = (text: string) => text.replace(/\{(\w+)\}/g, (whole, name: string) => side.kept.get(name) ?? whole);
  const path = known(pattern);
  const url = version === '' ? path : `/v${version}${path}`;
  const payload = payloadOf(step.body, known);
  const headers = {
    ...(payload && { 'Content-Type': 'application/json', 'Content-Length': String(payload.length) }),
    ...step.headers,
  };
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const raw =
      step.input === undefined
        ? await exchange(side.socket, method, url, payload, headers, step.closeAfter)
        : await takeOver(side.socket, method, url, payload, headers, step.input);
    const answer = await read(raw, step);
    if (step.keep) side.kept.set(step.keep, idIn(raw.bytes));
    if (!until || until.test(`${answer.status} ${String(raw.bytes)}`) || Date.now() > deadline) return answer;
    await sleep(50);
  }
}

/** Everything in which two answers to one step differ. */
export function mismatches(ask: string, ours: Answer, theirs: Answer): Mismatch[] {
  const found: Mismatch[] = [];
  const walk = (path: string, mine: unknown, other: unknown) => {
    if (Object.is(mine, other)) return;
    if (Array.isArray(mine) && Array.isArray(other) && mine.length === other.length) {
      mine.forEach((value, index) => walk(`${path}.${index}`, value, other[index]));
    } else if (isObject(mine) && isObject(other)) {
      for (const key of new Set([...Object.keys(mine), ...Object.keys(other)]))
        walk(`${path}.${key}`, key in mine ? mine[key] : ABSENT, key in other ? other[key] : ABSENT);
    } else if (JSON.stringify(mine) !== JSON.stringify(other) || mine === ABSENT || other === ABSENT) {
      found.push({ ask, path, ours: shown(mine), theirs: shown(other) });
    }
  };
  walk('status', ours.status, theirs.status);
  walk('headers', ours.headers, theirs.headers);
  walk('body', ours.body, theirs.body);
  return found;
}

const shown = (value: unknown): unknown => (value === ABSENT ? '(absent)' : value);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function payloadOf(body: unknown, known: (text: string) => string): Buffer | undefined {
  if (body === undefined) return undefined;
  return Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : known(JSON.stringify(body)));
}

interface Raw {
  status: number;
  headers: http.IncomingHttpHeaders;
  bytes: Buffer;
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  payload: Buffer | undefined,
  headers: Record<string, string>,
  closeAfter?: number,
): Promise<Raw> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let head: http.IncomingMessage | undefined;
    const done = (problem?: string) => {
      clearTimeout(timer);
      request.destroy();
      const bytes = Buffer.concat(problem ? [...chunks, Buffer.from(`<${problem}>`)] : chunks);
      resolve({ status: head?.statusCode ?? 0, headers: head?.headers ?? {}, bytes });
    };
    const request = http.request({ socketPath, method, path, headers, agent: false }, (incoming) => {
      head = incoming;
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => done());
      incoming.on('error', () => done(closing ? undefined : 'cut'));
    });
    let closing = false;
    const timer = setTimeout(() => {
      closing = closeAfter !== undefined;
      done(closing ? undefined : 'no end');
    }, closeAfter ?? PATIENCE_MS);
    request.on('upgrade', (incoming, socket, early) => {
      head = incoming;
      chunks.push(early);
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.on('end', () => done());
      socket.on('error', () => done());
      socket.end();
    });
    request.on('error', () => done(closing ? undefined : 'refused'));
    request.end(payload);
  });
}

/** Attach and exec as clients do them: after the head, the connection is bytes both ways. */
async function takeOver(
  socketPath: string,
  method: string,
  path: string,
  payload: Buffer | undefined,
  headers: Record<string, string>,
  input: string,
): Promise<Raw> {
  const socket = net.connect({ path: socketPath, allowHalfOpen: true });
  const said = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: docker\r\n${said.join('')}\r\n`);
  if (payload) socket.write(payload);
  const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
  let seen = Buffer.alloc(0);
  let written = false;
  try {
    for await (const chunk of socket) {
      seen = Buffer.concat([seen, chunk as Buffer]);
      if (written || !seen.includes('\r\n\r\n')) continue;
      written = true;
      socket.end(input);
    }
  } catch {
    // Cut: what came before it is compared.
  }
  clearTimeout(timer);
  socket.destroy();
  const end = seen.indexOf('\r\n\r\n');
  const [first = '', ...lines] = seen.subarray(0, end).toString('latin1').split('\r\n');
  const fields = lines.map((line) => line.split(/: ?(.*)/s));
  return {
    status: Number(first.split(' ')[1]),
    headers: {
      ...Object.fromEntries(fields.map(([name = '', value = '']) => [name.toLowerCase(), value])),
      location: first.slice('HTTP/1.1 '.length),
    },
    bytes: seen.subarray(end + 4),
  };
}

function idIn(bytes: Buffer): string {
  try {
    return (JSON.parse(String(bytes)) as { Id?: string }).Id ?? '';
  } catch {
    return '';
  }
}

async function read({ status, headers, bytes }: Raw, step: FullStep): Promise<Answer> {
  const kept: Record<string, unknown> = {};
  for (const name of HEADERS) if (headers[name] !== undefined) kept[name] = headers[name];
  if (status !== 101 && step.input === undefined) delete kept['connection'];
  const stat = kept['x-docker-container-path-stat'];
  if (typeof stat === 'string')
    kept['x-docker-container-path-stat'] = stable(JSON.parse(String(Buffer.from(stat, 'base64'))), step);
  if (step.compare === 'status') return { status, headers: kept, body: undefined };
  const type = headers['content-type'] ?? '';
  const body =
    type === 'application/x-tar'
      ? await entriesOf(bytes)
      : type.startsWith('application/json')
        ? documents(bytes)
        : printable(bytes);
  return { status, headers: kept, body: stable(picked(body, step.only), step) };
}

const picked = (body: unknown, only: string[] | undefined): unknown =>
  only && isObject(body) ? Object.fromEntries(only.map((key) => [key, body[key]])) : body;

/** The JSON document of an answer, or the list of them where there are several, one a line. */
function documents(bytes: Buffer): unknown {
  const lines = String(bytes)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const parsed = lines.map((line) => {
    try {
      return JSON.parse(line) as unknown;
    } catch {
      return `<not JSON> ${line}`;
    }
  });
  return parsed.length === 1 ? parsed[0] : parsed;
}

const printable = (bytes: Buffer): string =>
  // eslint-disable-next-line no-control-regex
  bytes.toString('latin1').replace(/[\x00-\x09\x0b-\x1f]/g, (char) => `<${char.charCodeAt(0).toString(16)}>`);

async function entriesOf(bytes: Buffer): Promise<unknown> {
  const extract = tar.extract();
  Readable.from([bytes])
    .on('error', () => undefined)
    .pipe(extract);
  const entries: object[] = [];
  for await (const entry of extract) {
    const { name, type, mode, uid, gid, size, linkname } = entry.header;
    // Go's writer puts the file's kind into the mode as well, where readers mask it out.
    entries.push({ name, type, mode: (mode ?? 0) & 0o7777, uid, gid, size, linkname });
    entry.resume();
  }
  return entries.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

/** Numbers that no two engines share. */
const OWN_NUMBERS = new Set(['Created', 'time', 'timeNano', 'Pid', 'mtime']);
/** Of a process table, what is no number. */
const unnumbered = (rows: unknown): unknown =>
  (rows as string[][]).map((row) => row.map((cell) => cell.replace(/^[\d.:-]+$/, '<number>')));

/** What no two engines have in common is replaced by what it is. */
function stable(value: unknown, step: FullStep, key = ''): unknown {
  // Whether a disk was read depends on what the machine had in memory.
  if (Array.isArray(value) && key.startsWith('io_')) return '<list>';
  if (Array.isArray(value)) {
    const list = value.map((each) => stable(each, step));
    // dockerd tells of a container's mounts in the order of a hash table, another each time.
    const sort = step.sort ?? (list.some((each) => isObject(each) && 'Destination' in each) ? 'Destination' : '');
    if (!sort) return list;
    const rank = (each: unknown) => (isObject(each) ? String(each[sort]) : JSON.stringify(each));
    return list.sort((a, b) => rank(a).localeCompare(rank(b)));
  }
  if (isObject(value) && Array.isArray(value['Processes']))
    return { ...value, Processes: unnumbered(value['Processes']) };
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [withoutIds(name), stable(each, step, name)]),
    );
  if (step.compare === 'shape' && value !== null) return `<${typeof value}>`;
  if (typeof value === 'number' && OWN_NUMBERS.has(key)) return value === 0 ? 0 : '<number>';
  return typeof value === 'string' ? plain(value) : value;
}

const withoutIds = (text: string): string =>
  text
    .replace(/(?<!sha256:)\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/(?<!sha256:)\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, '<short id>');

/** Where engines of tests have what is theirs. */
const OF_ENGINES = `${tmpdir()}/slipway-[ed]-`;

const plain = (text: string): string =>
  withoutIds(text)
    .replace(new RegExp(`^${OF_ENGINES}.*$`), '<path>')
    .replace(new RegExp(`${OF_ENGINES}[^\\s"':]*`, 'g'), '<path>')
    .replace(/\blstat \S+:/, 'lstat <path>:')
    .replace(/(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>')
    .replace(/\b(about an? |less than an? |\d+ )(second|minute|hour)s?\b/gi, '<long>')
    .replace(/\b172\.\d+\.\d+\.\d+/g, '<address>')
    .replace(/\b02:42(:[0-9a-f]{2}){4}\b/g, '<mac>')
    .replace(/^\/?[a-z]+_[a-z]+\d?$/, (name) => (name.startsWith('/') ? '/<name>' : '<name>'));
