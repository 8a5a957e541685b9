import { notImplemented, unavailable } from '../../base/errors.js';
import type { Route } from '../router.js';

/** What Docker's API has and this engine cannot do yet. Each is refused by its own name. */
const lacking: Record<string, string[]> = {
  'build images': ['POST /build', 'POST /build/cancel', 'POST /session', 'POST /grpc'],
  'use plugins': [
    ...['POST /plugins/pull', 'POST /plugins/create', 'GET /plugins/privileges'],
    ...['DELETE /plugins/:name+', 'POST /plugins/:name+/enable', 'POST /plugins/:name+/disable'],
    ...['POST /plugins/:name+/upgrade', 'POST /plugins/:name+/push', 'POST /plugins/:name+/set'],
  ],
  'keep the state of a running container': [
    ...['GET /containers/:id/checkpoints', 'POST /containers/:id/checkpoints'],
    'DELETE /containers/:id/checkpoints/:checkpoint',
  ],
  'be part of a swarm': ['POST /swarm/init', 'POST /swarm/join', 'POST /swarm/unlock'],
};

/** What only a swarm has. Clients that ask (`docker node ls`, `docker stack ls`) know Docker's answer. */
const swarms = [
  ...['GET /swarm', 'POST /swarm/update', 'GET /swarm/unlockkey', 'GET /tasks', 'GET /tasks/:id'],
  ...['GET /tasks/:id/logs', 'GET /services/:id/logs'],
  ...['POST /services/create', 'POST /secrets/create', 'POST /configs/create'],
  ...['nodes', 'services', 'secrets', 'configs'].flatMap((noun) => [
    ...[`GET /${noun}`, `GET /${noun}/:id`, `DELETE /${noun}/:id`, `POST /${noun}/:id/update`],
  ]),
];

export const missingRoutes = (): Route[] => [
  ...Object.entries(lacking).flatMap(([what, routes]) =>
    routes.map((route) => refused(route, () => notImplemented(`Slipway cannot ${what} yet`))),
  ),
  ...swarms.map((route) =>
    refused(route, () =>
      unavailable(
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      ),
    ),
  ),
  refused('PUT /volumes/:name', () =>
    unavailable('volume update only valid for cluster volumes, but swarm is unavailable'),
  ),
  refused('POST /swarm/leave', () => unavailable('This node is not part of a swarm')),
];

function refused(route: string, why: () => Error): Route {
  const [method, path = ''] = route.split(' ');
  return { method: method as Route['method'], path, handler: () => Promise.reject(why()) };
}
