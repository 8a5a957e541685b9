import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { appendFileSync, renameSync } from 'node:fs';
import { appendFile, mkdtemp, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogFormat, openHistory, readLog, type LogRequest, type LogView } from './index.js';

const time = (n: number): string => `2026-11-23T22:57:${String(n % 60).padStart(2, '0')}.000000000Z`;
const line = (text: string, stream = 'stdout', at = time(0)): string =>
  JSON.stringify({ log: text, stream, time: at }) + '\n';
const frame = (text: string, stream = 1): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};
const all: LogView = { stdout: true, stderr: true, framed: false, timestamps: false };

async function temporaryLog(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'slipway-logs-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'x-json.log');
}

async function read(path: string, request: Partial<LogRequest> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readLog(path, { ...all, ...request })) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

test('every escape, control character and script comes back as it was', () => {
  const text = 'a"b\\c\t\r\u0000\u001b[1m\u007f/ é 漢字 🚢 \u2028\n';
  assert.equal(new LogFormat(all).push(Buffer.from(line(text))).toString(), text);
  assert.equal(
    new LogFormat(all)
      .push(Buffer.from('{"log":"\\u00e9\\ud83d\\udea2\\/\\n","stream":"stdout","time":"2026-11-23T22:57:13Z"}\n'))
      .toString(),
    'é🚢/\n',
  );
});

test('lines cut anywhere between two reads give the same output', () => {
  const input = Buffer.from(line('one\n') + line('zwei "2"\n', 'stderr') + line('三\n'));
  const part = (from: number, to?: number) => Buffer.from(input.subarray(from, to)); // what is pushed is taken over
  const whole = new LogFormat({ ...all, framed: true }).push(part(0));
  assert.deepEqual(whole, Buffer.concat([frame('one\n'), frame('zwei "2"\n', 2), frame('三\n')]));
  for (let cut = 0; cut <= input.length; cut++) {
    const format = new LogFormat({ ...all, framed: true });
    const parts = [format.push(part(0, cut)), format.push(part(cut))];
    assert.deepEqual(Buffer.concat(parts), whole);
  }
});

test('timestamps and details go inside the frame', () => {
  const format = new LogFormat({ ...all, framed: true, timestamps: true, details: '' });
  assert.deepEqual(format.push(Buffer.from(line('x\n'))), frame(`${time(0)}  x\n`));
});

test('a foreign layout and trimmed times are understood, a torn line is skipped', () => {
  const format = new LogFormat({ ...all, timestamps: true });
  const input = '{"stream":"stdout","log":"x\\n","time":"2026-11-23T22:57:13.5Z"}\n{"log":"to\n' + line('y\n');
  assert.equal(format.push(Buffer.from(input)).toString(), `2026-11-23T22:57:13.500000000Z x\n${time(0)} y\n`);
});

test('what was torn off by a power cut costs no other line', () => {
  const zeros = '\0'.repeat(20);
  const input = `${line('a\n')}{"log":"to${line('b\n')}${zeros}${line('c\n')}{"log":"d","stream":"stdout","ti\n${line('e\n')}`;
  assert.equal(new LogFormat(all).push(Buffer.from(input)).toString(), 'a\nb\nc\ne\n');
});

test('bytes that are no UTF-8 are replaced, however many, and disturb nobody else', () => {
  const bad = Buffer.concat([
    Buffer.from('{"stream":"stdout","log":"'),
    Buffer.alloc(500, 0xff),
    Buffer.from(`","time":"${time(0)}"}\n`),
  ]);
  const input = Buffer.concat([Buffer.from(line('a\n')), bad, Buffer.from(line('b\n'))]);
  const expected = Buffer.concat([frame('a\n'), frame('\ufffd'.repeat(500)), frame('b\n')]);
  assert.deepEqual(new LogFormat({ ...all, framed: true }).push(input), expected);
});

test('whatever a line says, and however it is shown, it is what JSON.parse makes of it', () => {
  const alphabet = [
    'a',
    'é',
    '漢',
    '🚢',
    '"',
    '\\',
    '\n',
    '\t',
    '\u0000',
    '\u001b[0m',
    '\u007f',
    '/',
    '{"log":"',
    '","stream":"stdout","time":"',
  ];
  let state = 1;
  const random = (below: number) => ((state = (state * 48271) % 0x7fffffff), state % below);
  for (const view of [all, { ...all, framed: true }, { ...all, framed: true, timestamps: true, details: '' }]) {
    const inputs: string[] = [];
    const expected: Buffer[] = [];
    for (let n = 0; n < 500; n++) {
      const text =
        Array.from({ length: random(40) }, () => alphabet[random(alphabet.length)]).join('') + (random(4) ? '\n' : '');
      const isError = random(2) === 1;
      inputs.push(line(text, isError ? 'stderr' : 'stdout', time(n)));
      const said = `${view.timestamps ? `${time(n)} ` : ''}${view.details === undefined ? '' : ' '}${text}`;
      expected.push(view.framed ? frame(said, isError ? 2 : 1) : Buffer.from(said));
    }
    assert.deepEqual(new LogFormat(view).push(Buffer.from(inputs.join(''))), Buffer.concat(expected));
  }
});

test('since and until bound what is read, and only the streams asked for come', async (t) => {
  const path = await temporaryLog(t);
  await writeFile(path, [1, 2, 3, 4].map((n) => line(`${n}\n`, n % 2 ? 'stdout' : 'stderr', time(n))).join(''));
  assert.equal(await read(path, { since: time(2) }), '2\n3\n4\n');
  assert.equal(await read(path, { until: time(2) }), '1\n2\n');
  assert.equal(await read(path, { stderr: false }), '1\n3\n');
});

