/** Registries as the engine knows them (`/slipway/registries`), and what it asks of them for an image. */

/** A registry that is configured, logged in to, or that images came from. */
export interface Registry {
  /** `docker.io`, `localhost:5000`. */
  host: string;
  /** Who is logged in. */
  user?: string;
  /** Where the password comes from: our own store, docker's `config.json`, a credential helper; null: nobody is logged in. */
  credentials: 'slipway' | 'docker' | 'helper' | null;
  /** The helper's name. */
  helper?: string;
  /** Addresses that are asked first, in this order. */
  mirrors: string[];
  /** Certificates are not checked, and plain HTTP will do. */
  insecure: boolean;
  certificates: { ca: boolean; client: boolean };
  /** What of it the engine's flags and this machine's files say, which requests cannot take away. */
  fixed?: { mirrors?: string[]; insecure?: boolean; certificates?: { ca: boolean; client: boolean } };
}

/** `PUT /slipway/registries/{host}`: what is left out stays as it is; null takes it away. Certificates and keys are PEM. */
export interface RegistryChange {
  mirrors?: string[];
  insecure?: boolean;
  ca?: string | null;
  clientCertificate?: string | null;
  clientKey?: string | null;
}

/** `POST /slipway/registries/{host}/login`: who is logged in now, and who keeps it. */
export interface RegistryLogin {
  user: string;
  credentials: 'slipway' | 'helper';
  helper?: string;
}

/** A page of names; `next` is what `last` has to be for the following one. */
export interface RegistryNames {
  /** False: this registry does not tell. */
  offered: boolean;
  names: string[];
  next?: string;
}

/** What a registry has under an image's name now. Nothing is pulled. */
export interface NewerAnswer {
  newer: boolean;
  digest: string;
  /** What is here; null where it came from somewhere else. */
  current: string | null;
}

/** What a registry has attached to an image. Nothing of it is verified. */
export interface Referrer {
  digest: string;
  artifactType: string;
  /** Bytes. */
  size: number;
  annotations: Record<string, string> | null;
}

/** One of what `GET /images/search` found. */
export interface SearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated: boolean;
}

/** `POST /auth`. */
export interface AuthAnswer {
  Status: string;
  IdentityToken: string;
}

/** `GET /distribution/{name}/json`: an image as its registry has it. */
export interface DistributionInspect {
  Descriptor: {
    mediaType: string;
    digest: string;
    size: number;
  };
  Platforms: DistributionPlatform[];
}

export interface DistributionPlatform {
  architecture: string;
  os: string;
  'os.version'?: string;
  'os.features'?: string[];
  variant?: string;
}
