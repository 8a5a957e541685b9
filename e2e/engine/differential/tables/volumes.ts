/** Volumes: made, found, held, removed. */
import type { Step } from '../compare.js';
import { make } from './lifecycle.js';

const filters = (value: unknown) => `filters=${encodeURIComponent(JSON.stringify(value))}`;

export const volumes: Step[] = [
  'GET /volumes',
  'GET /volumes/nosuch',
  'DELETE /volumes/nosuch',
  'DELETE /volumes/nosuch?force=1',
  { ask: 'POST /volumes/create', body: { Name: 'data' } },
  { ask: 'POST /volumes/create', body: { Name: 'data' } },
  { ask: 'POST /volumes/create', body: { Name: 'labelled', Labels: { a: 'b' } } },
  { ask: 'POST /volumes/create', body: {}, keep: 'anonymous', compare: 'shape' },
  { ask: 'POST /volumes/create', body: { Name: 'a' } },
  { ask: 'POST /volumes/create', body: { Name: 'not good' } },
  { ask: 'POST /volumes/create', body: { Name: 'x2', DriverOpts: { bogus: '1' } } },
  'GET /volumes/data',
  'GET /volumes/labelled',
  `GET /volumes?${filters({ name: ['data'] })}`,
  `GET /volumes?${filters({ label: ['a=b'] })}`,
  `GET /volumes?${filters({ dangling: ['true'], name: ['labelled'] })}`,
  `GET /volumes?${filters({ driver: ['local'], name: ['data'] })}`,
  `GET /volumes?${filters({ dangling: ['maybe'] })}`,
  `GET /volumes?${filters({ bogus: ['1'] })}`,
  make('holder', ['true'], { Volumes: { '/anon': {} } }, { Binds: ['data:/data', 'made:/made:ro'] }),
  'GET /containers/holder/json',
  'DELETE /volumes/data',
  'DELETE /containers/holder?v=1',
  'DELETE /volumes/data',
  'DELETE /volumes/data',
  { ask: `POST /volumes/prune?${filters({ bogus: ['1'] })}` },
  { ask: `POST /volumes/prune?${filters({ label: ['a=b'] })}`, compare: 'shape' },
  { ask: 'POST /volumes/prune', compare: 'shape' },
];
