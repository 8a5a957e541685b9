import '../../base/scopes.js';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from './request.js';

test('what had arrived when a connection broke is taken before that is said, however slowly', async () => {
  const sent = 3_000_000;
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'Content-Length': 10_000_000 });
    response.write(Buffer.alloc(sent), () => setTimeout(() => response.destroy(), 5));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const { body } = await request(new URL(`http://127.0.0.1:${port}/`), () =>
      Promise.resolve({ agent: http.globalAgent }),
    );
    let taken = 0;
    await assert.rejects(async () => {
      for await (const chunk of body) {
        taken += chunk.length;
        await sleep(taken > sent - 100_000 ? 100 : 2); // it breaks while there is something left
      }
    }, /cut the connection/);
    assert.equal(taken, sent);
  } finally {
    server.close();
  }
});
