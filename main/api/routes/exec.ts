import type { ExecStart } from '../../contract/containers.js';
import type { Engine } from '../../engine/index.js';
import { execCreate, execStart } from '../documents.js';
import { requiredInteger } from '../parameters.js';
import { created, empty, hijack, json } from '../replies.js';
import { get, post, type Route } from '../router.js';
import { streamType } from '../stream-type.js';
import { atLeast, type ApiVersion } from '../versions.js';

export const execRoutes = ({ execs }: Engine): Route[] => [
  post('/containers/:id/exec', async ({ params, body, version }) => {
    const wish = execCreate(await body.json());
    return created(await execs.create(params.id, { ...wish, ConsoleSize: consoleSize(version, wish) }));
  }),
  post('/exec/:id/start', async (call) => {
    const wish = execStart(await call.body.json());
    const attached = await execs.start(call.params.id, {
      detach: wish.Detach ?? false,
      tty: wish.Tty ?? false,
      consoleSize: consoleSize(call.version, wish),
    });
    return attached ? hijack(attached, streamType(call, !attached.framed)) : empty(200);
  }),
  post('/exec/:id/resize', async ({ params, query }) => {
    await execs.resize(params.id, requiredInteger(query, 'h'), requiredInteger(query, 'w'));
    return empty(200);
  }),
  get('/exec/:id/json', async ({ params }) => json(await execs.inspect(params.id))),
];

/** A size for a terminal, from clients that know of it: since 1.42. */
const consoleSize = (version: ApiVersion, { ConsoleSize, Tty }: ExecStart) =>
  Tty && atLeast(version, '1.42') ? ConsoleSize : undefined;
