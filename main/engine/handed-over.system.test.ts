import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';

/** Opens a port, hands the socket that listens on it to its parent, and is gone. */
const opener = `
  const server = require('node:net').createServer();
  server.listen(0, '127.0.0.1', () =>
    process.send({ port: server.address().port }, server, () => process.exit()));
`;

test('a socket that another process opened is served here, and goes on when that process has ended', async () => {
  const child = spawn(process.execPath, ['-e', opener], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const gone = once(child, 'exit');
  const [{ port }, server] = (await once(child, 'message')) as [{ port: number }, net.Server];
  await gone;
  server.on('connection', (connection) => connection.end('served here'));
  const heard = net.connect(port, '127.0.0.1').setEncoding('utf8');
  const [said] = (await once(heard, 'data')) as [string];
  await once(heard, 'close');
  server.close();
  assert.equal(said, 'served here');
});
