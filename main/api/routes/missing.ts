import { notImplemented } from '../../base/errors.js';
import type { Route } from '../router.js';

/** What Docker's API has and this engine cannot do yet. Each is refused by its own name. */
const lacking: Record<string, string[]> = {
  'tell what a container has changed': ['GET /containers/:id/changes'],
  'export a container': ['GET /containers/:id/export'],
  'copy files into or out of a container': ['GET', 'HEAD', 'PUT'].map((method) => `${method} /containers/:id/archive`),
  'make an image of a container': ['POST /commit'],
  'build images': ['POST /build', 'POST /build/prune', 'POST /build/cancel', 'POST /session', 'POST /grpc'],
  'keep volumes': ['POST /volumes/create'],
  'make or change networks': [
    ...['POST /networks/create', 'POST /networks/prune', 'DELETE /networks/:id'],
    ...['POST /networks/:id/connect', 'POST /networks/:id/disconnect'],
  ],
  'ask a registry about an image without pulling it': ['GET /distribution/:name+/json'],
  'check the credentials of a login': ['POST /auth'],
  'use plugins': ['GET /plugins', 'POST /plugins/pull'],
  'be part of a swarm': [
    ...['GET /swarm', 'POST /swarm/init', 'POST /swarm/join', 'POST /swarm/leave', 'GET /nodes', 'GET /tasks'],
    ...['GET /services', 'POST /services/create', 'GET /secrets', 'POST /secrets/create'],
    ...['GET /configs', 'POST /configs/create'],
  ],
};

export const missingRoutes = (): Route[] =>
  Object.entries(lacking).flatMap(([what, routes]) =>
    routes.map((route) => {
      const [method, path = ''] = route.split(' ');
      const handler = () => Promise.reject(notImplemented(`Slipway cannot ${what} yet`));
      return { method: method as Route['method'], path, handler };
    }),
  );
