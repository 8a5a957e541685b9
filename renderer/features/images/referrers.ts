import type { Referrer } from '../../../main/contract/registries.js';

/** What people know these by. */
const kinds = [
  [/cosign|sigstore|notary|signature/i, 'signature'],
  [/spdx|cyclonedx|sbom/i, 'sbom'],
  [/in-toto|slsa|provenance|attestation/i, 'attestation'],
] as const;

/** What an attachment is, as far as its type and annotations say. */
export const kindOfReferrer = ({ artifactType, annotations }: Pick<Referrer, 'artifactType' | 'annotations'>) => {
  const said = `${artifactType} ${Object.values(annotations ?? {}).join(' ')}`;
  return kinds.find(([pattern]) => pattern.test(said))?.[1] ?? 'other';
};
