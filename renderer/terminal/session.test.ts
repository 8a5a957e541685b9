import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../main/client/index.js';
import { createEngineStore } from '../store/index.js';
import { usePreferences } from '../store/preferences.js';
import { TerminalSession, type Screen, type Wire } from './session.js';

const KIB = 1024;
const size = { rows: 24, cols: 80 };
const settings = { fontSize: 12, scrollback: 100, screenReader: false, label: 'Terminal' };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Draws at once, or keeps what it is given until it is told to draw. */
class FakeScreen implements Screen {
  readonly size = size;
  drawn: string[] = [];
  #waiting: (() => void)[] = [];

  constructor(
    private patient: boolean,
    private readonly heard: (length: number) => void = () => undefined,
  ) {}

  write(bytes: Uint8Array, drawn: () => void): void {
    this.heard(bytes.length);
    this.drawn.push(new TextDecoder().decode(bytes));
    if (this.patient) this.#waiting.push(drawn);
    else drawn();
  }

  /** How many pieces wait to be drawn. */
  get pieces(): number {
    return this.#waiting.length;
  }

  /** Draws what waits; from now on all of it at once where it is not `patient`. */
  draw(patient = true): void {
    this.patient = patient;
    for (const drawn of this.#waiting.splice(0)) drawn();
  }

  enter = () => () => undefined;
  rule = async (words: string) => void this.drawn.push(words);
  find = () => false;
  text = () => this.drawn.join('');
  apply(): void {}
  reset(): void {}
  setCooked(): void {}
  focus(): void {}
  paste(): void {}
  endFind(): void {}
  dispose(): void {}
}

const wire = (output: AsyncIterable<Uint8Array>): Wire => ({
  output,
  tty: true,
  end: () => undefined,
  close: () => undefined,
  resize: async () => undefined,
  exitCode: async () => 0,
});

const wireOf = (...texts: string[]): Wire =>
  wire(
    (async function* () {
      for (const text of texts) yield new TextEncoder().encode(text);
    })(),
  );

const phaseOf = (session: TerminalSession) => session.snapshot().phase.name;

const until = (session: TerminalSession, fits: (phase: string) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (fits(phaseOf(session))) resolve();
    };
    session.subscribe(look);
    look();
  });

const ended = (session: TerminalSession) => until(session, (phase) => phase === 'ended');

/** A terminal that is connected; where it is not `seen`, the page is left again before anything comes. */
async function openSession(screen: FakeScreen, seen: boolean, ...texts: string[]): Promise<TerminalSession> {
  let go: () => void = () => undefined;
  const left = new Promise<void>((resolve) => (go = resolve));
  const session = new TerminalSession(async () => (await left, wireOf(...texts)));
  const leave = session.mount({} as HTMLElement, settings, false, async () => screen);
  await until(session, (phase) => phase === 'connecting');
  if (!seen) leave();
  go();
  await until(session, (phase) => phase !== 'connecting');
  await settled();
  return session;
}

test('a terminal that joins asks for as much of the past as it keeps', async () => {
  const asked: object[] = [];
  const container = { Config: { Tty: true, OpenStdin: true }, State: { Running: true, ExitCode: 0 } };
  const client = {
    containers: {
      inspect: async () => container,
      resize: async () => undefined,
      attach: async (_: string, options: object) => {
        asked.push(options);
        return { readable: wireOf('$ ').output, write: async () => undefined, end() {}, close() {} };
      },
    },
  } as unknown as Client;
  const { session } = createEngineStore(client).getState().attachTerminal('x', 'sh');
  session.mount({} as HTMLElement, settings, false, async () => new FakeScreen(false));
  await ended(session);
  const tail = usePreferences.getState().terminalScrollback;
  assert.deepEqual(asked, [{ stdin: true, stdout: true, stderr: true, logs: true, tail }]);
});

test('what nobody sees is drawn in small pieces, one terminal after the other, and each rests as long as it has drawn', async (t) => {
  let clock = 0;
  const rests: number[] = [];
  const lengths: number[] = [];
  const now = t.mock.method(performance, 'now', () => clock);
  const timer = t.mock.method(globalThis, 'setTimeout', (go: () => void, time: number) => {
    rests.push(time);
    setImmediate(go);
  });
  const heard = (length: number) => {
    clock += 5;
    lengths.push(length);
  };
  const screens = [new FakeScreen(true, heard), new FakeScreen(true, heard)];
  const [one, other] = await Promise.all(
    screens.map((screen, index) => openSession(screen, false, String(index).repeat(150 * KIB))),
  );
  assert.ok(one && other);
  for (let turn = 0; phaseOf(one) !== 'ended' || phaseOf(other) !== 'ended'; turn++) {
    const drawing = screens.filter(({ pieces }) => pieces > 0);
    assert.ok(drawing.length <= 1, 'both draw at once');
    assert.ok((drawing[0]?.pieces ?? 0) <= 4, 'a turn is longer than four pieces');
    assert.ok(turn < 1000, 'it has come to a stop');
    drawing[0]?.draw();
    await settled();
  }
  timer.mock.restore();
  now.mock.restore();
  assert.ok(Math.max(...lengths) <= 16 * KIB);
  assert.deepEqual(rests, [20, 20, 20, 20, 10, 10]);
  for (const [index, screen] of screens.entries()) assert.equal(screen.text(), String(index).repeat(150 * KIB));
});

test('what is seen is drawn while others wait for their turn', async () => {
  const hidden = new FakeScreen(true);
  const seen = new FakeScreen(false);
  const waiting = await openSession(hidden, false, 'hidden');
  assert.equal(hidden.pieces, 1);
  await ended(await openSession(seen, true, 'seen'));
  assert.equal(seen.text(), 'seen');
  hidden.draw(false);
  await ended(waiting);
});

for (const seen of [true, false])
  test(`after a rejoin nothing of the old stream stands between the new one's (${seen ? 'seen' : 'not seen'})`, async () => {
    const screen = new FakeScreen(true);
    const session = await openSession(screen, seen, 'a'.repeat(400 * KIB), 'b'.repeat(400 * KIB));
    const rejoined = session.reconnect({ rule: 'RULE', connect: async () => wireOf('new', 'er') });
    await settled();
    screen.draw(false);
    await rejoined;
    await settled();
    assert.equal(phaseOf(session), 'ended');
    assert.match(screen.text(), /^a+RULEnewer$/);
  });

test('of an old stream that still waits for its turn nothing is drawn after a rejoin', async () => {
  const busy = new FakeScreen(true);
  const screen = new FakeScreen(false);
  const first = await openSession(busy, false, 'busy');
  const session = await openSession(screen, false, 'old');
  const rejoined = session.reconnect({ rule: 'RULE', connect: async () => wireOf('new') });
  await settled();
  busy.draw(false);
  await rejoined;
  await ended(first);
  assert.equal(screen.text(), 'RULEnew');
});
