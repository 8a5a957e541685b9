import { invalid } from '../../base/errors.js';
import type { ChangeProgress } from '../../contract/changes.js';
import type { Engine } from '../../engine/index.js';
import { containerChange, containerRevert } from '../documents.js';
import { flag, integer } from '../parameters.js';
import { json, steps } from '../replies.js';
import { get, post, type Call, type Route } from '../router.js';

const LONGEST_WATCH_S = 3600;

/** Changing containers that are there, and what happened to them. */
export const changeRoutes = ({ containers }: Engine): Route[] => [
  post('/slipway/containers/:id/change', async ({ params, body, query, signal }) => {
    const change = containerChange(await body.json());
    if (flag(query, 'preview')) return json(await containers.previewChange(params.id, change));
    const options = optionsOf(query);
    return steps((report: (step: ChangeProgress) => void) =>
      containers.change(params.id, change, { ...options, signal, report }),
    );
  }),
  get('/slipway/containers/:id/history', ({ params }) => json(containers.history(params.id))),
  post('/slipway/containers/:id/revert', async ({ params, body, query, signal }) => {
    const { Seq } = containerRevert(await body.json());
    if (flag(query, 'preview')) return json(await containers.previewRevert(params.id, Seq));
    const options = optionsOf(query);
    return steps((report: (step: ChangeProgress) => void) =>
      containers.revert(params.id, Seq, { ...options, signal, report }),
    );
  }),
];

function optionsOf(query: Call['query']): { restart: boolean; watch: number | undefined } {
  const watch = integer(query, 'watch');
  if (watch !== undefined && (watch < 0 || watch > LONGEST_WATCH_S))
    throw invalid(`watch must be 0 to ${LONGEST_WATCH_S} seconds`);
  return { restart: flag(query, 'restart', true), watch };
}
