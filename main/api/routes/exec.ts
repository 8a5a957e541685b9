import type { Engine } from '../../engine/index.js';
import { execCreate, execStart } from '../documents.js';
import { integer } from '../parameters.js';
import { created, empty, hijack, json } from '../replies.js';
import { get, post, type Route } from '../router.js';
import { streamType } from '../stream-type.js';

export const execRoutes = ({ execs }: Engine): Route[] => [
  post('/containers/:id/exec', async ({ params, body }) =>
    created(await execs.create(params.id, execCreate(await body.json()))),
  ),
  post('/exec/:id/start', async (call) => {
    const wish = execStart(await call.body.json());
    const attached = await execs.start(call.params.id, {
      detach: wish.Detach ?? false,
      tty: wish.Tty ?? false,
      consoleSize: wish.ConsoleSize ?? undefined,
    });
    return attached ? hijack(attached, streamType(call, attached.tty)) : empty(200);
  }),
  post('/exec/:id/resize', async ({ params, query }) => {
    await execs.resize(params.id, integer(query, 'h') ?? 0, integer(query, 'w') ?? 0);
    return empty(200);
  }),
  get('/exec/:id/json', async ({ params }) => json(await execs.inspect(params.id))),
];
