import type { Engine } from '../../engine/index.js';
import { json } from '../replies.js';
import { get, type Route } from '../router.js';
import { treeRoutes } from './file-tree.js';
import { archiveRoutes } from './files.js';

/** Volumes with all that is known of them, and their files: beyond Docker's API. */
export const volumeDataRoutes = ({ volumeSurvey, volumeTree, volumeArchives }: Engine): Route[] => [
  get('/slipway/volumes', async () => json(await volumeSurvey.list())),
  get('/slipway/volumes/:id', async ({ params }) => json(await volumeSurvey.inspect(params.id))),
  ...treeRoutes('/slipway/volumes/:id', volumeTree),
  ...archiveRoutes('/slipway/volumes/:id', volumeArchives),
];