test('tail counts entries from the end, over rotated files too', async (t) => {
  const path = await temporaryLog(t);
  const lines = (from: number, to: number): string => {
    let text = '';
    for (let n = from; n <= to; n++) text += line(`${n}\n`);
    return text;
  };
  await writeFile(`${path}.2`, lines(1, 3));
  await writeFile(`${path}.1`, lines(4, 2000));
  await writeFile(path, lines(2001, 2003));
  assert.equal(await read(path, { tail: 0 }), '');
  assert.equal(await read(path, { tail: 2 }), '2002\n2003\n');
  assert.equal(await read(path, { tail: 3 }), '2001\n2002\n2003\n');
  assert.equal(await read(path, { tail: 4 }), '2000\n2001\n2002\n2003\n');
  assert.equal((await read(path, { tail: 2001 })).split('\n').length, 2002);
  assert.equal((await read(path, { tail: 2001 })).slice(0, 4), '3\n4\n');
  assert.equal((await read(path, { tail: 99999 })).slice(0, 4), '1\n2\n');
});

test('readers side by side each get every line, short and long, whatever two blocks it lies across', async (t) => {
  const path = await temporaryLog(t);
  const texts = Array.from({ length: 6000 }, (_, n) => `${n} ${'x'.repeat((n * 37) % 400)}\n`);
  texts.splice(3000, 0, `${'long "'.repeat(40_000)}\n`);
  await writeFile(path, texts.map((text) => line(text)).join(''));
  const expected = texts.join('');
  for (const seen of await Promise.all(Array.from({ length: 6 }, () => read(path)))) assert.ok(seen === expected);
  const framed: Uint8Array[] = [];
  for await (const chunk of readLog(path, { ...all, framed: true })) {
    framed.push(Buffer.from(chunk));
    await sleep(1); // somebody else reads meanwhile
    void read(path, { tail: 3 });
  }
  assert.ok(Buffer.concat(framed).equals(Buffer.concat(texts.map((text) => frame(text)))));
});

test('a log that was never written is empty', async (t) => {
  assert.equal(await read(await temporaryLog(t)), '');
});

test('a follower sees every line over many rotations and ends with the container', async (t) => {
  const path = await temporaryLog(t);
  await writeFile(path, line('0\n'));
  let end!: () => void;
  const follow = new Promise<void>((resolve) => (end = resolve));
  const reading = read(path, { follow });
  const count = 400;
  for (let n = 1; n < count; n++) {
    await appendFile(path, line(`${n}\n`));
    if (n % 50 === 0) {
      await rename(`${path}.1`, `${path}.2`).catch(() => undefined);
      await rename(path, `${path}.1`);
      if (n % 100 === 0) await sleep(5);
    }
    if (n % 20 === 0) await sleep(1);
  }
  end();
  const expected = Array.from({ length: count }, (_, n) => `${n}\n`).join('');
  assert.equal(await reading, expected);
});

test('of a history its last entries can be asked for, over rotated files too', async (t) => {
  const path = await temporaryLog(t);
  await writeFile(
    `${path}.2`,
    '12'.replace(/./g, (n) => line(`${n}\n`)),
  );
  await writeFile(
    `${path}.1`,
    '345'.replace(/./g, (n) => line(`${n}\n`)),
  );
  await writeFile(
    path,
    '678'.replace(/./g, (n) => line(`${n}\n`)),
  );
  const last = async (tail?: number) => {
    const history = await openHistory(path);
    const chunks: Uint8Array[] = [];
    const end = line('6\n').length * 2;
    for await (const chunk of history.read(end, all, tail)) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString().replaceAll('\n', '');
  };
  assert.deepEqual(await Promise.all([0, 1, 2, 3, 5, 6, 7, 99].map(last)), [
    '', '7', '67', '567', '34567', '234567', '1234567', '1234567',
  ]); // prettier-ignore
  assert.equal(await last(), '1234567');
});

test('history ends at the byte asked for and knows of a rotation', async (t) => {
  const path = await temporaryLog(t);
  await writeFile(`${path}.1`, line('old\n'));
  await writeFile(path, line('a\n'));
  const history = await openHistory(path);
  await appendFile(path, line('b\n'));
  const chunks: Uint8Array[] = [];
  for await (const chunk of history.read(line('a\n').length, all)) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'old\na\n');
  assert.equal(await history.current(), true);
  await rename(path, `${path}.1`);
  assert.equal(await history.current(), false);
  await history[Symbol.asyncDispose]();
});

test('a reader that leaves while the log is rotated leaves no file open', async (t) => {
  const path = await temporaryLog(t);
  await writeFile(path, line('one\n'));
  const reading = readLog(path, { ...all, follow: new Promise(() => undefined) });
  assert.equal(Buffer.from((await reading.next()).value as Uint8Array).toString(), 'one\n');
  await writeFile(`${path}.new`, line('three\n'));
  const second = reading.next();
  const awake = setInterval(() => undefined, 1000); // watching alone does not keep a process up
  t.after(() => clearInterval(awake));
  await sleep(50); // it waits
  // In one go: it must not see only some of this.
  appendFileSync(path, line('two\n'));
  renameSync(path, `${path}.1`);
  renameSync(`${path}.new`, path);
  assert.equal(Buffer.from((await second).value as Uint8Array).toString(), 'two\n');
  await reading.return(undefined);
  const open = async () => {
    const each = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
    return (await Promise.all(each)).filter((target) => target.startsWith(path));
  };
  for (let tries = 0; (await open()).length > 0 && tries < 1000; tries++) await sleep(10); // nobody waits for their closing
  assert.deepEqual(await open(), []);
});
