import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerChange, containerCreate, containerRevert, execCreate, execStart } from './documents.js';
import { filtersOf } from './filters.js';
import { flag, integer, nanoseconds } from './parameters.js';

test('lists may be null, and what is not known is kept', () => {
  const body = containerCreate({
    Image: 'web',
    Cmd: null,
    Env: null,
    ShmFuture: 1,
    HostConfig: { Binds: null, PortBindings: { '80/tcp': null }, BlkioWeight: 7, Memory: 5 },
  });
  assert.deepEqual(body, {
    Image: 'web',
    ShmFuture: 1,
    HostConfig: { PortBindings: { '80/tcp': [] }, BlkioWeight: 7, Memory: 5 },
  });
});

test('in a change null is a wish of its own, names come in any case, and what is not part of it is refused', () => {
  const change = {
    name: 'web',
    config: { env: null, cmd: 'sh', Labels: { a: 'b' } },
    HostConfig: { memory: 5, Binds: null },
  };
  assert.deepEqual(containerChange(change), {
    Name: 'web',
    Config: { Cmd: ['sh'], Labels: { a: 'b' }, Env: null },
    HostConfig: { Memory: 5, Binds: null },
  });
  assert.throws(() => containerChange({ Env: [] }), { kind: 'invalid', message: /Env/ });
  assert.throws(() => containerChange({ HostConfig: { Memory: 'much' } }), { kind: 'invalid', message: /Memory/ });
  assert.deepEqual(containerRevert({ Seq: 3 }), { Seq: 3 });
  assert.throws(() => containerRevert({ Seq: -1 }), { kind: 'invalid' });
});

test('a command may be one word', () => {
  assert.deepEqual(containerCreate({ Cmd: 'true', Entrypoint: '' }), { Cmd: ['true'], Entrypoint: [''] });
  assert.deepEqual(execCreate({ Cmd: 'true' }).Cmd, ['true']);
});

test('what does not fit is refused by its name', () => {
  assert.throws(() => containerCreate(undefined), {
    kind: 'invalid',
    message: 'config cannot be empty in order to create a container',
  });
  assert.throws(() => containerCreate({ HostConfig: { Memory: '5' } }), /HostConfig\.Memory.*expected number/);
  assert.throws(() => execCreate({ Cmd: [] }), { message: 'No exec command specified' });
});

test('an exec may be started with no body at all', () => {
  assert.deepEqual(execStart(undefined), {});
  assert.deepEqual(execStart({ Detach: false, Tty: true, ConsoleSize: [24, 80] }), {
    Detach: false,
    Tty: true,
    ConsoleSize: [24, 80],
  });
});

const query = (text: string) => new URLSearchParams(text);
const filters = (value: unknown) => query(`filters=${encodeURIComponent(JSON.stringify(value))}`);

test('filters come as maps or, from old clients, as lists', () => {
  assert.deepEqual(filtersOf(filters({ label: { 'a=b': true, c: true } }), ['label']), { label: ['a=b', 'c'] });
  assert.deepEqual(filtersOf(filters({ status: ['running'] }), ['status']), { status: ['running'] });
  assert.deepEqual(filtersOf(query(''), []), {});
  assert.throws(() => filtersOf(filters({ bogus: ['1'] }), ['status']), {
    kind: 'invalid',
    message: "Invalid filter 'bogus'",
  });
  assert.throws(() => filtersOf(query('filters=x'), []), { kind: 'invalid' });
});

test('flags, numbers and times are read as Docker reads them', () => {
  assert.deepEqual(
    ['a=1', 'a=true', 'a=True', 'a=0', 'a=', 'a=none', 'b=1'].map((text) => flag(query(text), 'a')),
    [true, true, true, false, false, false, false],
  );
  assert.equal(integer(query('t=-1'), 't'), -1);
  assert.equal(integer(query(''), 't'), undefined);
  assert.throws(() => integer(query('t=soon'), 't'), { kind: 'invalid' });
  assert.equal(nanoseconds(query('since=1.5'), 'since'), 1_500_000_000);
  assert.equal(nanoseconds(query('since=0'), 'since'), undefined);
  assert.throws(() => nanoseconds(query('since=now'), 'since'), { kind: 'invalid' });
});
