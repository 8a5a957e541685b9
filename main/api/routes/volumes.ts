import { notFound } from '../../base/errors.js';
import { json } from '../replies.js';
import { del, get, post, type Route } from '../router.js';

const none = ({ params }: { params: { name: string } }) =>
  Promise.reject(notFound(`get ${params.name}: no such volume`));

/** There are no volumes yet, which is all there is to say of them. */
export const volumeRoutes = (): Route[] => [
  get('/volumes', () => json({ Volumes: [], Warnings: null })),
  get('/volumes/:name', none),
  del('/volumes/:name', none),
  post('/volumes/prune', () => json({ VolumesDeleted: [], SpaceReclaimed: 0 })),
];
