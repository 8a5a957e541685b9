import type { Containers, HeldFiles } from '../containers/index.js';
import type { Keeper } from './held.js';

/** Containers, as those who have files. */
export const containerFiles = (containers: Pick<Containers, 'hold' | 'announce'>): Keeper<HeldFiles> => ({
  noun: 'container',
  hold: (reference) => containers.hold(reference),
  cutOff: ({ record }) => `container ${record.id} stopped`,
  announce: ({ record }, action) => containers.announce(record.id, action),
  userOf: ({ record }) => record.config.User,
});
