import type { SelfCheckLine } from '../../contract/disk.js';
import type { Engine } from '../../engine/index.js';
import { json, steps } from '../replies.js';
import { get, post, type Route } from '../router.js';

/** Where every byte went, and whether it is still what it was. */
export const diskRoutes = ({ disk }: Engine): Route[] => [
  get('/slipway/disk', async () => json(await disk.usage())),
  post('/slipway/disk/collect', async () => json(await disk.collect())),
  post('/slipway/self-check', ({ signal }) =>
    steps<SelfCheckLine, SelfCheckLine>((report) => disk.selfCheck({ report, signal })),
  ),
];
