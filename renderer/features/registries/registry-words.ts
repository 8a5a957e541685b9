import type { TFunction } from 'i18next';
import type { Registry } from '../../../main/contract/registries.js';
import { trustWord } from '../../parts/TrustDialog.js';

/** What nobody has said anything about. */
export const plainRegistry = (host: string): Registry => ({
  host,
  credentials: null,
  mirrors: [],
  insecure: false,
  certificates: { ca: false, client: false },
});

/** Docker Hub is there for everybody. */
export const withHub = (registries: Registry[]): Registry[] =>
  registries.some(({ host }) => host === 'docker.io') ? registries : [plainRegistry('docker.io'), ...registries];

export const isPlain = ({ credentials, mirrors, insecure, certificates }: Registry): boolean =>
  credentials === null && mirrors.length === 0 && !insecure && !certificates.ca && !certificates.client;

/** What can be forgotten of it: what docker keeps, and what the engine's own settings and this machine's files say, stays. */
export const ownOf = ({ fixed = {}, ...registry }: Registry): Registry => ({
  ...registry,
  credentials: registry.credentials === 'docker' ? null : registry.credentials,
  mirrors: registry.mirrors.filter((mirror) => !fixed.mirrors?.includes(mirror)),
  insecure: registry.insecure && !fixed.insecure,
  certificates: {
    ca: registry.certificates.ca && !fixed.certificates?.ca,
    client: registry.certificates.client && !fixed.certificates?.client,
  },
});

/** Where the password comes from. */
export const sourceWords = (t: TFunction, { credentials, helper = '' }: Registry): string =>
  credentials === null ? t('registries.source.none') : t(`registries.source.${credentials}`, { helper });

export const trustWords = (t: TFunction, registry: Registry): string => t(`registries.trust.${trustWord(registry)}`);
