/** The Docker Engine API versions that this engine speaks, and how a request picks one. */
import { invalid } from '../base/errors.js';

export const minimumVersion = '1.24';
export const maximumVersion = '1.47';

/** A version such as `1.41`, known to lie between the two ends. */
export type ApiVersion = string & { readonly apiVersion: unique symbol };

const minorOf = (version: string): number => {
  const match = /^1\.(\d{1,4})$/.exec(version);
  return match ? Number(match[1]) : NaN;
};

export const atLeast = (version: ApiVersion, floor: string): boolean => minorOf(version) >= minorOf(floor);

/** Splits `/v1.41/containers/json` into its version and the path that routes know. Without a prefix it is the newest version. */
export function splitVersion(path: string): { version: ApiVersion; path: string } {
  const match = /^\/v(\d[\d.]*)(\/.*)$/.exec(path);
  if (!match) return { version: maximumVersion as ApiVersion, path };
  const [, version = '', rest = ''] = match;
  if (isOlder(version, minimumVersion))
    throw invalid(
      `client version ${version} is too old. Minimum supported API version is ${minimumVersion}, please upgrade your client to a newer version`,
    );
  if (isOlder(maximumVersion, version))
    throw invalid(`client version ${version} is too new. Maximum supported API version is ${maximumVersion}`);
  return { version: version as ApiVersion, path: rest };
}

function isOlder(a: string, b: string): boolean {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
