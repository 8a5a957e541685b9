/** Images, as the Docker Engine API 1.47 speaks of them. Sizes in bytes. */
import type { HealthConfig } from './containers.js';

export interface ImageSummary {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Unix seconds. */
  Created: number;
  Size: number;
  /** Of `Size`, the bytes of layers that other images have too. -1: not asked for. */
  SharedSize: number;
  Labels: Record<string, string> | null;
  /** -1: not counted. */
  Containers: number;
  /** Only where they were asked for. */
  Manifests?: ImageManifestSummary[];
}

/** A manifest that is kept of an image. */
export interface ImageManifestSummary {
  /** Its digest. */
  ID: string;
  Descriptor: { mediaType: string; digest: string; size: number };
  /** Whether everything that it names is here. */
  Available: boolean;
  /** `Content`: blobs that are here, the manifest itself among them; `Total`: those, and what is unpacked of them. */
  Size: { Content: number; Total: number };
  Kind: 'image' | 'attestation' | 'unknown';
  ImageData?: {
    Platform: { architecture: string; os: string; variant?: string };
    /** Full IDs. */
    Containers: string[];
    Size: { Unpacked: number };
  };
  /** The digest of the manifest that it is about. */
  AttestationData?: { For: string };
}

/** The run-time part of an image's config (OCI image-spec, config.md). */
export interface ImageConfig {
  User?: string;
  Env?: string[] | null;
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  WorkingDir?: string;
  Labels?: Record<string, string> | null;
  ExposedPorts?: Record<string, object>;
  Volumes?: Record<string, object>;
  StopSignal?: string;
  Healthcheck?: HealthConfig;
  Shell?: string[];
  OnBuild?: string[] | null;
}

export interface ImageInspect {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created: string;
  DockerVersion: string;
  Author: string;
  Config: ImageConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  Size: number;
  GraphDriver: { Name: string; Data: Record<string, string> };
  RootFS: { Type: 'layers'; Layers: string[] };
  Metadata: { LastTagTime: string };
}

export interface ImageHistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

export interface ImagesPruned {
  ImagesDeleted: ImageRemoved[];
  /** Bytes. */
  SpaceReclaimed: number;
}

export type ImageRemoved = { Untagged: string } | { Deleted: string };

/** One line of a pull's, push's or load's progress stream. */
export interface Progress {
  id?: string;
  status?: string;
  stream?: string;
  progressDetail?: { current?: number; total?: number };
  /** For old clients: the bar in text. */
  progress?: string;
  error?: string;
  errorDetail?: { code?: number; message: string };
  aux?: unknown;
}
